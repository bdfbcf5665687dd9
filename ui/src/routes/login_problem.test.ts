import { expect, test } from "vitest";
import { readProblem } from "./login_problem.ts";

const written = (problem: unknown) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(problem)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

test("a problem of the server is read, with groups of any script", () => {
  const problem = { code: "no_group", detail: "you may not log in here", groups: ["데이터", "ops"] };
  expect(readProblem(written(problem))).toEqual(problem);
  expect(readProblem(written({ code: "lost", detail: "begin again" }))).toEqual({ code: "lost", detail: "begin again", groups: [] });
});

test("what is no problem is none", () => {
  for (const text of ["", "%%%", written(null), written({ code: 1, detail: "x" }), written([]), written("x")]) expect(readProblem(text)).toBeNull();
});
