import { useSyncExternalStore } from "react";
import { now as serverNow } from "../api/client.ts";
import { useLanguage, useT } from "../i18n/index.tsx";
import { type Clock, duration, exact, moment, near, roughly } from "../time/format.ts";
import { useZone } from "../time/zone.ts";

const listeners = new Set<() => void>();
let second = Math.floor(serverNow() / 1000);
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    second = Math.floor(serverNow() / 1000);
    listeners.forEach((each) => each());
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Now in milliseconds, by the server's clock; draws again every `step` seconds. One timer for the whole page. */
export const useNow = (step = 1): number => useSyncExternalStore(subscribe, () => second - (second % step)) * 1000;

/** Language, zone and now, as the functions of time/format.ts take them. */
export function useClock(step = 60): Clock {
  const { language } = useLanguage();
  const { name } = useZone();
  return { language, zone: name, now: useNow(step) };
}

/** An instant: near ones short, the whole of it in the tooltip. */
export function When({ at, long = false }: { at: string | null | undefined; long?: boolean }) {
  const clock = useClock();
  if (!at) return null;
  const instant = Date.parse(at);
  return (
    <time dateTime={at} title={exact(clock, instant)}>
      {long ? moment(clock, instant) : near(clock, instant)}
    </time>
  );
}

/** How long ago, up to 48 h; the day afterwards. */
export function Ago({ at }: { at: string }) {
  const { common } = useT();
  const clock = useClock(5);
  const instant = Date.parse(at);
  const age = (clock.now - instant) / 1000;
  return (
    <time dateTime={at} title={exact(clock, instant)}>
      {age > 48 * 3600 ? near(clock, instant) : common.ago(roughly(clock.language, age))}
    </time>
  );
}

/** In how long; how late when it has passed. */
export function Until({ at }: { at: string }) {
  const { common } = useT();
  const clock = useClock(1);
  const instant = Date.parse(at);
  const left = (instant - clock.now) / 1000;
  return (
    <time dateTime={at} title={exact(clock, instant)}>
      {left < -5 ? common.late_by(roughly(clock.language, -left)) : duration(clock.language, Math.max(0, Math.round(left)))}
    </time>
  );
}

/** A span of seconds; from `from` until now when it has not ended. */
export function Took({ seconds, from }: { seconds: number | null | undefined; from?: string | null }) {
  const { language } = useLanguage();
  if (seconds !== null && seconds !== undefined) return <>{duration(language, seconds)}</>;
  return from ? <Since from={from} /> : null;
}

function Since({ from }: { from: string }) {
  const { language } = useLanguage();
  const now = useNow();
  return <>{duration(language, Math.max(0, Math.round((now - Date.parse(from)) / 1000)))}</>;
}
