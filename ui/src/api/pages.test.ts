import { expect, test } from "vitest";
import { PAGE_MAX, type Page, firstOf } from "./pages.ts";

/** A server with so many entries, which gives no more than it may. */
const server = (total: number) => {
  const asked: Page[] = [];
  const ask = async (page: Page) => {
    asked.push(page);
    const end = Math.min(total, page.offset + Math.min(page.limit, PAGE_MAX));
    return { total_entries: total, rows: Array.from({ length: Math.max(0, end - page.offset) }, (_, index) => page.offset + index) };
  };
  return { asked, ask };
};

test("an entry that moves to the next page between two requests is there once", async () => {
  const all = Array.from({ length: 150 }, (_, index) => ({ id: index }));
  const ask = ({ limit, offset }: Page) => Promise.resolve({ rows: (offset === 0 ? all : [{ id: -1 }, ...all]).slice(offset, offset + limit) });
  expect((await firstOf("rows", 200, ask)).rows).toEqual(all);
});

test.each([
  [250, 50, 50, 1],
  [250, 100, 100, 1],
  [250, 150, 150, 2],
  [250, 300, 250, 3],
  [200, 400, 200, 3],
  [0, 150, 0, 1],
])("of %i entries the first %i are %i, in %i requests", async (total, limit, rows, requests) => {
  const { asked, ask } = server(total);
  const answer = await firstOf("rows", limit, ask);
  expect(answer.rows).toEqual(Array.from({ length: rows }, (_, index) => index));
  expect(answer.total_entries).toBe(total);
  expect(asked.length).toBe(requests);
});
