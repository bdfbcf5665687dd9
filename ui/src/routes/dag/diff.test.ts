import { expect, test } from "vitest";
import { diffRows, pairOf, yamlPieces } from "./diff.ts";

test("a unified diff has the numbers of both texts", () => {
  const rows = diffRows("--- version 1\n+++ version 2\n@@ -1,3 +1,3 @@\n tasks:\n-  a: 1\n+  a: 2\n   b: 1\n@@ -10,1 +10,2 @@\n x\n+y\n");
  expect(rows.map(({ kind, older, newer, text }) => [kind, older, newer, text])).toEqual([
    ["same", 1, 1, "tasks:"],
    ["removed", 2, null, "  a: 1"],
    ["added", null, 2, "  a: 2"],
    ["same", 3, 3, "  b: 1"],
    ["gap", null, null, ""],
    ["same", 10, 10, "x"],
    ["added", null, 11, "y"],
  ]);
  expect(diffRows("")).toEqual([]);
});

test("a removed line that begins with two dashes is no header", () => {
  expect(diffRows("--- a\n+++ b\n@@ -1 +0,0 @@\n--- x\n").map((row) => row.text)).toEqual(["-- x"]);
});

test("the pair of an address", () => {
  expect(pairOf("13...14")).toEqual([13, 14]);
  expect(pairOf("13..14")).toEqual([13, 14]);
  for (const other of [undefined, "", "13", "a...b", "1...2...3"]) expect(pairOf(other)).toBeNull();
});

test("a line of YAML loses nothing by its colours", () => {
  const lines = ["tasks:", "  - load: x # why", 'a: "# no comment"', "# all", "", "  just text", "url: http://x#y", "'quoted: key': 1"];
  for (const line of lines) expect(yamlPieces(line).map((piece) => piece.text).join("")).toBe(line);
  expect(yamlPieces("  - load: x # why").map((piece) => piece.className)).toEqual(["", "k", "", "cm"]);
  expect(yamlPieces('a: "# no comment"').some((piece) => piece.className === "cm")).toBe(false);
});
