// What is hard: edits of two people, outages, many tabs, and what is larger or stranger than usual.
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";

const seen = (locator) => locator.first().waitFor();
const nothing = async (locator) => assert.equal(await locator.count(), 0, String(locator));
const live = (page) => page.locator('.live[data-mode="live"]');
const fitsAcross = async (page) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${page.url()} scrolls sideways`);

/** Until a condition holds. */
async function until(what, condition, milliseconds = 25_000) {
  const end = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const text = (schedule, more = "") => `# kept\ndag_id: page_edit\ndescription: ${schedule}\ntasks:\n  one: {type: noop}\n  two: {type: noop, depends_on: [one]}\n${more}`;

async function sendText(task, dag, source) {
  const answer = await fetch(`${task.url}/api/v2/dags/${dag}`, { method: "PUT", body: source, headers: { Authorization: `Bearer ${task.token}`, "Content-Type": "application/yaml" } });
  assert.ok(answer.ok, await answer.text());
}

const sentText = async (task, dag) => (await fetch(`${task.url}/api/v2/dags/${dag}/definition?form=sent`, { headers: { Authorization: `Bearer ${task.token}` } })).text();

/** An editor with the cursor at the end of its text. */
async function edit(page, dag) {
  await page.goto(`/dags/${dag}/definition/edit`);
  const box = page.getByRole("textbox", { name: "Definition in YAML" });
  await box.click();
  await page.keyboard.press("Control+End");
  return box;
}

/** A line between the browser and the server that can be cut, as when the server is killed. */
async function wire(url) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  const server = createServer((client) => {
    const onward = connect(Number(port), hostname);
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.pipe(onward).pipe(client);
    client.on("close", () => onward.destroy());
    onward.on("close", () => client.destroy());
  });
  const listen = (at) => new Promise((resolve) => server.listen(at, "127.0.0.1", resolve));
  await listen(0);
  const own = server.address().port;
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { url: `http://127.0.0.1:${own}`, cut, mend: () => listen(own) };
}

