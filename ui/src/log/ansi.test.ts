import { describe, expect, test } from "vitest";
import { ansiPieces, markPieces, plainText } from "./ansi.ts";

const classes = (line: string): string[] => ansiPieces(line).map((piece) => piece.className);
const texts = (line: string): string => ansiPieces(line).map((piece) => piece.text).join("");

test("plain text is one piece", () => expect(ansiPieces("hello")).toEqual([{ text: "hello", className: "" }]));
test("an empty line has no piece", () => expect(ansiPieces("")).toEqual([]));

test("sixteen colours, bold and underline", () => {
  expect(ansiPieces("\u001b[31mbad\u001b[0m \u001b[1;4;92mgood\u001b[0m")).toEqual([
    { text: "bad", className: "a-r" },
    { text: " ", className: "" },
    { text: "good", className: "a-g a-bold a-under" },
  ]);
});

test("256 and true colours keep their hue", () => {
  expect(classes("\u001b[38;5;196mx")).toEqual(["a-r"]);
  expect(classes("\u001b[38;5;21mx")).toEqual(["a-b"]);
  expect(classes("\u001b[38;5;250mx")).toEqual(["a-w"]);
  expect(classes("\u001b[38;2;10;200;30mx")).toEqual(["a-g"]);
  expect(classes("\u001b[48;2;250;240;0mx")).toEqual(["ab-y"]);
});

test("markup stays text", () => {
  const line = "<img src=x onerror=alert(1)> &amp; \u001b[31m<b>";
  expect(texts(line)).toBe("<img src=x onerror=alert(1)> &amp; <b>");
});

describe("characters that cannot be seen", () => {
  test("are symbols", () => expect(texts("a\u0000b\u0007c\u007f")).toBe("a\u2400b\u2407c\u2421"));
  test("do not turn the text around", () => expect(texts("ok\u202egnp.exe")).toBe("ok⟨U+202E⟩gnp.exe"));
  test("a tab stays, the end of a Windows line goes", () => expect(texts("a\tb\r")).toBe("a\tb"));
  test("cursor moves, titles and links are left out", () => {
    expect(texts("\u001b[2K\u001b[1Gdone \u001b]0;title\u0007\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\")).toBe("done link");
  });
  test("a half sequence is shown", () => expect(texts("x\u001b")).toBe("x\u241b"));
});

test("what is searched is what is seen", () => {
  const line = "\u001b[36mINFO\u001b[0m  load\u0001: \u001b[1mdisk\u001b[0m";
  expect(plainText(line)).toBe(texts(line));
});

test("marks cut pieces at their edges", () => {
  const pieces = ansiPieces("\u001b[31mno space\u001b[0m left");
  const marked = markPieces(pieces, [[3, 10]]);
  expect(marked.map((piece) => [piece.text, piece.className, piece.isMarked])).toEqual([
    ["no ", "a-r", false],
    ["space", "a-r", true],
    [" left", "", true],
  ]);
  expect(markPieces(pieces, []).map((piece) => piece.text).join("")).toBe("no space left");
});

test("a line of a megabyte takes no second", () => {
  const begun = performance.now();
  ansiPieces("\u001b[31mx\u001b[0m".repeat(20_000).slice(0, 4000));
  plainText("y".repeat(1_000_000));
  expect(performance.now() - begun).toBeLessThan(1000);
});
