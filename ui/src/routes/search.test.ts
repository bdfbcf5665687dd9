import { expect, it } from "vitest";
import { isOwnAddress } from "./own_address.ts";
import { choice, natural, text } from "./search.ts";

it("reads what fits and leaves out the rest", () => {
  expect(text({ q: "sales", tag: 7, owner: "", x: "y" }, "q", "tag", "owner")).toEqual({ q: "sales", tag: "7" });
  expect(natural({ a: 3, b: "4", c: "-1", d: "x", e: 1.5 }, "a", "b", "c", "d", "e")).toEqual({ a: 3, b: 4 });
  expect(choice({ span: "24h" }, "span", ["12h", "24h"])).toEqual({ span: "24h" });
  expect(choice({ span: "1y" }, "span", ["12h", "24h"])).toEqual({});
});

it("goes to addresses of its own only after a login", () => {
  expect(["/", "/dags/x?run=1"].every(isOwnAddress)).toBe(true);
  expect(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", undefined].some(isOwnAddress)).toBe(false);
});
