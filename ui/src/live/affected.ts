import type { FeedEvent } from "./sse.ts";

/** The beginning of a query's key: all queries below it are out of date. */
export type Prefix = readonly string[];

/** Everything: the feed no longer holds what was missed. */
export const EVERYTHING: readonly Prefix[] = [[]];

/** Which queries an event puts out of date. A snapshot read after the event has it, so order and repeats do not matter. */
export function affectedBy({ event, data }: FeedEvent): readonly Prefix[] {
  const dag = data.dag_id ?? "";
  const run: Prefix = ["run", dag, data.dag_run_id ?? ""];
  switch (event) {
    case "reset":
      return EVERYTHING;
    case "run":
      return [run, ["summary"], ["overview"], ["activity"], ["runs"], ["grid", dag], ["dag", dag], ["backfills"], ["upcoming"]];
    case "task":
      return [run, ["grid", dag], ...(isWorthNoting(data.state) ? [["summary"]] : [])];
    case "many":
      return [data.dag_run_id ? run : ["run", dag], ["grid", dag], ["runs"], ["overview"], ["summary"]];
    case "dag":
      return [["dag", dag], ["overview"], ["definition", dag], ["upcoming"], ["summary"], ["grid", dag]];
    case "backfill":
      return [["backfills"], ["summary"]];
    case "approval":
      return [["approvals"], ["summary"], run];
    case "signal":
      return [run];
    case "pool":
      return [["admin", "pools"]];
    case "worker":
      return [["admin", "workers"], ["admin", "health"], ["summary"]];
    default:
      return [];
  }
}

const isWorthNoting = (state: string | undefined): boolean => state === "failed" || state === "up_for_retry" || state === "deferred";

const isBelow = (key: Prefix, prefix: Prefix): boolean => prefix.every((part, index) => key[index] === part);

/**
 * Collects what is out of date and hands it out: at once when nothing of it was handed out within `gap`, else when that
 * time is over. So a single change is seen at once, and a storm of changes costs one request a second.
 */
export class Collector {
  private readonly pending = new Map<string, Prefix>();
  private readonly latest = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isHeld = false;
  /** Events that came while it is held. */
  held = 0;

  constructor(
    private readonly hand: (prefixes: Prefix[]) => void,
    private readonly now: () => number = () => performance.now(),
    private readonly gap = 1000,
    private readonly first = 40,
  ) {}

  add(prefixes: readonly Prefix[]): void {
    if (prefixes.length === 0) return;
    for (const prefix of prefixes) this.pending.set(JSON.stringify(prefix), prefix);
    if (this.isHeld) this.held += 1;
    else this.plan();
  }

  /** Keep everything back, or hand out what was kept. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.held = 0;
    if (isHeld) clearTimeout(this.timer);
    else this.plan();
    if (isHeld) this.timer = undefined;
  }

  private plan(): void {
    if (this.timer !== undefined || this.pending.size === 0) return;
    const dues = [...this.pending.keys()].map((key) => (this.latest.get(key) ?? -Infinity) + this.gap);
    const wait = Math.max(this.first, Math.min(...dues) - this.now());
    this.timer = setTimeout(() => this.flush(), wait);
  }

  private flush(): void {
    this.timer = undefined;
    const now = this.now();
    const due = [...this.pending].filter(([key]) => (this.latest.get(key) ?? -Infinity) + this.gap <= now + 1);
    for (const [key] of due) {
      this.pending.delete(key);
      this.latest.set(key, now);
    }
    if (this.latest.size > 500) for (const [key, at] of this.latest) if (now - at > this.gap) this.latest.delete(key);
    const prefixes = due.map(([, prefix]) => prefix);
    const wide = prefixes.filter((prefix) => !prefixes.some((other) => other !== prefix && other.length < prefix.length && isBelow(prefix, other)));
    if (wide.length > 0) this.hand(wide);
    this.plan();
  }
}
