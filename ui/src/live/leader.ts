/** One tab of a browser leads: it alone reads the stream, and passes events on. */

const NAME = "mainspring.events";
const BEAT_MS = 2000;
const DEAD_MS = 6000;

/**
 * Run `work` while this tab leads, until `signal` aborts. Where the browser has Web Locks the lock says who leads.
 * Plain http away from loopback has none: there the tabs agree by a heartbeat over a channel.
 */
export function whileLeading(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): void {
  if (navigator.locks) {
    navigator.locks.request(NAME, { signal }, () => work(signal)).catch(() => undefined);
  } else {
    leadByHeartbeat(signal, work);
  }
}

interface Beat {
  id: number;
  isLeaving?: boolean;
}

function leadByHeartbeat(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): void {
  const channel = new BroadcastChannel(`${NAME}.beat`);
  const id = Math.random();
  let heardAt = performance.now() - DEAD_MS + 300 + Math.random() * 700;
  let leading: AbortController | null = null;
  const beat = (isLeaving = false) => channel.postMessage({ id, isLeaving } satisfies Beat);
  channel.onmessage = ({ data }: MessageEvent<Beat>) => {
    if (data.isLeaving) {
      heardAt = performance.now() - DEAD_MS + Math.random() * 200;
    } else if (leading && data.id > id) {
      beat(); // Both lead: the smaller id stays, and says so.
    } else {
      heardAt = performance.now();
      leading?.abort();
      leading = null;
    }
  };
  const timer = setInterval(() => {
    if (leading) beat();
    else if (performance.now() - heardAt > DEAD_MS) {
      leading = new AbortController();
      beat();
      void work(leading.signal);
    }
  }, BEAT_MS / 4);
  const leave = () => {
    clearInterval(timer);
    if (leading) beat(true);
    leading?.abort();
    channel.close();
  };
  signal.addEventListener("abort", leave, { once: true });
  window.addEventListener("pagehide", () => leading && beat(true));
}
