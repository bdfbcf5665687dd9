// What people do on the pages of a run, a task and the versions of a DAG.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const seen = (locator) => locator.first().waitFor();
const nothing = async (locator) => assert.equal(await locator.count(), 0, String(locator));

async function latestRun(api, dag) {
  const { dag_runs: runs } = await api("GET", `/dags/${dag}/dagRuns?order_by=-run_after&limit=1`);
  return `/dags/${dag}/runs/${encodeURIComponent(runs[0].dag_run_id)}`;
}

const fitsAcross = async (page) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "the page scrolls sideways");

/** Until a condition holds. */
async function until(what, condition, milliseconds = 25_000) {
  const end = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const lineOf = (page, n) => page.locator(`.loglines [data-n="${n}"]`);

export const runScenarios = {
  async a_failed_run_leads_to_its_error_by_keyboard({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(await latestRun(api, "page_breaks"));
    const cause = page.getByRole("region", { name: "The run failed" });
    await seen(cause.getByText("Error: disk is full"));
    await seen(cause.getByText(/failed on try 1|load failed|exit code 3/));
    await seen(cause.getByText("1 task after it did not run."));
    await page.keyboard.press("l");
    await page.waitForURL(/\/tasks\/load$/);
    const error = page.locator(".loglines .ln.err.at");
    await seen(error.getByText("Error: disk is full <img src=x onerror=alert(1)>"));
    assert.ok((await error.boundingBox()).height >= 19);
    await nothing(page.locator(".loglines img"));
    const inputs = page.locator(".panel", { has: page.getByRole("heading", { name: "Inputs" }) });
    await seen(inputs.getByText("as resolved"));
    await seen(inputs.getByText("kr", { exact: true }));
    await page.keyboard.press("r");
    await seen(page.getByRole("dialog").getByText("load", { exact: true }));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("x");
    await page.waitForURL(/\/explain$/);
    await seen(page.getByRole("heading", { name: "Why load is in its state" }));
  },

  async a_run_on_a_phone({ open, task, api }) {
    const page = await open({ token: task.token, width: 380 });
    await page.goto(await latestRun(api, "page_breaks"));
    await seen(page.getByText("Error: disk is full"));
    await fitsAcross(page);
    await page.getByRole("link", { name: "Open log" }).tap();
    await seen(page.locator(".loglines .ln.err.at"));
    await fitsAcross(page);
    await page.getByRole("button", { name: /Retry from here/ }).tap();
    await seen(page.getByRole("dialog").getByText("load", { exact: true }));
  },

  async a_group_folds_and_a_key_names_instances({ open, task, api }) {
    const page = await open({ token: task.token });
    const run = await latestRun(api, "page_groups");
    await page.goto(run);
    const graph = page.locator("svg.graph");
    await seen(graph.locator('[data-task="load.fetch"].ok'));
    const chip = page.getByRole("button", { name: "Regions", exact: true });
    await chip.click();
    const group = graph.locator("[data-task=load].ok");
    await seen(group.getByText("2/2", { exact: true }));
    assert.deepEqual(await graph.locator("[data-task]").evaluateAll((nodes) => nodes.map((node) => node.dataset.task).sort()), ["load", "report"]);
    assert.equal(await chip.getAttribute("aria-pressed"), "true");
    await group.click();
    await seen(graph.locator('[data-task="load.fetch"]'));
    await nothing(graph.locator("[data-task=load]"));
    await page.goto(`${run}/tasks/load.each`);
    await page.getByRole("link", { name: "us", exact: true }).click();
    await seen(page.getByRole("heading", { name: /load\.each \[us\]/ }));
  },

  async keys_and_parts_stand_wherever_an_instance_does({ open, task, api }) {
    const page = await open({ token: task.token });
    const run = await latestRun(api, "page_parts");
    await page.goto(`${run}?expand=load`);
    await seen(page.getByRole("region", { name: "The run failed" }).getByRole("link", { name: "load [us]" }));
    const line = (name) => page.locator(".tl-row a").filter({ hasText: name });
    await seen(line("load [eu]"));
    await seen(line("up").getByText("set-up"));
    await seen(line("down").getByText("tear-down"));
    await seen(line("tell").getByText("on failure"));
    await page.goto("/");
    await seen(page.getByRole("link", { name: "load [us]" }));
    await page.goto("/dags/page_parts");
    const row = (name) => page.getByRole("rowheader", { name });
    await seen(row("up set-up"));
    await seen(row("down tear-down"));
    await seen(row("tell on failure"));
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto(`${run}?expand=load`);
    await seen(korean.locator(".tl-row a").filter({ hasText: "tell" }).getByText("실패 시"));
    await fitsAcross(korean);
  },

  async the_head_of_a_run_has_the_median({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(await latestRun(api, "page_works"));
    await seen(page.locator(".head .facts").getByText(/, median \d/));
    await page.goto(await latestRun(api, "page_breaks"));
    await seen(page.locator(".head .facts").getByText("page_breaks"));
    await nothing(page.locator(".head .facts").getByText(/median/));
  },

  async a_graph_is_walked_by_arrows({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(`${await latestRun(api, "page_breaks")}?task=extract`);
    const graph = page.locator("svg.graph");
    await seen(graph.locator("[data-task=extract].ok"));
    assert.ok((await graph.boundingBox()).width > 600);
    await graph.locator("[data-task=extract]").focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/task=load/);
    await seen(graph.locator("[data-task=load].sel.bad"));
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/task=report/);
    await seen(graph.locator("[data-task=report].cold"));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/tasks\/report$/);
    await page.goBack();
    await page.getByRole("button", { name: "Table" }).click();
    await seen(page.getByRole("row", { name: /report.*upstream failed.*load/ }));
  },

  async a_thousand_tasks_are_drawn({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(await latestRun(api, "page_big"));
    const graph = page.locator("svg.graph[data-drawn=true]");
    await seen(graph.locator(".dots path.ok"));
    const box = await graph.boundingBox();
    assert.ok(box.width > 600 && box.height > 200, JSON.stringify(box));
    assert.equal(await graph.getAttribute("data-nodes"), "1000");
    await nothing(graph.locator("text"));
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.keyboard.down("Control");
    for (let step = 0; step < 12; step++) await page.mouse.wheel(0, -200);
    await page.keyboard.up("Control");
    await seen(graph.locator(".n text"));
    const rows = page.locator(".tl-rows > .tl-row");
    assert.ok((await rows.count()) < 120, "only the rows in sight are in the document");
  },

  async a_long_log_opens_at_its_error({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(`${await latestRun(api, "page_long")}/tasks/talk`);
    await seen(lineOf(page, 97_800).and(page.locator(".err.at")));
    assert.ok((await page.locator(".loglines .ln").count()) < 300, "only the lines in sight are in the document");
    await seen(page.getByText("100,000 lines"));
    await page.keyboard.press("Control+f");
    await page.keyboard.type("row 4711 ");
    await seen(lineOf(page, 4711).locator("mark"));
    await seen(page.getByText("1 of 1", { exact: true }));
    await page.keyboard.press("Escape");
    await page.keyboard.press("End");
    await seen(lineOf(page, 100_000));
    await page.keyboard.press("Home");
    await seen(lineOf(page, 1));
    await page.keyboard.press("n");
    await seen(lineOf(page, 97_800));
    await page.goto(`${new URL(page.url()).pathname}#L50000-L50002`);
    await seen(lineOf(page, 50_001).and(page.locator(".pick")));
  },

  async a_running_log_is_followed({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_talks/dagRuns", { logical_date: null });
    const path = `/dags/page_talks/dagRuns/${encodeURIComponent(run)}`;
    try {
      const page = await open({ token: task.token });
      await page.goto(`/dags/page_talks/runs/${encodeURIComponent(run)}/tasks/talk`);
      const lastLine = () => page.locator(".loglines .ln").last().getAttribute("data-n").then(Number);
      const grows = async () => {
        const before = await lastLine();
        await until("further lines", async () => (await lastLine()) > before + 3);
      };
      await seen(page.locator(".loglines .ln"));
      await grows();
      await page.locator(".loglines").hover();
      await page.mouse.wheel(0, -400);
      const follow = page.getByRole("button", { name: /Follow|new lines?/ });
      await seen(follow.and(page.getByRole("button", { name: /new lines?/ })));
      await page.keyboard.press("f");
      await follow.waitFor({ state: "detached" });
      await grows();
    } finally {
      await api("PATCH", path, { state: "failed" });
    }
  },

  async mapped_instances_are_filtered({ open, task, api }) {
    const page = await open({ token: task.token });
    const run = await latestRun(api, "page_maps");
    await page.goto(`${run}?task=each`);
    await seen(page.locator('.graph [data-task="each"]').getByText("each ×4"));
    await page.keyboard.press("l");
    await page.waitForURL(/\/tasks\/each$/);
    await page.getByRole("button", { name: /^failed 1/ }).click();
    await page.waitForURL(/state=failed/);
    const rows = page.locator("tbody tr");
    await rows.nth(1).waitFor({ state: "detached" });
    await rows.first().getByRole("link").click();
    await page.waitForURL(/\/tasks\/each\/mapped\/2$/);
    await seen(page.locator(".loglines").getByText("bad item"));
  },

  async versions_are_compared({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_versions/versions");
    await page.getByRole("link", { name: "Compare" }).first().click();
    await page.waitForURL(/\/versions\/1\.\.\.2$/);
    await seen(page.getByText(/retries/));
    await seen(page.locator(".udiff .added").getByText("retries: 3"));
    await page.goto("/dags/page_versions/definition?version=1");
    await seen(page.getByText("# why it is so"));
    await seen(page.locator('.graph [data-task="one"]'));
  },

  async a_year_of_days_leads_to_the_runs_of_a_day({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_breaks/calendar");
    const day = page.getByRole("link", { name: /: \d+ failed/ });
    await seen(day);
    assert.ok((await day.boundingBox()).width >= 24);
    await day.click();
    await page.waitForURL(/\/runs\?dag=page_breaks&from=/);
    await seen(page.getByRole("row", { name: /failed page_breaks/ }));
    await page.goto("/dags/page_fails/calendar");
    await seen(page.locator(".months .plan", { hasText: "1 planned" }));
    await page.getByRole("button", { name: "Earlier" }).click();
    await page.waitForURL(/from=\d{4}-\d\d-01/);
    await page.locator(".months .plan").first().waitFor({ state: "detached" });
  },

  async durations_are_dots_that_lead_to_runs({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_breaks/durations");
    await seen(page.getByRole("link", { name: /, failed, / }));
    await page.getByLabel("Duration of").selectOption("extract");
    await page.waitForURL(/task=extract/);
    const chart = page.getByRole("group", { name: /Durations of extract, median/ });
    await seen(chart);
    assert.ok((await chart.boundingBox()).width > 600);
    await chart.getByRole("link", { name: /, success, / }).first().click();
    await page.waitForURL(/\/tasks\/extract$/);
  },

  async a_dag_is_deleted_once_its_name_is_typed({ open, task, api }) {
    await api("PUT", "/dags/page_gone", { tasks: { only: { type: "noop" } }, doc_md: "# Gone\n<img src=x onerror=alert(1)> [x](javascript:alert(1)) **soon**" });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_gone/settings");
    await seen(page.getByRole("heading", { name: "Gone" }));
    await seen(page.locator("strong", { hasText: "soon" }));
    await nothing(page.locator("main img, main a[href^='javascript']"));
    await page.getByRole("button", { name: "Delete the DAG…" }).click();
    const dialog = page.getByRole("dialog");
    const remove = dialog.getByRole("button", { name: "Delete page_gone" });
    assert.ok(await remove.isDisabled());
    await dialog.getByLabel("Type page_gone to go on").fill("page_gone");
    await remove.click();
    await page.waitForURL(/\/$/);
    assert.equal((await api("GET", "/dags/page_gone")).status, 404);
  },

  async the_events_of_a_run_are_told_in_order({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto(`${await latestRun(api, "page_breaks")}/events`);
    await seen(page.getByRole("row", { name: /load failed 1 ended with an exit code/ }));
    const rows = await page.locator("tbody tr").allInnerTexts();
    assert.match(rows[0], /the run\s+queued/);
    assert.match(rows.at(-1), /the run\s+failed/);
  },

  async a_child_run_names_its_parent({ open, task, api }) {
    await api("PUT", "/dags/page_child", { tasks: { only: { type: "noop" } } });
    await api("PUT", "/dags/page_parent", { tasks: { child: { type: "dag", dag_id: "page_child", wait: true } } });
    const { dag_run_id: parent } = await api("POST", "/dags/page_parent/dagRuns", { logical_date: null });
    await until("the child", async () => (await api("GET", `/dags/page_parent/dagRuns/${encodeURIComponent(parent)}`)).state === "success");
    const page = await open({ token: task.token });
    await page.goto(await latestRun(api, "page_child"));
    await page.getByRole("link", { name: "page_parent" }).click();
    await page.waitForURL(/\/dags\/page_parent\/runs\/.*task=child/);
    await seen(page.locator(".panel", { has: page.getByRole("heading", { name: "child" }) }));
    await page.keyboard.press("l");
    await page.waitForURL(/\/tasks\/child$/);
    await page.getByRole("link", { name: "Open its run" }).click();
    await page.waitForURL(/\/dags\/page_child\/runs\//);
  },

  async a_run_that_loads_shows_nothing_of_the_run_before({ open, task, api }) {
    await api("PUT", "/dags/page_two_runs", { tasks: { only: { type: "noop" } } });
    for (const id of ["the_first", "the_second"]) {
      await api("POST", "/dags/page_two_runs/dagRuns", { dag_run_id: id, logical_date: null });
      await until(id, async () => (await api("GET", `/dags/page_two_runs/dagRuns/${id}`)).state === "success");
    }
    const page = await open({ token: task.token });
    await page.goto("/dags/page_two_runs/runs/the_first");
    await seen(page.getByRole("button", { name: "the_first" }));
    let answer;
    const held = new Promise((resolve) => (answer = resolve));
    await page.route("**/dagRuns/the_second", async (route) => held.then(() => route.continue()));
    await page.keyboard.press("]");
    await page.waitForURL(/the_second$/);
    await nothing(page.getByRole("button", { name: "the_first" }));
    answer();
    await seen(page.getByRole("button", { name: "the_second" }));
  },

  async a_failure_that_is_allowed_blocks_nothing({ open, task, api }) {
    const tasks = { tries: { type: "shell", command: ["false"], allow_failure: true }, after: { type: "noop", depends_on: ["tries"] } };
    await api("PUT", "/dags/page_tolerates", { tasks });
    const { dag_run_id: id } = await api("POST", "/dags/page_tolerates/dagRuns", { logical_date: null });
    await until("the run", async () => (await api("GET", `/dags/page_tolerates/dagRuns/${encodeURIComponent(id)}`)).state === "success");
    const page = await open({ token: task.token });
    await page.goto(await latestRun(api, "page_tolerates"));
    const panel = page.locator(".panel", { has: page.getByRole("heading", { name: "tries" }) });
    await seen(panel.getByText("(allowed)"));
    await seen(panel.getByText("This try wrote no log."));
    await nothing(panel.getByText("Blocks"));
  },

  async a_grid_is_walked_by_arrows({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_breaks");
    const grid = page.getByRole("grid");
    await seen(grid.getByRole("gridcell", { name: /load, failed/ }));
    assert.equal(await page.locator(".rail [aria-current]").textContent(), "Home");
    await page.getByLabel("Type").selectOption("scheduled");
    await page.waitForURL(/type=scheduled/);
    await seen(page.getByText(/scheduled/).and(page.getByRole("heading", { level: 3 })));
    await page.getByLabel("Type").selectOption("");
    await page.getByRole("button", { name: "Failed only" }).click();
    await page.waitForURL(/state=failed/);
    await seen(grid.getByRole("gridcell", { name: /load, failed/ }));
    await grid.locator("[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForURL(/task=extract/);
    await page.keyboard.press("ArrowDown");
    await page.waitForURL(/task=load/);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/tasks\/load$/);
  },

  async a_dag_shows_its_runs_as_a_gantt_chart({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_breaks");
    await page.getByRole("button", { name: "Gantt", exact: true }).click();
    await page.waitForURL(/view=gantt/);
    const rows = page.locator(".tl-rows .tl-row");
    await until("the end of the run", async () => (await rows.getByText("did not run: load failed").count()) === 1);
    assert.equal(await page.locator(".tl .lane b.f").count(), 1);
    assert.ok(await page.getByRole("button", { name: /^Later run/ }).isDisabled());
    await until("the earlier run", () => page.getByRole("button", { name: /^Earlier run/ }).isEnabled());
    await page.keyboard.press("[");
    await page.waitForURL(/[?&]run=/);
    assert.notEqual(new URL(page.url()).searchParams.get("run"), run);
    await page.getByRole("button", { name: /^Later run/ }).click();
    await page.waitForURL((url) => url.searchParams.get("run") === run);
    await rows.getByRole("link", { name: /^load, failed/ }).focus();
    await page.keyboard.press("ArrowUp");
    await page.waitForURL(/task=extract/);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/tasks\/extract$/);
    const korean = await open({ token: task.token, language: "ko" });
    await korean.goto(`/dags/page_breaks?view=gantt&run=${encodeURIComponent(run)}`);
    await seen(korean.getByText("실행되지 않음: load 실패"));
    await api("PATCH", "/dags/page_breaks", { is_paused: true });
    const { dag_run_id: waiting } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    await korean.goto(`/dags/page_breaks/runs/${encodeURIComponent(waiting)}`);
    await seen(korean.getByText("DAG가 일시 정지되어 있습니다"));
    await api("PATCH", "/dags/page_breaks", { is_paused: false });
  },

  async the_find_field_keeps_what_is_typed_when_a_try_begins({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    await until("the end of the run", async () => (await api("GET", `/dags/page_breaks/dagRuns/${encodeURIComponent(run)}`)).state === "failed");
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_breaks/runs/${encodeURIComponent(run)}/tasks/load`);
    await seen(lineOf(page, 1));
    await page.keyboard.press("/");
    await page.keyboard.type("disk");
    const clear = { dry_run: false, dag_run_id: run, task_ids: ["load"], include_downstream: true };
    await api("POST", "/dags/page_breaks/clearTaskInstances", clear);
    await seen(page.getByRole("button", { name: "try 2" }));
    await page.keyboard.type(" is full");
    const find = page.getByLabel("Search the log");
    assert.equal(await find.inputValue(), "disk is full");
    assert.ok(await find.evaluate((each) => each === document.activeElement), "the field has the focus");
    await seen(page.locator(".loglines mark").getByText("disk is full"));
    await seen(page.getByRole("status").getByText("1 of 1"));
  },

  async the_breadcrumb_leads_to_other_dags_runs_and_tasks({ open, task, api }) {
    const { dag_run_id: second } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    await until("the end of the run", async () => (await api("GET", `/dags/page_breaks/dagRuns/${encodeURIComponent(second)}`)).state === "failed");
    const { dag_runs: runs } = await api("GET", "/dags/page_breaks/dagRuns?order_by=-run_after&limit=2");
    const hrefOf = (run) => `/dags/page_breaks/runs/${encodeURIComponent(run.dag_run_id)}`;
    for (const [language, width, names] of [["en", 1280, ["Another task", "Another run", "Another DAG"]], ["ko", 380, ["다른 태스크"]]]) {
      const page = await open({ token: task.token, language, width });
      await page.goto(`${hrefOf(runs[0])}/tasks/load`);
      const button = (name) => page.locator(".crumbs").getByRole("button", { name });
      await button(names[0]).focus();
      await page.keyboard.press("Enter");
      await seen(page.getByRole("menuitem", { name: /^load/ }).and(page.locator("[aria-current]")));
      const box = await button(names[0]).boundingBox();
      assert.ok(box.width >= 24 && box.height >= 24, JSON.stringify(box));
      await fitsAcross(page);
      await page.getByRole("menuitem", { name: /^report/ }).click();
      await page.waitForURL(/\/tasks\/report$/);
      if (width < 600) continue;
      await button(names[1]).click();
      await seen(page.getByRole("menuitem", { name: /manual/ }).nth(1));
      await page.locator(`[role=menuitem][href="${hrefOf(runs[1])}/tasks/report"]`).click();
      await page.waitForURL((url) => url.pathname === `${hrefOf(runs[1])}/tasks/report`);
      await page.goto("/dags/page_breaks/durations");
      await button(names[2]).click();
      await page.getByRole("menuitem", { name: /^page_maps/ }).click();
      await page.waitForURL(/\/dags\/page_maps\/durations$/);
    }
  },

  async a_dag_shows_the_state_of_its_last_run_and_its_author({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_breaks");
    await seen(page.getByRole("heading", { level: 1 }).getByRole("img", { name: "last run: failed" }).locator(".s-failed"));
    const { dag_versions: versions } = await api("GET", "/dags/page_breaks/dagVersions?limit=1");
    await seen(page.locator(".head .facts").getByText(`by ${versions[0].created_by}`));
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto("/dags/page_breaks");
    await seen(korean.getByRole("img", { name: "최근 실행: 실패" }));
    await fitsAcross(korean);
  },

  async a_graph_shows_how_long_its_tasks_took({ open, task, api, violations }) {
    const tasks = { quick: { type: "shell", command: ["true"] }, slow: { type: "shell", command: ["sleep", "0.4"], depends_on: ["quick"] }, never: { type: "noop", depends_on: ["slow"], when: "${{ false }}" } };
    await api("PUT", "/dags/page_takes", { tasks });
    for (let time = 0; time < 2; time++) {
      const { dag_run_id: run } = await api("POST", "/dags/page_takes/dagRuns", { logical_date: null });
      await until("the end of the run", async () => (await api("GET", `/dags/page_takes/dagRuns/${encodeURIComponent(run)}`)).state === "success");
    }
    for (const [language, name, table] of [["en", "Durations", "Table"], ["ko", "소요 시간", "표"]]) {
      const page = await open({ token: task.token, language, width: language === "ko" ? 380 : 1280 });
      await page.goto(await latestRun(api, "page_takes"));
      await nothing(page.locator("svg.graph .took"));
      await page.getByRole("button", { name, exact: true }).click();
      await page.waitForURL(/view=durations/);
      const bar = (id) => page.locator(`svg.graph [data-task=${id}] .took rect:nth-child(2)`);
      await seen(bar("slow"));
      const [quick, slow] = [await bar("quick").boundingBox(), await bar("slow").boundingBox()];
      assert.ok(slow.width > 2 * quick.width && quick.width >= 1, `${slow.width} ${quick.width}`);
      await seen(page.locator("svg.graph [data-task=slow] .usual"));
      await nothing(page.locator("svg.graph [data-task=never] .took"));
      assert.deepEqual(await violations(page), []);
      await page.getByRole("button", { name: table, exact: true }).click();
      await seen(page.getByRole("row", { name: /slow.*(0\.\d s|0\.\d초).*(0\.\d s|0\.\d초)/ }));
      await fitsAcross(page);
    }
  },

  async a_run_has_notes_and_is_marked_with_one({ open, task, api, violations }) {
    const { dag_run_id: id } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    const run = `/dags/page_breaks/dagRuns/${encodeURIComponent(id)}`;
    await until("the end of the run", async () => (await api("GET", run)).state === "failed");
    await api("PATCH", `${run}/taskInstances/load`, { note: "disk <b>was</b> full\nsee INC-1" });
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_breaks/runs/${encodeURIComponent(id)}`);
    await page.getByRole("link", { name: "Notes" }).click();
    await page.waitForURL(/\/notes$/);
    await seen(page.getByText("disk <b>was</b> full"));
    await page.getByRole("button", { name: "Write a note" }).click();
    await page.getByRole("textbox", { name: "Note of the run" }).fill("looked into it");
    await page.keyboard.press("Control+Enter");
    await seen(page.locator(".panel").getByText("looked into it"));
    await until("the note", async () => (await api("GET", run)).note === "looked into it");
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const field = page.getByRole("textbox", { name: "Note of the run" });
    await field.fill("half a sentence");
    await page.keyboard.press("Escape");
    assert.equal(await field.inputValue(), "half a sentence");
    await field.fill("looked into it");
    await page.keyboard.press("Escape");
    await field.waitFor({ state: "detached" });
    await seen(page.locator(".panel").getByText("looked into it"));
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByRole("textbox", { name: "Note of the run" }).fill(" ");
    await page.getByRole("button", { name: /^Save/ }).click();
    await seen(page.getByText("Nobody wrote a note on this run."));
    await page.getByRole("button", { name: "Mark…" }).click();
    const dialog = page.getByRole("dialog", { name: "Mark the run" });
    await dialog.getByLabel("Note").fill("loaded by hand");
    await page.keyboard.press("Control+Enter");
    await dialog.waitFor({ state: "detached" });
    await seen(page.locator(".panel").getByText("loaded by hand"));
    const marked = await api("GET", run);
    assert.deepEqual([marked.state, marked.note], ["success", "loaded by hand"]);
    const reader = await open({ token: task.viewer, language: "ko", width: 380, theme: "dark" });
    await reader.goto(`/dags/page_breaks/runs/${encodeURIComponent(id)}/notes`);
    await seen(reader.getByText("see INC-1"));
    await nothing(reader.getByRole("button", { name: /편집|메모 쓰기/ }));
    await fitsAcross(reader);
    assert.deepEqual(await violations(reader), []);
  },

  async a_large_output_is_shown_by_its_beginning_and_downloaded({ open, task, api, violations }) {
    const script = `{ printf big=; head -c 400000 /dev/zero | tr '\\0' x; echo; echo rows=7; } >> "$MAINSPRING_OUTPUT"`;
    await api("PUT", "/dags/page_large", { tasks: { make: { type: "shell", script } } });
    const { dag_run_id: id } = await api("POST", "/dags/page_large/dagRuns", { logical_date: null });
    const run = `/dags/page_large/dagRuns/${encodeURIComponent(id)}`;
    await until("the end of the run", async () => (await api("GET", run)).state === "success");
    for (const [language, width, name] of [["en", 1280, "Download the value (0.4 MiB)"], ["ko", 380, "값 내려받기 (0.4 MiB)"]]) {
      const page = await open({ token: task.token, language, width });
      await page.goto(`/dags/page_large/runs/${encodeURIComponent(id)}/tasks/make`);
      const link = page.getByRole("link", { name });
      await seen(link);
      assert.ok((await page.locator("main").innerText()).length < 20_000, "the whole value is not in the document");
      await seen(page.locator("pre").getByText("7", { exact: true }));
      await fitsAcross(page);
      const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
      assert.equal(download.suggestedFilename(), "big.json");
      const { key, value } = JSON.parse(readFileSync(await download.path(), "utf8"));
      assert.deepEqual([key, value.length, new Set(value).size], ["big", 400_000, 1]);
      assert.deepEqual(await violations(page), []);
    }
  },

  async korean_has_words_for_what_the_server_says({ open, task, api }) {
    const { dag_run_id: id } = await api("POST", "/dags/page_breaks/dagRuns", { logical_date: null });
    const run = `/dags/page_breaks/dagRuns/${encodeURIComponent(id)}`;
    await until("the end of the run", async () => (await api("GET", run)).state === "failed");
    await api("PUT", "/dags/page_daily_ko", { schedule: { cron: "30 2 * * *", timezone: "Asia/Seoul" }, is_paused_upon_creation: true, tasks: { only: { type: "noop" } } });
    const page = await open({ token: task.token, language: "ko", width: 380 });
    await page.goto(`/dags/page_breaks/runs/${encodeURIComponent(id)}`);
    await seen(page.getByText("명령이 종료 코드 3(으)로 끝났습니다"));
    await fitsAcross(page);
    await page.goto("/dags/page_daily_ko/versions");
    await seen(page.getByText("매일 02:30 (Asia/Seoul)"));
    await seen(page.getByText("첫 버전, 태스크 1개"));
    await page.goto("/dags/page_daily_ko/trigger");
    await seen(page.getByText("DAG가 일시 정지되어 있습니다"));
    await page.goto("/admin/pools");
    await seen(page.getByText("default_pool"));
    await page.route(/\/api\/v2\/pools/, (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ code: "unavailable", detail: "the database is away" }) }));
    await page.reload();
    await seen(page.getByText("503 unavailable: 데이터베이스를 사용할 수 없습니다. 잠시 후 다시 시도하세요. (the database is away)"));
    await fitsAcross(page);
  },

  async run_pages_have_no_fault_of_accessibility({ open, task, api, violations }) {
    const run = await latestRun(api, "page_breaks");
    const mapped = await latestRun(api, "page_maps");
    const check = async (page, path) => {
      await page.goto(path);
      await seen(page.locator("main h1"));
      await until("all parts are loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
      assert.deepEqual(await violations(page), [], path);
    };
    const light = await open({ token: task.token });
    for (const path of [run, `${run}/tasks`, `${run}/tasks/load`, `${mapped}/tasks/each`, "/dags/page_breaks", "/dags/page_breaks?view=gantt", "/dags/page_versions/definition"]) await check(light, path);
    const dark = await open({ token: task.token, theme: "dark", language: "ko", width: 380 });
    for (const path of [run, `${run}/tasks/load`, "/dags/page_breaks?view=gantt", "/dags/page_versions/versions/1...2"]) {
      await check(dark, path);
      await fitsAcross(dark);
    }
  },
};
