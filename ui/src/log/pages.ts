/** The lines of a log in pages: the page of the browser holds a few of them, whatever the length of the log. */

/** As `get_log_lines` answers: number from 1, instant, text. */
export type Line = readonly [n: number, timestamp: string, text: string];

export interface LinesAnswer {
  lines: readonly Line[];
  total: number;
  bytes: number;
  is_finished: boolean;
}

export interface LogExtent {
  /** Lines of the log so far; null = not known yet. */
  total: number | null;
  bytes: number;
  /** Whether no further line can come. */
  isFinished: boolean;
}

export type FetchLines = (from: number, limit: number, signal: AbortSignal) => Promise<LinesAnswer>;

export const PAGE_LINES = 500;
export const PAGES_KEPT = 6;

/** A store for `useSyncExternalStore`: `snapshot` changes with every change of lines, extent or error. */
export class LogPages {
  private readonly pages = new Map<number, readonly Line[]>();
  private readonly loading = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private version = 0;
  private stopped = false;
  extent: LogExtent = { total: null, bytes: 0, isFinished: false };
  error: unknown = null;

  constructor(private readonly fetchLines: FetchLines) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): number => this.version;

  line(n: number): Line | undefined {
    return this.pages.get(pageOf(n))?.[(n - 1) % PAGE_LINES];
  }

  /** The lines of the range that are loaded, in order. */
  loaded(first: number, last: number): Line[] {
    const lines: Line[] = [];
    for (let n = first; n <= last; n++) {
      const line = this.line(n);
      if (line) lines.push(line);
    }
    return lines;
  }

  /** Load what is missing of the lines that are to be seen; forget the pages that were seen longest ago. */
  want(first: number, last: number): void {
    if (this.stopped) return;
    const wanted = new Set<number>();
    for (let page = pageOf(Math.max(1, first)); page <= pageOf(Math.max(1, last)); page++) wanted.add(page);
    for (const [page, controller] of this.loading) {
      if (wanted.has(page)) continue;
      controller.abort();
      this.loading.delete(page);
    }
    for (const page of wanted) {
      const lines = this.pages.get(page);
      if (lines) {
        this.pages.delete(page);
        this.pages.set(page, lines);
      }
      if (!this.loading.has(page) && !this.isComplete(page)) void this.load(page);
    }
  }

  /** Take lines that came with another answer, such as the tail of a log that runs; the numbers join up. */
  take(answer: LinesAnswer): void {
    this.extend(answer);
    this.put(answer.lines);
    this.evict();
    this.changed();
  }

  /** Keep an error of a request that was made beside the pages. */
  fail(reason: unknown): void {
    this.error = reason;
    this.changed();
  }

  retry(): void {
    this.error = null;
    this.changed();
  }

  /** Load again after `stop`. */
  start(): void {
    this.stopped = false;
  }

  /** End all requests; nothing is loaded until `start`. */
  stop(): void {
    this.stopped = true;
    for (const controller of this.loading.values()) controller.abort();
    this.loading.clear();
  }

  private isComplete(page: number): boolean {
    const lines = this.pages.get(page);
    if (!lines) return false;
    const { total } = this.extent;
    const end = total === null ? PAGE_LINES : Math.min(PAGE_LINES, total - page * PAGE_LINES);
    for (let index = 0; index < end; index++) if (!lines[index]) return false;
    return true;
  }

  /** Load a page. An answer may end before its limit, where lines are long: the rest is asked for then. */
  private async load(page: number): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.loading.set(page, controller);
    const end = (page + 1) * PAGE_LINES;
    try {
      for (let from = page * PAGE_LINES + 1; from <= end; ) {
        const answer = await this.fetchLines(from, end - from + 1, signal);
        if (signal.aborted) return;
        this.error = null;
        this.take(answer);
        const last = answer.lines.at(-1)?.[0];
        if (last === undefined || last >= answer.total) return;
        from = last + 1;
      }
    } catch (reason) {
      if (signal.aborted) return;
      this.error = reason;
      this.changed();
    } finally {
      if (this.loading.get(page) === controller) this.loading.delete(page);
    }
  }

  private put(lines: readonly Line[]): void {
    const changed = new Map<number, Line[]>();
    for (const line of lines) {
      const page = pageOf(line[0]);
      const own = changed.get(page) ?? [...(this.pages.get(page) ?? [])];
      own[(line[0] - 1) % PAGE_LINES] = line;
      changed.set(page, own);
    }
    for (const [page, own] of changed) {
      this.pages.delete(page);
      this.pages.set(page, own);
    }
  }

  private extend(answer: LinesAnswer): void {
    const known = this.extent.total ?? 0;
    if (answer.total < known) return;
    this.extent = { total: answer.total, bytes: answer.bytes, isFinished: this.extent.isFinished || answer.is_finished };
  }

  private evict(): void {
    for (const page of this.pages.keys()) {
      if (this.pages.size <= PAGES_KEPT) return;
      this.pages.delete(page);
    }
  }

  private changed(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }
}

const pageOf = (n: number): number => Math.floor((n - 1) / PAGE_LINES);
