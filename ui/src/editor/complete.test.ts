import { expect, test } from "vitest";
import { type Fields, optionsOf, placeOf, taskIdsOf, typeOf } from "./complete.ts";

const FIELDS: Fields = {
  places: { "": { dag_id: "Id", tasks: "Tasks" }, schedule: { cron: "Times", timezone: "Zone" } },
  tasks: { shell: { command: "Argv", pool: "Pool" }, http: { url: "Address", pool: "Pool" } },
  rules: ["all_success", "all_done"],
};
const TEXT = `dag_id: etl
schedule: {cron: "0 4 * * *", timezone: Asia/Seoul}
tasks:
  # first
  extract:
    type: shell
  load:
    type: http
    depends_on: [extract]
`;
const labels = (before: string, text = before) => optionsOf(before, text, FIELDS, { pools: ["warehouse"], secrets: ["token"] }).map((option) => option.label);

test("where the cursor is", () => {
  expect(placeOf("dag")).toEqual({ path: [], key: null, word: "dag" });
  expect(placeOf("tasks:\n  load:\n    ty")).toEqual({ path: ["tasks", "load"], key: null, word: "ty" });
  expect(placeOf("tasks:\n  load:\n    depends_on: [ex")).toEqual({ path: ["tasks", "load"], key: "depends_on", word: "ex" });
  expect(placeOf("schedule: {cron: x, ti")).toEqual({ path: ["schedule"], key: null, word: "ti" });
  expect(placeOf("tasks:\n  a: {type: sh")).toEqual({ path: ["tasks", "a"], key: "type", word: "sh" });
});

test("fields by their place, and by the type of the task", () => {
  expect(labels("d")).toEqual(["dag_id", "tasks"]);
  expect(labels("schedule: {cr")).toEqual(["cron", "timezone"]);
  expect(labels(`${TEXT}    u`)).toEqual(["url", "pool"]);
  expect(labels("tasks:\n  new:\n    ")).toEqual(["command", "pool", "url"]);
  expect(labels("tasks:\n  ne")).toEqual([]);
});

test("values: types, rules, tasks, pools, secrets", () => {
  expect(labels("tasks:\n  a:\n    type: ")).toEqual(["shell", "http"]);
  expect(labels("tasks:\n  a: {trigger_rule: al")).toEqual(["all_success", "all_done"]);
  expect(labels("tasks:\n  load:\n    depends_on: [", TEXT)).toEqual(["extract"]);
  expect(labels("tasks:\n  load:\n    pool: w")).toEqual(["warehouse"]);
  expect(labels("tasks:\n  a:\n    env: {DB: {secret: t")).toEqual(["token"]);
});

test("tasks and their types", () => {
  expect(taskIdsOf(TEXT)).toEqual(["extract", "load"]);
  expect(taskIdsOf("tasks: {a: {}}")).toEqual([]);
  expect([typeOf(TEXT, "load"), typeOf("tasks:\n  a: {type: wait}", "a"), typeOf(TEXT, "none")]).toEqual(["http", "wait", null]);
});
