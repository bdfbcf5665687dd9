import { expect, test } from "vitest";
import { childRunOf, inputsOf, secondsOf } from "./inputs.ts";

test("variables of the environment are inputs of their own, secrets have names only", () => {
  expect(inputsOf({ command: ["load"], env: { DAY: "2026-11-26", DB_URL: { secret: "warehouse-url" } }, script: null, retries: 2, depends_on: ["extract"] })).toEqual([
    { name: "command", value: ["load"], secret: null },
    { name: "DAY", value: "2026-11-26", secret: null },
    { name: "DB_URL", value: { secret: "warehouse-url" }, secret: "warehouse-url" },
  ]);
  for (const other of [null, undefined, "text", 3]) expect(inputsOf(other)).toEqual([]);
});

test("a task that runs a DAG names the run", () => {
  const task = { type: "dag", dag_id: "child" };
  expect(childRunOf(task, { kind: "run", dag_id: "child", run_id: "r1" }, [])).toEqual({ dagId: "child", runId: "r1" });
  expect(childRunOf(task, null, [{ key: "run_id", value: "r2" }])).toEqual({ dagId: "child", runId: "r2" });
  for (const other of [{ type: "shell" }, { ...task, dag_id: "${{ params.dag }}" }, undefined]) expect(childRunOf(other, null, [{ key: "run_id", value: "r2" }])).toBeNull();
  expect(childRunOf(task, null, [])).toBeNull();
});

test("spans of time", () => {
  expect(["PT15M", "PT1H30M", "P1DT1S", "P2W", "20s", "1.5h", 90].map(secondsOf)).toEqual([900, 5400, 86_401, 1_209_600, 20, 5400, 90]);
  expect(["", "P", "PT", "soon", null].map(secondsOf)).toEqual([null, null, null, null, null]);
});
