import { describe, expect, test } from "vitest";
import { run } from "../i18n/en/run.ts";
import { instanceName, roleOf } from "./instance.ts";

describe("an instance", () => {
  test("has its key in its name", () => {
    expect(["eu", "0", null, undefined].map((rendered) => instanceName("load", rendered))).toEqual(["load [eu]", "load [0]", "load", "load"]);
  });

  test("has a word for its part in the run", () => {
    expect(roleOf(run, { handler: null, setup_teardown_type: "teardown" })).toBe("tear-down");
    expect(roleOf(run, { handler: "on_failure", setup_teardown_type: null })).toBe("on failure");
    expect(roleOf(run, { handler: null, setup_teardown_type: null })).toBe("");
  });
});
