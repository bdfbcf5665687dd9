import { expect, test } from "vitest";
import { hashOfLines, inOrder, linesOfHash, nextOf, rangesOf, rulerMarks, textBetween } from "./find.ts";

test("the address of lines", () => {
  expect(linesOfHash("#L12")).toEqual({ first: 12, last: 12 });
  expect(linesOfHash("#L40-L12")).toEqual({ first: 12, last: 40 });
  expect(linesOfHash("L12-40")).toEqual({ first: 12, last: 40 });
  for (const other of ["", "#", "#L0", "#L-1", "#Lx", "#L1-", "#top", "#L99999999999"]) expect(linesOfHash(other)).toBeNull();
  expect(linesOfHash(hashOfLines(9, 3))).toEqual({ first: 3, last: 9 });
});

test("the next place goes around the end", () => {
  const numbers = [10, 20, 30];
  expect([nextOf(numbers, 10, false), nextOf(numbers, 30, false), nextOf(numbers, 5, false)]).toEqual([20, 10, 10]);
  expect([nextOf(numbers, 20, true), nextOf(numbers, 10, true)]).toEqual([10, 30]);
  expect(nextOf([], 5, false)).toBeNull();
});

test("a text is found in any case, once a place", () => {
  expect(rangesOf("Disk full: DISK", "disk")).toEqual([[0, 4], [11, 4]]);
  expect(rangesOf("aaaa", "aa")).toEqual([[0, 2], [2, 2]]);
  expect(rangesOf("x", "")).toEqual([]);
  expect(rangesOf("a.b", ".")).toEqual([[1, 1]]);
});

test("a hundred thousand marks are a few marks of the ruler", () => {
  const all = Array.from({ length: 100_000 }, (_, index) => index + 1);
  const marks = rulerMarks(100_000, { errors: all, warnings: [], matches: [99_999, 500_000] });
  expect(marks.filter((mark) => mark.kind === "error").length).toBeLessThanOrEqual(240);
  expect(marks.filter((mark) => mark.kind === "match")).toHaveLength(1);
  expect(marks.every((mark) => mark.position >= 0 && mark.position <= 1)).toBe(true);
});

test("a selection is the text between two places", () => {
  const [first, last] = inOrder({ n: 3, offset: 2 }, { n: 1, offset: 4 });
  expect(textBetween(["line one", "two", "three"], first, last)).toBe(" one\ntwo\nth");
  const [from, to] = inOrder({ n: 1, offset: 5 }, { n: 1, offset: 2 });
  expect(textBetween(["abcdefg"], from, to)).toBe("cde");
});
