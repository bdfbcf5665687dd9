import { expect, test } from "vitest";
import { LogPages, PAGES_KEPT, PAGE_LINES, type FetchLines, type Line } from "./pages.ts";

const line = (n: number): Line => [n, "2026-11-27T03:00:00Z", `line ${n}`];
const range = (first: number, last: number): Line[] => Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => line(first + i));
const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

/** A log of `total` lines that counts its requests. */
function log(total: number, isFinished = true): { pages: LogPages; asked: number[]; grow(to: number): void } {
  const asked: number[] = [];
  let length = total;
  const fetchLines: FetchLines = async (from, limit) => {
    asked.push(from);
    await settle();
    return { lines: range(from, Math.min(length, from + limit - 1)), total: length, bytes: length * 10, is_finished: isFinished };
  };
  return { pages: new LogPages(fetchLines), asked, grow: (to) => (length = to) };
}

test("loads the pages of the wanted lines, each once", async () => {
  const { pages, asked } = log(100_000);
  pages.want(99_980, 99_999);
  pages.want(99_985, 99_999);
  await settle();
  await settle();
  pages.want(99_980, 100_000);
  await settle();
  expect(asked).toEqual([99_501]);
  expect(pages.line(99_990)?.[2]).toBe("line 99990");
  expect(pages.extent).toEqual({ total: 100_000, bytes: 1_000_000, isFinished: true });
});

test("a range over the border of two pages loads both", async () => {
  const { pages, asked } = log(2000);
  pages.want(490, 510);
  await settle();
  await settle();
  expect(asked).toEqual([1, 501]);
  expect(pages.loaded(499, 502).map(([n]) => n)).toEqual([499, 500, 501, 502]);
});

test("keeps a few pages and loads a forgotten one again", async () => {
  const { pages, asked } = log(100_000);
  for (let page = 0; page < PAGES_KEPT + 2; page++) {
    pages.want(page * PAGE_LINES + 1, page * PAGE_LINES + 40);
    await settle();
    await settle();
  }
  expect(pages.line(1)).toBeUndefined();
  expect(pages.line(PAGE_LINES * (PAGES_KEPT + 1) + 1)).toBeDefined();
  pages.want(1, 40);
  await settle();
  await settle();
  expect(pages.line(1)).toBeDefined();
  expect(asked.filter((from) => from === 1)).toHaveLength(2);
});

test("jumping away ends the requests that are of no use", async () => {
  const signals: AbortSignal[] = [];
  const pages = new LogPages((_from, _limit, signal) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  pages.want(1, 40);
  pages.want(50_010, 50_040);
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  pages.stop();
  expect(signals[1]!.aborted).toBe(true);
  pages.want(1, 10);
  expect(signals).toHaveLength(2);
});

test("a page that was short is completed when the log grows", async () => {
  const { pages, grow, asked } = log(510, false);
  pages.want(501, 540);
  await settle();
  await settle();
  pages.want(501, 540);
  await settle();
  expect(asked).toHaveLength(1);
  grow(530);
  pages.take({ lines: range(525, 530), total: 530, bytes: 5300, is_finished: true });
  expect(pages.extent.isFinished).toBe(true);
  pages.want(501, 530);
  await settle();
  await settle();
  expect(pages.loaded(501, 530)).toHaveLength(30);
});

test("an answer that was overtaken does not shorten the log", () => {
  const { pages } = log(10);
  pages.take({ lines: range(1, 30), total: 30, bytes: 300, is_finished: true });
  pages.take({ lines: range(1, 10), total: 10, bytes: 100, is_finished: false });
  expect(pages.extent).toEqual({ total: 30, bytes: 300, isFinished: true });
});

test("an error is kept for the reader, and the next try clears it", async () => {
  let isDown = true;
  const pages = new LogPages(async () => {
    if (isDown) throw new Error("503");
    return { lines: range(1, 3), total: 3, bytes: 30, is_finished: true };
  });
  pages.want(1, 3);
  await settle();
  expect(pages.error).toBeInstanceOf(Error);
  isDown = false;
  pages.retry();
  pages.want(1, 3);
  await settle();
  expect(pages.error).toBeNull();
  expect(pages.line(3)).toBeDefined();
});

test("an answer that ends early is asked for the rest", async () => {
  const asked: number[] = [];
  const pages = new LogPages(async (from) => {
    asked.push(from);
    return { lines: range(from, Math.min(from + 199, 700)), total: 700, bytes: 7000, is_finished: true };
  });
  pages.want(1, 20);
  await settle();
  await settle();
  expect(asked).toEqual([1, 201, 401]);
  expect(pages.loaded(1, 500)).toHaveLength(500);
});

test("every change of lines is a new snapshot", async () => {
  const { pages } = log(10);
  let calls = 0;
  const stop = pages.subscribe(() => calls++);
  const before = pages.snapshot();
  pages.want(1, 10);
  await settle();
  await settle();
  expect(calls).toBe(1);
  expect(pages.snapshot()).not.toBe(before);
  stop();
  pages.retry();
  expect(calls).toBe(1);
});
