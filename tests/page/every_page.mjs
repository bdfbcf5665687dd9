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
    missing: "/dags/no_such_dag",
  };
}

export const everyPage = {
  async every_page_is_pictured({ open, task, api }) {
    const pages = await addresses(api);
    for (const [look, options] of Object.entries(LOOKS)) {
      mkdirSync(`${task.folder}/${look}`, { recursive: true });
      const page = await open({ token: task.token, ...options });
      for (const [name, address] of Object.entries(pages)) {
        await page.goto(address);
        await page.locator("main h1, main .empty, main .panel").first().waitFor();
        await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
        const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(wide <= screen, `${look}/${name} is ${wide} px wide`);
        await page.screenshot({ path: `${task.folder}/${look}/${name}.png`, animations: "disabled" });
      }
    }
  },
};
