import { expect, test } from "vitest";
import { blocks, inlines } from "./parse.ts";

test("headings, paragraphs, lists and code", () => {
  const found = blocks("# Nightly\nLoads **one day**\nof sales.\n\n- `extract`\n- load\n1. first\n```sh\nrm -rf out\n```\nend");
  expect(found.map((block) => block.kind)).toEqual(["heading", "paragraph", "list", "code", "paragraph"]);
  expect(found[1]).toEqual({ kind: "paragraph", content: [{ kind: "text", text: "Loads " }, { kind: "strong", text: "one day" }, { kind: "text", text: " of sales." }] });
  expect(found[3]).toEqual({ kind: "code", text: "rm -rf out" });
});

test("links lead to the web only, and HTML and images stay text", () => {
  expect(inlines("[wiki](https://wiki.example.test/a)")).toEqual([{ kind: "link", text: "wiki", href: "https://wiki.example.test/a" }]);
  for (const text of ["[x](javascript:alert(1))", "[x](data:text/html,x)", "[x](/admin)", "![x](https://example.test/x.png)", "<b>x</b>"]) {
    expect(inlines(text).every((part) => part.kind === "text")).toBe(true);
    expect(inlines(text).map((part) => part.text).join("")).toBe(text);
  }
});

test("an open fence and odd signs lose no text", () => {
  expect(blocks("```\na\nb")).toEqual([{ kind: "code", text: "a\nb" }]);
  expect(blocks("")).toEqual([]);
  expect(inlines("2 * 3 * 4 ** x")).toEqual([{ kind: "text", text: "2 * 3 * 4 ** x" }]);
});
