import { expect, test } from "vitest";
import { ExactNumber, fromJson, fromTyped, typedNumber } from "./exact.ts";

const LONG = "9007199254740993";

test.each([`{"n":${LONG}}`, `[-${LONG},1]`, LONG, `{"a": {"b": [ 9223372036854775807 ]}}`])("an integer of an answer keeps its text: %s", (json) => {
  expect(JSON.stringify(fromJson(json))).toBe(json.replaceAll(" ", ""));
});

test("numbers that are not rounded stay numbers", () => {
  expect(fromJson('{"a":9007199254740992,"b":0.1234567890123456789,"c":3.0}')).toEqual({ a: 9007199254740992, b: 0.12345678901234568, c: 3 });
  expect(fromJson(`{"id":"x:${LONG}"}`)).toEqual({ id: `x:${LONG}` });
});

test.each([`{"n":${LONG}}`, '{"n":1.0}', '{"n":[0.10,1e3,1E+2,-0]}', '{"n":1}'])("typed JSON is sent as typed: %s", (json) => {
  expect(JSON.stringify(fromTyped(json))).toBe(json);
});

test("an exact number is shown as its text", () => {
  expect(String(typedNumber(LONG))).toBe(LONG);
  expect(JSON.stringify({ n: typedNumber(LONG) }, null, 1)).toContain(LONG);
});

test.each([
  ["5", 5],
  [" 0.5 ", 0.5],
  [".5", 0.5],
  ["1.", 1],
  ["-", "-"],
  ["many", "many"],
  ["Infinity", "Infinity"],
  ["1.50", new ExactNumber("1.50")],
  ["1e400", new ExactNumber("1e400")],
])("typed %s", (text, value) => {
  expect(typedNumber(text)).toEqual(value);
});
