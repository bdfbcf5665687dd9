import { describe, expect, it } from "vitest";
import { confOf, controlOf, numberOf, paramsOf, newNames, startOf } from "./params.ts";

const schema = {
  type: "object",
  required: ["day"],
  properties: {
    regions: { type: "array", items: { enum: ["kr", "jp"] }, default: ["kr"] },
    day: { type: "string", format: "date" },
    limit: { type: "number", default: 5 },
    source: { type: "object", default: { kind: "replica" } },
  },
};

describe("the form of a schema", () => {
  it("chooses a control for each param, and JSON for what it does not know", () => {
    expect(paramsOf(schema).map(({ name, control, isRequired }) => [name, control, isRequired])).toEqual([
      ["regions", "checks", false],
      ["day", "date", true],
      ["limit", "number", false],
      ["source", "json", false],
    ]);
    expect([{ enum: ["a"] }, { enum: [1] }, { type: ["string", "null"] }, { type: "boolean" }, { type: "string", format: "date-time" }, {}].map(controlOf)).toEqual(["select", "json", "json", "switch", "datetime", "json"]);
    expect(paramsOf(undefined)).toEqual([]);
  });

  it("begins with defaults or an earlier run", () => {
    expect(startOf(paramsOf(schema))).toEqual({ regions: ["kr"], limit: 5, source: { kind: "replica" } });
    expect(startOf(paramsOf(schema), { day: "2026-11-26", limit: 7 })).toMatchObject({ day: "2026-11-26", limit: 7 });
  });

  it("sends what differs from the defaults", () => {
    const params = paramsOf(schema);
    expect(confOf(params, startOf(params))).toEqual({});
    expect(confOf(params, { ...startOf(params), regions: [], day: "x", extra: 1 })).toEqual({ regions: [], day: "x", extra: 1 });
  });

  it("leaves it to the server to refuse what is no number", () => {
    expect(["", " 7 ", "-0.5", "7x"].map(numberOf)).toEqual([undefined, 7, -0.5, "7x"]);
  });
});

it("knows the params that an earlier version lacked", () => {
  const named = (...names: string[]) => paramsOf({ properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
  expect([...newNames(named("a", "b"), named("a", "old"))]).toEqual(["b"]);
  expect(newNames(named("a"), named("a")).size).toBe(0);
});
