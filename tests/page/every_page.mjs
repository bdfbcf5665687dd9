// A picture of every page in light, dark, Korean and 380 px, for people to look at.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";

const LOOKS = {
  light: { width: 1440 },
  dark: { width: 1440, theme: "dark" },
  korean: { width: 1024, language: "ko" },
  phone: { width: 380 },
};

/** Name of the picture -> address. */
async function addresses(api) {
  const latest = async (query) => encodeURIComponent((await api("GET", `/dags/${query}`)).dag_runs[0].dag_run_id);
  const dag = "/dags/nightly_sales";
  const run = `${dag}/runs/${await latest("nightly_sales/dagRuns?state=failed&order_by=-run_after&limit=1")}`;
  const asking = `/dags/payout/runs/${await latest("payout/dagRuns?limit=1")}`;
  const slots = { from_date: new Date(Date.now() - 3 * 86_400_000).toISOString(), to_date: new Date().toISOString() };
  const backfill = await api("POST", "/backfills", { dag_id: "orders_ingest", ...slots, max_active_runs: 1, reprocess_behavior: "none", run_backwards: false });
  const parts = (prefix, base, names) => Object.fromEntries(names.map((name) => [`${prefix}${name.replace("/", "-")}`, `${base}/${name}`]));
  return {
    home: "/",
    ...parts("", "", ["runs", "upcoming", "backfills", "approvals"]),
    "upcoming-calendar": "/upcoming?view=calendar",
    dag,
    "dag-gantt": `${dag}?view=gantt&task=load_warehouse`,
    ...parts("dag-", dag, ["runs", "calendar", "durations", "versions", "definition", "definition/edit", "schedule", "settings", "trigger", "backfill"]),
    run: `${run}?task=load_warehouse`,
    ...parts("run-", run, ["tasks", "outputs", "params", "events", "notes"]),
    "run-durations": `${run}?view=durations`,
    task: `${run}/tasks/load_warehouse`,
    "task-explain": `${run}/tasks/report/explain`,
    "task-mapped": `${run}/tasks/extract`,
    "task-approval": `${asking}/tasks/confirm`,
    ...parts("admin-", "/admin", ["health", "pools", "workers", "variables", "connections", "secrets", "users", "tokens", "audit"]),
    backfill: `/backfills/${backfill.id}`,
    missing: "/dags/no_such_dag",
  };
}

/** Name of the picture -> [name of the page, what opens a dialog or a menu on it]. */
const OPENED = {
  "jump-list": ["home", (page) => page.keyboard.press("Control+k")],
  keys: ["home", (page) => page.keyboard.press("?")],
  "switch-dag": ["dag", (page) => page.locator(".crumb .switcher").first().click()],
  "switch-run": ["run", (page) => page.locator(".crumb.here .switcher").click()],
  "switch-task": ["task", (page) => page.locator(".crumb.here .switcher").click()],
  "run-retry": ["run", (page) => page.keyboard.press("r")],
  "run-clear": ["run", (page) => page.keyboard.press("c")],
  "run-mark": ["run", (page) => page.locator(".head .acts .btn").nth(1).click()],
  "task-mark": ["task", (page) => page.locator(".head .acts .btn").nth(1).click()],
  "run-table": ["run", (page) => page.locator(".seg button").nth(2).click()],
  "note-form": ["run-notes", (page) => page.locator("main .panel .btn").first().click()],
  "fill-from": ["dag-trigger", (page) => page.locator(".head .acts > .btn").click()],
};

/** Rows of the pages of administrators, with long names among them. */
async function fillAdmin(api) {
  await api("POST", "/pools", { name: "warehouse_with_a_rather_long_name_of_a_team", slots: 4, description: "Writes to the warehouse; the night load takes most of it" });
  await api("POST", "/variables", { key: "region", value: "kr", description: "Region of the orders" });
  await api("POST", "/variables", { key: "settings_of_the_reports", value: JSON.stringify({ recipients: ["a@example.com", "b@example.com"], rows: 100_000 }) });
  await api("POST", "/connections", { connection_id: "warehouse", conn_type: "postgres", host: "warehouse.internal.example.com", port: 5432, schema: "sales", login: "loader" });
  await api("PUT", "/secrets/WAREHOUSE_PASSWORD", { value: "x1y2z3" });
  await api("POST", "/users", { username: "jiwoo", password: "long-enough-1", role: "operator" });
}

async function takePicture(page, path, address, opens) {
  await page.goto(address);
  await page.locator("main h1, main .empty, main .panel, .login").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  if (opens) {
    await opens(page);
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null && document.querySelector(".dialog, .menu, .form-foot, .tbl"));
  }
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= screen, `${path} is ${wide} px wide`);
  await page.screenshot({ path, animations: "disabled" });
}

export const everyPage = {
  async every_page_is_pictured({ open, task, api }) {
    await fillAdmin(api);
    const pages = await addresses(api);
    for (const [look, options] of Object.entries(LOOKS)) {
      mkdirSync(`${task.folder}/${look}`, { recursive: true });
      const page = await open({ token: task.token, ...options });
      const folder = `${task.folder}/${look}`;
      for (const [name, address] of Object.entries(pages)) await takePicture(page, `${folder}/${name}.png`, address);
      for (const [name, [on, opens]] of Object.entries(OPENED)) await takePicture(page, `${folder}/${name}.png`, pages[on], opens);
      await takePicture(await open(options), `${folder}/login.png`, "/login");
    }
  },
};
