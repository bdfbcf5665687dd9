import { expect, it } from "vitest";
import { may, maySomewhere } from "./rights.ts";

it("holds a role everywhere, or on DAGs by a grant", () => {
  const rights = [{ role: "viewer" as const, grants: [{ pattern: "sales_*", role: "operator" as const }, { pattern: "etl", role: "author" as const }] }];
  expect(may(rights, "viewer")).toBe(true);
  expect(may(rights, "operator")).toBe(false);
  expect(may(rights, "operator", "sales_daily")).toBe(true);
  expect(may(rights, "author", "sales_daily")).toBe(false);
  expect(may(rights, "author", "etl")).toBe(true);
  expect(may(rights, "operator", "etl2")).toBe(false);
  expect(maySomewhere(rights, "author")).toBe(true);
});

it("needs all rights of a user and a token", () => {
  const rights = [{ role: "admin" as const, grants: [] }, { role: "viewer" as const, grants: [] }];
  expect(may(rights, "viewer", "x")).toBe(true);
  expect(may(rights, "operator", "x")).toBe(false);
  expect(may([], "viewer")).toBe(false);
});