export const hardScenarios = {
  async a_definition_is_edited_with_a_plan({ open, task, api }) {
    await sendText(task, "page_edit", text("first"));
    const page = await open({ token: task.token });
    await page.goto("/dags/page_edit");
    await seen(page.getByRole("heading", { name: "page_edit" }));
    await page.keyboard.press("e");
    await page.waitForURL(/\/definition\/edit$/);
    await edit(page, "page_edit");
    await page.keyboard.type("  three: {type: noop, depends_on: [tow]}");
    await page.keyboard.press("Escape");
    const faults = page.locator(".panel", { has: page.getByRole("heading", { name: "Faults" }) });
    await seen(faults.getByText(/tow/));
    const save = page.getByRole("button", { name: /^Save/ });
    assert.ok(await save.isDisabled());
    await faults.getByRole("button", { name: "line 7" }).click();
    await page.keyboard.press("Control+.");
    await faults.waitFor({ state: "detached" });
    await seen(page.getByText(/task 'three' added|three.*added/));
    await seen(page.getByRole("button", { name: "Save as v2" }));
    await page.getByLabel("Reason of the change, optional").fill("a third one");
    await page.getByRole("textbox", { name: "Definition in YAML" }).click();
    await page.keyboard.press("Control+s");
    await page.waitForURL(/\/definition\?version=2$/);
    assert.equal(await sentText(task, "page_edit"), text("first", "  three: {type: noop, depends_on: [two]}"));
    const { dag_versions: versions } = await api("GET", "/dags/page_edit/dagVersions?order_by=-version_number");
    assert.equal(versions.length, 2);
  },

  async a_text_runs_once_without_a_save({ open, task, api }) {
    const params = "params: {type: object, properties: {rows: {type: integer, maximum: 100}}}\n";
    await sendText(task, "page_once", text("first", `  last: {type: noop}\n${params}`).replace("page_edit", "page_once"));
    const page = await open({ token: task.token });
    await edit(page, "page_once");
    for (const key of ["ArrowUp", "End", "ArrowLeft", "ArrowLeft"]) await page.keyboard.press(key);
    await page.keyboard.type(", label: {type: string}");
    for (const key of ["Escape", "Control+End"]) await page.keyboard.press(key);
    await page.keyboard.type("max_active_run: 3");
    await page.keyboard.press("Escape");
    const once = page.getByRole("button", { name: "Run once…" });
    await page.getByRole("button", { name: "line 9" }).click();
    assert.ok(await once.isDisabled());
    await page.keyboard.press("Control+.");
    await until("the plan", () => once.isEnabled());
    await once.click();
    const dialog = page.getByRole("dialog");
    await seen(dialog.getByText("v1 stays the current version"));
    // The form is that of the text: no saved version declares `label`.
    await dialog.getByLabel("label").fill("spring");
    await dialog.getByLabel("rows").fill("250");
    await dialog.getByRole("button", { name: /^Run once/ }).click();
    await seen(dialog.getByText(/250 is greater than|maximum/));
    assert.equal((await api("GET", "/dags/page_once/dagRuns")).total_entries, 0);
    await dialog.getByRole("button", { name: "JSON", exact: true }).click();
    await dialog.getByLabel("conf").fill('{"rows": 7');
    await seen(dialog.getByText("This is no JSON."));
    assert.ok(await dialog.getByRole("button", { name: /^Run once/ }).isDisabled());
    await dialog.getByLabel("conf").fill("[7]");
    await seen(dialog.getByText("An object is needed"));
    await dialog.getByLabel("conf").fill('{"rows": 7, "label": "spring"}');
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/dags\/page_once\/runs\//);
    await seen(page.getByText("not saved", { exact: true }));
    const [run] = (await api("GET", "/dags/page_once/dagRuns")).dag_runs;
    assert.deepEqual([run.conf, run.dag_versions[0].is_inline], [{ rows: 7, label: "spring" }, true]);
    assert.equal((await api("GET", "/dags/page_once/dagVersions")).total_entries, 1);
    await page.goto("/dags/page_once/definition/edit");
    await seen(page.getByText("Your draft of this browser is back."));
    // The run has taken the number 2.
    const save = page.getByRole("button", { name: "Save as v3" });
    await until("the plan of the draft", () => save.isEnabled().catch(() => false));
    await save.click();
    await page.waitForURL(/version=3$/);
    await page.goto("/dags/page_once/versions");
    await page.getByRole("link", { name: "Compare" }).click();
    await page.waitForURL(/versions\/1\.\.\.3$/);
  },

  async a_dag_says_its_bundle_and_how_much_it_has({ open, task, api }) {
    const schedule = { cron: "30 2 * * *", timezone: "UTC" };
    const put = (dag_id, description) => api("PUT", "/dags", { bundle_name: "team", definitions: [{ definition: { dag_id, description, schedule, tasks: { one: { type: "noop" }, two: { type: "noop" } } } }] });
    await put("page_team", "first");
    await put("page_team", "second");
    await put("page_team_other", "first");
    const { dag_run_id: run } = await api("POST", "/dags/page_team/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_team");
    await seen(page.getByText("bundle team"));
    const tabs = page.getByRole("navigation", { name: "page_team" });
    await seen(tabs.getByRole("link", { name: "Runs 1", exact: true }));
    await seen(tabs.getByRole("link", { name: "Versions 2", exact: true }));
    await tabs.getByRole("link", { name: "Schedule" }).click();
    const days = page.locator(".panel", { has: page.getByRole("heading", { name: "Days with runs" }) });
    await seen(days.locator(".plan").getByText(/: 1 planned$/));
    assert.ok((await days.locator(".months .plan").count()) > 50);
    await page.goto(`/dags/page_team/runs/${encodeURIComponent(run)}`);
    await seen(page.getByRole("link", { name: "Tasks 2", exact: true }));
    await api("POST", "/dags/prune", { bundle_name: "team", kept: ["page_team_other"] });
    await page.goto("/dags/page_team");
    await seen(page.getByText("The bundle team no longer has this DAG"));
    await seen(page.getByRole("link", { name: /^Edit/ }));
    await nothing(page.getByRole("link", { name: /^Trigger/ }));
    await seen(page.getByText("No run is planned while the DAG is stale."));
    await api("PATCH", "/dags/page_team_other", { is_paused: true });
    await page.goto("/dags/page_team_other/schedule");
    await seen(page.getByText("None of these runs starts while the DAG is paused."));
    await api("POST", "/dagRuns", { definition: { dag_id: "page_brought", tasks: { one: { type: "noop" } } }, logical_date: null, dag_run_id: "brought" });
    await page.goto("/dags/page_brought");
    await seen(page.getByText("Nobody saved this DAG", { exact: false }));
    await seen(page.locator('main a[href$="/runs/brought"]'));
    await api("DELETE", "/dags/page_brought");
    await page.goto("/dags/page_brought");
    await seen(page.getByText("not found", { exact: false }));
  },

  async two_authors_lose_nothing({ open, task, api }) {
    await sendText(task, "page_both", text("first").replace("page_edit", "page_both"));
    const page = await open({ token: task.token });
    // The save must be what notices the other author.
    await page.route("**/api/v2/events*", (route) => route.abort());
    await edit(page, "page_both");
    await page.keyboard.type("  mine: {type: noop}");
    await page.keyboard.press("Escape");
    const save = page.getByRole("button", { name: /^Save as v2/ });
    await until("the plan", () => save.isEnabled().catch(() => false));
    await sendText(task, "page_both", text("second").replace("page_edit", "page_both"));
    await save.click();
    await seen(page.getByText("Your changes stand on v2 now, without conflict."));
    const next = page.getByRole("button", { name: "Save as v3" });
    await until("the next plan", () => next.isEnabled().catch(() => false));
    await next.click();
    await page.waitForURL(/version=3$/);
    assert.equal(await sentText(task, "page_both"), text("second", "  mine: {type: noop}").replace("page_edit", "page_both"));
    assert.equal((await api("GET", "/dags/page_both")).description, "second");
  },

  async authors_of_one_line_choose_and_a_draft_outlives_the_page({ open, task }) {
    await sendText(task, "page_line", text("first").replace("page_edit", "page_line"));
    const page = await open({ token: task.token });
    await edit(page, "page_line");
    await page.keyboard.type("  mine: {type: noop}");
    await page.keyboard.press("Escape");
    await until("the draft", () => page.evaluate(() => (localStorage.getItem("mainspring.draft.page_line") ?? "").includes("mine")));
    await sendText(task, "page_line", text("first", "  theirs: {type: noop}\n").replace("page_edit", "page_line"));
    await page.reload();
    await seen(page.getByText("You both changed the same lines."));
    const box = page.getByRole("textbox", { name: "Definition in YAML" });
    await seen(box.getByText("mine"));
    await page.getByRole("button", { name: "Go on with my text" }).click();
    const save = page.getByRole("button", { name: "Save as v3" });
    await until("the plan", () => save.isEnabled().catch(() => false));
    await save.click();
    await page.waitForURL(/version=3$/);
    assert.equal(await sentText(task, "page_line"), text("first", "  mine: {type: noop}").replace("page_edit", "page_line"));
    await page.goto("/dags/page_line/definition/edit");
    await seen(page.getByText("Nothing differs in meaning."));
  },

  async what_is_typed_during_a_save_or_just_before_leaving_stays({ open, task }) {
    // A text that begins with a brace is YAML when its author said so.
    await sendText(task, "page_busy", "{dag_id: page_busy, tasks: {one: {type: noop}}}\n");
    const page = await open({ token: task.token });
    await edit(page, "page_busy");
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route(/\/dags\/page_busy(\?|$)/, async (route) => {
      if (route.request().method() === "PUT") await held;
      await route.continue();
    });
    for (const _ of "}}\n") await page.keyboard.press("ArrowLeft");
    await page.keyboard.insertText(", before: {type: noop}");
    const save = page.getByRole("button", { name: /^Save/ });
    await until("the plan", () => save.isEnabled().catch(() => false));
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await page.keyboard.press("Control+s");
    await sent;
    await page.keyboard.insertText(", during: {type: noop}");
    release();
    await seen(page.getByText("Saved as v2"));
    await until("the next plan", () => save.isEnabled().catch(() => false));
    assert.match(page.url(), /edit$/);
    await page.keyboard.press("Control+s");
    await page.waitForURL(/version=3$/);
    const all = "{dag_id: page_busy, tasks: {one: {type: noop}, before: {type: noop}, during: {type: noop}}}\n";
    assert.equal(await sentText(task, "page_busy"), all);
    assert.equal(await page.evaluate(() => localStorage.getItem("mainspring.draft.page_busy")), null);
    for (const [letter, leave] of [["a", () => page.goBack()], ["b", () => page.goto("/runs")]]) {
      await edit(page, "page_busy");
      // No pause in which a timer could keep the letter.
      await page.clock.install();
      await page.keyboard.insertText(letter);
      await leave();
      const draft = await page.evaluate(() => localStorage.getItem("mainspring.draft.page_busy"));
      assert.ok(JSON.parse(draft ?? "{}").text?.endsWith(letter), `kept: ${draft}`);
    }
  },

  async a_key_right_after_a_paint_stays_in_the_text({ open, task }) {
    await sendText(task, "page_typed", text("first").replace("page_edit", "page_typed"));
    const page = await open({ token: task.token });
    const box = await edit(page, "page_typed");
    await seen(page.getByText("Nothing differs in meaning."));
    // A hand is faster than a busy page: each change that the page shows meets the next key before the page has ended its work.
    await page.evaluate(() => {
      const keys = [..."retries"];
      const observer = new MutationObserver(() => {
        const key = keys.shift();
        if (key === undefined) observer.disconnect();
        else document.execCommand("insertText", false, key);
      });
      observer.observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true, attributes: true });
    });
    await page.keyboard.press("Enter");
    await seen(page.locator(".panel", { has: page.getByRole("heading", { name: "Faults" }) }));
    await page.keyboard.insertText(": 3");
    const draft = () => page.evaluate(() => JSON.parse(localStorage.getItem("mainspring.draft.page_typed") ?? "{}").text);
    await until("the draft", async () => (await draft())?.endsWith(": 3"));
    assert.equal(await draft(), `${text("first").replace("page_edit", "page_typed")}\nretries: 3`);
    assert.match(await box.innerText(), /\nretries: 3$/);
  },

  async an_editor_outlives_its_session({ open, task, violations }) {
    await sendText(task, "page_stays", text("first").replace("page_edit", "page_stays"));
    const page = await open({ token: task.token });
    const box = await edit(page, "page_stays");
    await seen(page.getByText("Nothing differs in meaning."));
    assert.deepEqual(await violations(page), []);
    await page.context().clearCookies();
    await page.keyboard.type("  typed: {type: noop}");
    const dialog = page.getByRole("dialog", { name: "Your session is over" });
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Log in with a token" }).click();
    await dialog.getByLabel("Token", { exact: true }).fill(task.token);
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await seen(box.getByText("typed"));
    await until("the plan", () => page.getByRole("button", { name: "Save as v2" }).isEnabled().catch(() => false));
  },

  async eight_tabs_read_one_stream({ open, task, api }) {
    const first = await open({ token: task.token });
    let begun = 0;
    first.context().on("request", (request) => {
      if (request.url().includes("/api/v2/events")) begun += 1;
    });
    const tabs = [first, ...(await Promise.all(Array.from({ length: 7 }, () => first.context().newPage())))];
    await first.goto("/runs?dag=page_works");
    await seen(live(first));
    await Promise.all(tabs.slice(1).map((tab) => tab.goto("/runs?dag=page_works")));
    await Promise.all(tabs.map((tab) => seen(live(tab))));
    assert.equal(begun, 1);
    await api("POST", "/dags/page_works/dagRuns", { logical_date: null, dag_run_id: "in-eight-tabs" });
    await Promise.all(tabs.map((tab) => seen(tab.locator('a[title="in-eight-tabs"]'))));
    await first.close();
    await until("another tab reads the stream", () => begun === 2);
    await api("POST", "/dags/page_works/dagRuns", { logical_date: null, dag_run_id: "in-seven-tabs" });
    await Promise.all(tabs.slice(1).map((tab) => seen(tab.locator('a[title="in-seven-tabs"]'))));
    assert.equal(begun, 2);
  },

  async tabs_share_a_stream_without_a_secure_context({ open, task, api }) {
    const page = await open({ url: task.url.replace("127.0.0.1", "page.test") });
    let begun = 0;
    page.context().on("request", (request) => {
      if (request.url().includes("/api/v2/events")) begun += 1;
    });
    await page.goto("/runs?dag=page_works");
    await page.getByRole("button", { name: "Log in with a token" }).click();
    await page.getByLabel("Token", { exact: true }).fill(task.token);
    await page.keyboard.press("Enter");
    await seen(live(page));
    assert.deepEqual(await page.evaluate(() => [isSecureContext, navigator.locks === undefined, navigator.clipboard === undefined]), [false, true, true]);
    const second = await page.context().newPage();
    await second.goto("/runs?dag=page_works");
    await seen(live(second));
    await api("POST", "/dags/page_works/dagRuns", { logical_date: null, dag_run_id: "by-heartbeat" });
    for (const each of [page, second]) await seen(each.locator('a[title="by-heartbeat"]'));
    assert.equal(begun, 1);
    await page.locator('a[title="by-heartbeat"]').click();
    await page.getByRole("button", { name: "by-heartbeat" }).click();
    await seen(page.getByText("Copied"));
  },

  async a_killed_server_is_waited_for({ open, task, api }) {
    const line = await wire(task.url);
    const page = await open({ token: task.token, url: line.url });
    await page.goto("/runs?dag=page_works");
    await seen(live(page));
    const rows = await page.locator("tbody tr").count();
    await line.cut();
    await seen(page.getByText(/No connection since/));
    assert.equal(await page.locator("tbody tr").count(), rows, "what was read stays");
    await api("POST", "/dags/page_works/dagRuns", { logical_date: null, dag_run_id: "while-it-was-gone" });
    await line.mend();
    await page.getByRole("button", { name: "Try now" }).click();
    await seen(live(page));
    await seen(page.locator('a[title="while-it-was-gone"]'));
    await page.close();
    await line.cut();
  },

  async blocked_streams_fall_back_to_polling({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.route("**/api/v2/events*", (route) => route.abort());
    await page.goto("/runs?dag=page_works");
    await seen(page.locator('.live[data-mode="polling"]'));
    await api("POST", "/dags/page_works/dagRuns", { logical_date: null, dag_run_id: "polled" });
    await seen(page.locator('a[title="polled"]'));
  },

  async a_newer_server_is_loaded_once({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/");
    await seen(page.getByRole("heading", { name: "DAGs" }));
    let refused = 0;
    let loads = 0;
    page.on("load", () => (loads += 1));
    await page.route(/\/a\/upcoming\.js$/, (route) => {
      refused += 1;
      return refused === 1 ? route.fulfill({ status: 404 }) : route.continue();
    });
    await page.getByRole("link", { name: "Upcoming" }).click();
    await seen(page.getByRole("heading", { name: "Upcoming" }));
    assert.deepEqual([refused, loads], [2, 1]);
  },

  async a_clock_that_is_wrong_shows_the_right_ages({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_works/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.addInitScript(() => {
      const own = Date.now.bind(Date);
      Date.now = () => own() + 3_600_000;
    });
    await page.goto("/dags/page_works");
    await seen(page.getByText(/saved/).getByText(/\d+ (s|min) ago/));
    const age = await page.getByText(/v1, saved/).first().textContent();
    assert.match(age, /saved \d+ (s|min) ago/);
    await page.goto(`/dags/page_works/runs/${encodeURIComponent(run)}`);
    await seen(page.locator("main h1"));
  },

  async ten_thousand_tasks_are_a_table_first({ open, task, api }) {
    const tasks = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`t${n}`, { type: "noop", depends_on: n > 99 ? [`t${n - 100}`] : [] }]));
    const dag = await api("PUT", "/dags/page_huge", { is_paused_upon_creation: true, tasks });
    assert.equal(dag.dag_id, "page_huge", JSON.stringify(dag).slice(0, 300));
    const { dag_run_id: run } = await api("POST", "/dags/page_huge/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_huge/runs/${encodeURIComponent(run)}`);
    await seen(page.getByText("10000 tasks: the table opens first."));
    await seen(page.getByRole("row", { name: /^t0/ }));
    await page.goto(`/dags/page_huge`);
    await seen(page.getByRole("heading", { name: "page_huge" }));
    await seen(page.getByRole("grid"));
    assert.ok((await page.locator("main *").count()) < 30_000, "only a part of the tasks is in the document");
    await api("DELETE", "/dags/page_huge");
  },

  async long_and_foreign_names_fit({ open, task, api }) {
    const dag = "d".repeat(250);
    const name = "t".repeat(250);
    const description = "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 e\u0301\u0302\u0323 \u202Eabc " + "x".repeat(300);
    await api("PUT", `/dags/${dag}`, { description, tags: ["\u05d0".repeat(40)], tasks: { [name]: { type: "noop" }, [`${name.slice(1)}b`]: { type: "noop", depends_on: [name] } } });
    const { dag_run_id: run } = await api("POST", `/dags/${dag}/dagRuns`, { logical_date: null, dag_run_id: "r".repeat(250) });
    await until("the end", async () => (await api("GET", `/dags/${dag}/dagRuns/${run}`)).state === "success");
    for (const width of [1280, 380]) {
      const page = await open({ token: task.token, width });
      for (const path of ["/", "/runs", `/dags/${dag}`, `/dags/${dag}/settings`, `/dags/${dag}/durations`, `/dags/${dag}/runs/${run}`, `/dags/${dag}/runs/${run}/events`, `/dags/${dag}/runs/${run}/tasks/${name}`]) {
        await page.goto(path);
        await seen(page.locator("main h1"));
        await until("all parts are loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
        await fitsAcross(page);
      }
    }
    await api("DELETE", `/dags/${dag}`);
  },

  async a_line_of_megabytes_is_cut({ open, task, api }) {
    await api("PUT", "/dags/page_wide", { tasks: { wide: { type: "shell", script: "head -c 9000000 /dev/zero | tr '\\0' x; echo; echo 'Error: at the end' >&2; exit 1\n" } } });
    const { dag_run_id: run } = await api("POST", "/dags/page_wide/dagRuns", { logical_date: null });
    await until("the end", async () => (await api("GET", `/dags/page_wide/dagRuns/${run}`)).state === "failed", 60_000);
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_wide/runs/${encodeURIComponent(run)}/tasks/wide`);
    await seen(page.locator(".loglines .ln.err").getByText("Error: at the end"));
    await page.keyboard.press("Home");
    await seen(page.getByRole("button", { name: /show \d+ more characters/ }));
    assert.ok((await page.locator(".loglines").evaluate((each) => each.textContent.length)) < 1_000_000);
  },

  async pictures_of_the_documentation({ open, task, api }) {
    const { dag_runs: runs } = await api("GET", "/dags/nightly_sales/dagRuns?state=failed&order_by=-run_after&limit=1");
    const run = `/dags/nightly_sales/runs/${encodeURIComponent(runs[0].dag_run_id)}`;
    const take = async (name, path, ready, { width = 1180, height = 680, theme = "light", before } = {}) => {
      const page = await open({ token: task.token, width, theme });
      await page.setViewportSize({ width, height });
      await page.goto(path);
      await before?.(page);
      await seen(ready(page));
      await until("all parts are loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
      await page.screenshot({ path: `${task.folder}/${name}.png`, animations: "disabled" });
    };
    const dag = (page) => page.getByRole("link", { name: "nightly_sales" });
    const line = (page) => page.getByText(/No space left on device/);
    await take("home", "/", dag);
    await take("home-dark", "/", dag, { theme: "dark" });
    await take("dag", "/dags/nightly_sales", (page) => page.locator("svg.graph [data-task=report]"));
    await take("run", `${run}?task=load_warehouse`, line);
    await take("run-phone", run, line, { width: 380, height: 780 });
    await take("log", `${run}/tasks/load_warehouse`, (page) => page.locator(".loglines .ln.err.at"), { width: 1000, height: 480 });
    const archive = async (page) => {
      await page.getByRole("textbox", { name: "Definition in YAML" }).click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("  archive: {type: noop, depends_on: [tidy]}");
      await page.keyboard.press("Escape");
    };
    await take("editor", "/dags/nightly_sales/definition/edit", (page) => page.getByText("task 'archive' added"), { height: 560, before: archive });
  },
};
