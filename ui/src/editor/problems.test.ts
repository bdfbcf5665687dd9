import { expect, test } from "vitest";
import { pointerOf, problemOf } from "./problems.ts";

const LINES = ["tasks:", "  load: {depends_on: [extrct]}", ""];

test("a fault stands at the word that it names, with the word that cures it", () => {
  const problem = problemOf({ code: "invalid_value", pointer: "/definitions/0/tasks/load/depends_on/0", message: "task 'load' depends on unknown task 'extrct'", line: 2, hint: "did you mean 'extract'?" }, "error", LINES);
  expect(problem).toMatchObject({ line: 2, from: 22, to: 28, fix: "extract", severity: "error" });
  expect(LINES[1]?.slice(problem.from, problem.to)).toBe("extrct");
});

test("a fault without a word takes its line, and one without a line has no place", () => {
  expect(problemOf({ code: "invalid_value", pointer: "/tasks", message: "is required", line: 2 }, "warning", LINES)).toMatchObject({ line: 2, from: 2, to: 30, fix: null });
  expect(problemOf({ code: "invalid_value", pointer: "/x", message: "is odd", line: 99 }, "error", LINES).line).toBeNull();
  expect(problemOf({ code: "invalid_value", pointer: "/x", message: "is odd", line: null }, "error", LINES).line).toBeNull();
  expect(pointerOf({ code: "invalid_value", pointer: "/definitions/0/tasks/load", message: "" })).toBe("/tasks/load");
});

test("a fault stands in the words of the reader", () => {
  const word = (code: string, sentence: string) => `${code}! ${sentence}`;
  expect(problemOf({ code: "tag", pointer: "/x", message: "is odd", hint: "leave it out" }, "error", LINES, word).message).toBe("tag! is odd. leave it out");
});
