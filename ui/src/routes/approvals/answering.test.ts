import { expect, test } from "vitest";
import { mayAnswer } from "./answering.ts";

const session = (name: string, ...roles: string[]) => ({ name, may: (role: string) => roles.includes(role) });

test("an operator answers what is left to nobody", () => {
  expect(mayAnswer(session("ann", "viewer", "operator"), "etl", null)).toBe(true);
  expect(mayAnswer(session("ann", "viewer"), "etl", null)).toBe(false);
});

test("an assigned approval is for its users and roles alone", () => {
  const assigned = { users: ["ann"], roles: ["author" as const] };
  expect(mayAnswer(session("ann", "operator"), "etl", assigned)).toBe(true);
  expect(mayAnswer(session("bo", "operator"), "etl", assigned)).toBe(false);
  expect(mayAnswer(session("bo", "operator", "author"), "etl", assigned)).toBe(true);
  expect(mayAnswer(session("ann", "viewer"), "etl", assigned)).toBe(false);
  expect(mayAnswer(session("root", "operator", "author", "admin"), "etl", { users: ["ann"] })).toBe(false);
});
