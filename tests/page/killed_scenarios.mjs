// The page while its server is killed. The test starts the server again on the same port.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";

const seen = (locator) => locator.first().waitFor({ timeout: 60_000 });
const live = (page) => page.locator('.live[data-mode="live"]');

export const killedScenarios = {
  async a_page_goes_on_after_its_server_was_killed({ open, task, api }) {
    const runs = await open({ token: task.token });
    await runs.goto("/runs?dag=page_gate");
    const log = await runs.context().newPage();
    const [, , dag, , run] = task.run.split("/");
    await log.goto(`/dags/${dag}/runs/${encodeURIComponent(run)}/tasks/wait`);
    await seen(log.locator(".loglines").getByText("waits", { exact: true }));
    for (const page of [runs, log]) await seen(live(page));
    let loads = 0;
    runs.context().on("request", (request) => (loads += Number(request.isNavigationRequest())));

    writeFileSync(task.kill, "");
    for (const page of [runs, log]) await seen(page.getByText(/No connection since/));
    await seen(log.locator(".loglines").getByText("waits", { exact: true }));
    await seen(runs.locator(`a[title="${run}"]`));

    for (const page of [runs, log]) await seen(live(page));
    await api("POST", "/dags/page_gate/dagRuns", { logical_date: null, dag_run_id: "after-the-kill", conf: { file: task.gate } });
    await seen(runs.locator('a[title="after-the-kill"]'));
    writeFileSync(task.gate, "");
    for (const id of [run, "after-the-kill"]) await seen(runs.locator("tr", { has: runs.locator(`a[title="${id}"]`) }).getByText("success"));
    await seen(log.getByText("success", { exact: true }));
    assert.equal(loads, 0, "no page was loaded again");
  },
};
