// What people do on the page. Each waits for what it expects to see, never for a time.
import assert from "node:assert/strict";

const nothing = async (locator) => assert.equal(await locator.count(), 0, String(locator));
const seen = (locator) => locator.first().waitFor();

/** Until a condition holds. */
async function until(what, condition, milliseconds = 25_000) {
  const end = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const runsOf = async (api, dag) => (await api("GET", `/dags/${dag}/dagRuns?order_by=-run_after&limit=10`)).dag_runs;
const PAGES = ["/", "/runs", "/upcoming", "/upcoming?view=calendar", "/backfills", "/approvals", "/admin/pools", "/admin/audit", "/dags/page_fails", "/dags/page_fails?view=gantt", "/dags/page_fails/trigger", "/dags/page_fails/calendar", "/dags/page_fails/durations", "/dags/page_fails/settings", "/dags/page_fails/backfill"];

export const scenarios = {
  async login_leads_to_what_was_asked({ open, task }) {
    const page = await open();
    await page.goto("/runs?state=failed");
    await page.waitForURL(/\/login\?next=/);
    await page.getByRole("button", { name: "Log in with a token" }).click();
    await page.getByLabel("Token", { exact: true }).fill("nonsense");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await seen(page.getByText("This token is not valid."));
    await page.getByLabel("Token", { exact: true }).fill(task.token);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/runs\?state=failed$/);
    await seen(page.getByRole("heading", { name: "Runs" }));
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    assert.ok(!kept.includes(task.token) && !kept.includes("mainspring="), kept);
  },

  async a_sign_in_link_opens_one_session({ open, task }) {
    const page = await open();
    const made = await page.context().request.post("/auth/sessionCode", { headers: { Authorization: `Bearer ${task.token}` }, data: {} });
    const link = `/login#code=${(await made.json()).code}`;
    await page.goto(link);
    await seen(page.getByRole("navigation", { name: "Main" }));
    assert.ok(!page.url().includes("code"), page.url());
    const other = await open();
    await other.goto(link);
    await seen(other.getByText("This link was used or is too old.", { exact: false }));
    assert.ok(!other.url().includes("code"), other.url());
  },

  async no_foreign_address_after_a_login({ open, task }) {
    const page = await open();
    await page.goto("/login?next=//evil.example/x");
    await page.getByRole("button", { name: "Log in with a token" }).click();
    await page.getByLabel("Token", { exact: true }).fill(task.token);
    await page.keyboard.press("Enter");
    await seen(page.getByRole("navigation", { name: "Main" }));
    assert.equal(new URL(page.url()).origin, task.url);
  },

  async runs_are_filtered_in_the_address({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/runs");
    await seen(page.getByRole("link", { name: "page_works" }));
    await page.getByLabel("State", { exact: true }).selectOption("failed");
    await page.waitForURL(/state=failed/);
    await until("only failed runs", async () => (await page.getByRole("link", { name: "page_works" }).count()) === 0);
    await seen(page.getByRole("link", { name: "page_fails" }));
    await page.reload();
    await seen(page.getByRole("link", { name: "page_fails" }));
    await nothing(page.getByRole("link", { name: "page_works" }));
  },

  async chosen_runs_are_retried_after_a_dry_run({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/runs?dag=page_fails&state=failed");
    await page.getByRole("checkbox", { name: /^select page_/ }).or(page.getByRole("checkbox", { name: /^select manual/ })).first().click();
    await page.getByRole("toolbar").getByRole("button", { name: "Retry failed" }).click();
    const dialog = page.getByRole("dialog");
    await seen(dialog.getByText("load", { exact: true }));
    const before = (await runsOf(api, "page_fails"))[0];
    await dialog.getByRole("button", { name: /^Retry failed/ }).click();
    await dialog.waitFor({ state: "detached" });
    const path = `/dags/page_fails/dagRuns/${encodeURIComponent(before.dag_run_id)}/taskInstances/load`;
    await until("a second try", async () => (await api("GET", path)).try_number >= 2);
  },

  async a_run_is_triggered_once_with_params({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_params");
    await seen(page.getByRole("link", { name: /Trigger/ }));
    await page.keyboard.press("t");
    await seen(page.getByText("Starts at once."));
    await page.getByLabel("rows").fill("250");
    await seen(page.getByText(/250 is greater than|maximum/));
    await page.keyboard.press("Control+Enter");
    assert.equal((await runsOf(api, "page_params")).length, 0);
    await page.getByLabel("rows").fill("7");
    await page.getByLabel("Note").fill("<img src=x onerror=alert(1)>");
    await page.getByRole("button", { name: "CLI", exact: true }).click();
    await seen(page.getByText('--conf \'{"rows":7}\''));
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/dags\/page_params\/runs\//);
    const runs = await runsOf(api, "page_params");
    assert.deepEqual(runs.map((run) => run.params.rows), [7]);
    await nothing(page.locator("img"));
  },

  async a_trigger_takes_yesterday_or_the_params_of_an_earlier_run({ open, task, api }) {
    const params = { type: "object", properties: { day: { type: "string", format: "date", default: "2026-01-01" } } };
    await api("PUT", "/dags/page_daily", { params, tasks: { only: { type: "noop" } } });
    const { dag_run_id: older } = await api("POST", "/dags/page_daily/dagRuns", { logical_date: null, run_after: "2026-02-03T00:00:00Z", conf: { day: "2026-02-02" } });
    await api("POST", "/dags/page_daily/dagRuns", { logical_date: null });
    assert.ok(older);
    const page = await open({ token: task.token });
    await page.addInitScript(() => localStorage.setItem("mainspring.zone", "Pacific/Kiritimati"));
    await page.goto("/dags/page_daily/trigger");
    const day = page.getByLabel("day");
    await page.getByRole("button", { name: "Fill from a run…" }).focus();
    await page.keyboard.press("Enter");
    await seen(page.getByRole("menuitem").nth(1));
    await page.getByRole("menuitem").nth(1).click();
    await until("the day of the older run", async () => (await day.inputValue()) === "2026-02-02");
    await page.getByRole("button", { name: "Yesterday" }).click();
    const local = new Intl.DateTimeFormat("en-CA", { timeZone: "Pacific/Kiritimati", dateStyle: "short" });
    assert.equal(await day.inputValue(), local.format(Date.now() - 86_400_000));
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/runs\//);
    assert.equal((await runsOf(api, "page_daily"))[0].conf.day, local.format(Date.now() - 86_400_000));
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto("/dags/page_daily/trigger");
    await korean.getByRole("button", { name: "어제" }).tap();
    await seen(korean.getByRole("button", { name: "이전 실행에서 채우기…" }));
  },

  async numbers_are_sent_and_shown_as_typed({ open, task, api }) {
    const long = "9007199254740993";
    const shape = { type: "object", properties: { id: { type: "integer" }, ratio: { type: "number" }, more: { type: "object" } } };
    await api("PUT", "/dags/page_numbers", { params: shape, outputs: { id: "${{ params.id }}" }, tasks: { one: { type: "noop" } } });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_numbers/trigger");
    await page.getByLabel("id", { exact: true }).fill(long);
    await page.getByLabel("ratio").fill("0.50");
    await page.getByLabel("more").fill(`{"deep": [${long}]}`);
    await seen(page.getByText(`-d '{"logical_date":null,"conf":{"id":${long},"ratio":0.50,"more":{"deep":[${long}]}}}'`));
    await page.getByLabel("more").fill('{"deep"');
    await seen(page.getByText("This is no JSON."));
    assert.ok(await page.getByRole("button", { name: /^Trigger/ }).isDisabled());
    await page.getByLabel("more").fill(`{"deep": [${long}]}`);
    await page.getByLabel("more").press("Control+Enter");
    await page.waitForURL(/\/dags\/page_numbers\/runs\//);
    const run = new URL(page.url()).pathname;
    const stored = await fetch(`${task.url}/api/v2${run.replace("/runs/", "/dagRuns/")}`, { headers: { Authorization: `Bearer ${task.token}` } });
    assert.match(await stored.text(), new RegExp(`"conf":\\{"id":${long},"ratio":0.5,"more":\\{"deep":\\[${long}\\]\\}\\}`));
    await page.goto(`${run}/params`);
    await seen(page.locator("pre").getByText(long, { exact: true }));
    await until("the end of the run", async () => (await runsOf(api, "page_numbers"))[0].state === "success");
    await page.goto(`${run}/outputs`);
    await seen(page.locator("pre").getByText(long, { exact: true }));
    await page.goto(`/dags/page_numbers/trigger?from_run=${run.split("/").at(-1)}`);
    assert.equal(await page.getByLabel("id", { exact: true }).inputValue(), long);
  },

  async upcoming_runs_are_a_calendar({ open, task, api }) {
    await api("PUT", "/dags/page_daily", { schedule: { cron: "0 12 * * *" }, tasks: { one: { type: "noop" } } });
    const page = await open({ token: task.token });
    await page.goto("/upcoming");
    await page.getByRole("button", { name: "Calendar", exact: true }).click();
    await page.waitForURL(/\/upcoming\?view=calendar$/);
    const days = page.locator(".cal a.plan");
    await seen(days);
    await until("the plan of the new DAG", async () => (await days.count()) > 50);
    const day = days.nth(40);
    const href = await day.getAttribute("href");
    assert.match(await day.textContent(), /2 runs$/);
    await day.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname + url.search === href);
    for (const dag of ["page_daily", "page_fails"]) await seen(page.getByRole("link", { name: dag }));
    assert.equal(await page.locator("table.tbl").count(), 1, "one day alone is listed");
    await page.getByRole("button", { name: "Show all days" }).click();
    await page.waitForURL(/\/upcoming$/);
    await until("other days", async () => (await page.locator("table.tbl").count()) > 1);
    const korean = await open({ token: task.token, language: "ko" });
    await korean.goto("/dags/page_daily");
    await seen(korean.getByText("매일 12:00 (UTC)"));
    await korean.goto("/");
    await seen(korean.getByRole("cell", { name: "매일 02:30 (Asia/Seoul)" }));
  },

  async a_backfill_shows_each_slot_first({ open, task, api }) {
    const schedule = { cron: "0 12 * * *", timezone: "UTC" };
    await api("PUT", "/dags/page_days", { schedule, start_date: "2024-01-01", end_date: "2024-01-31", tasks: { only: { type: "noop" } } });
    await api("POST", "/dags/page_days/dagRuns", { logical_date: "2024-01-02T12:00:00Z" });
    await until("the run of a slot", async () => (await runsOf(api, "page_days")).some((run) => run.state === "success" && run.logical_date.startsWith("2024-01-02")));
    const page = await open({ token: task.token });
    await page.goto("/dags/page_days/backfill?from=2024-01-01T00:00:00Z&to=2024-01-05T00:00:00Z");
    await seen(page.locator(".months .keep", { hasText: "1 keep" }));
    assert.equal(await page.locator(".months .new").count(), 3);
    await seen(page.getByText("3 runs will be made"));
    await page.getByRole("radio", { name: "run again", exact: true }).click();
    await seen(page.locator(".months .re", { hasText: "1 again" }));
    await page.getByRole("radio", { name: "keep" }).click();
    await seen(page.locator(".months .keep"));
    await seen(page.getByRole("dialog").getByText("3 of 4 slots"));
    await page.getByRole("button", { name: /^Backfill 3 runs/ }).click();
    await page.waitForURL(/\/backfills\/\d+$/);
    await seen(page.getByText("success", { exact: true }).nth(3));
    // From the keyboard: the DAG, its dialog, the slots behind the last one that succeeded, and back.
    await page.goto("/dags/page_days");
    await seen(page.getByRole("grid"));
    await page.keyboard.press("b");
    const dialog = page.getByRole("dialog");
    const since = dialog.getByRole("button", { name: "Since last success", disabled: false });
    await seen(since);
    await since.press("Enter");
    await until("the slot behind the last success", async () => (await dialog.getByLabel("From").inputValue()).startsWith("2024-01-"));
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/dags\/page_days$/);
    await dialog.waitFor({ state: "detached" });
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto("/dags/page_days/backfill");
    await seen(korean.getByRole("button", { name: "마지막 성공 이후" }));
    assert.ok(await korean.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  },

  async enter_does_what_a_fresh_dialog_is_for({ open, task, api }) {
    await api("PUT", "/dags/page_again", { tasks: { only: { type: "shell", command: ["false"] } } });
    const { dag_run_id: id } = await api("POST", "/dags/page_again/dagRuns", { logical_date: null });
    const run = `/dags/page_again/dagRuns/${encodeURIComponent(id)}`;
    await until("the failure", async () => (await api("GET", run)).state === "failed");
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_again/runs/${encodeURIComponent(id)}`);
    await seen(page.getByRole("button", { name: /Retry failed/ }));
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog");
    await seen(dialog.getByRole("button", { name: /^Retry 1 task/, disabled: false }));
    await page.keyboard.press("Enter");
    await until("another try", async () => (await api("GET", `${run}/taskInstances/only`)).try_number === 2);
    await dialog.waitFor({ state: "detached" });
  },

  async a_missing_dag_leads_home_and_to_its_near_name({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_work");
    await seen(page.getByText("did you mean 'page_works'?"));
    await page.getByRole("main").getByRole("link", { name: "Home" }).click();
    await page.waitForURL(/\/$/);
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto("/dags/page_work");
    await seen(korean.getByText("'page_works'을(를) 찾으셨나요?"));
  },

  async a_trigger_says_which_params_are_new({ open, task, api }) {
    const only = { only: { type: "noop" } };
    await api("PUT", "/dags/page_news", { params: { type: "object", properties: { rows: { type: "integer", default: 1 } } }, tasks: only });
    await api("POST", "/dags/page_news/dagRuns", { logical_date: null });
    await api("PUT", "/dags/page_news", { params: { type: "object", properties: { rows: { type: "integer", default: 1 }, region: { type: "string", default: "kr" } } }, tasks: only });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_news/trigger");
    await seen(page.locator("label", { hasText: "region" }).getByText("new in v2"));
    await seen(page.getByText("1 param new since v1"));
    await nothing(page.locator("label", { hasText: "rows" }).getByText("new in"));
    await page.getByText("Run id, logical date, idempotency key").click();
    await page.getByLabel("Idempotency key").fill("night-1");
    await seen(page.locator(".code").getByText("Idempotency-Key: night-1"));
    await page.getByLabel("region").press("Control+Enter");
    await page.waitForURL(/\/runs\//);
    await page.goto("/dags/page_news/trigger");
    await page.getByText("Run id, logical date, idempotency key").click();
    await page.getByLabel("Idempotency key").fill("night-1");
    await page.getByRole("button", { name: /^Trigger/ }).click();
    await page.waitForURL(/\/runs\//);
    assert.equal((await runsOf(api, "page_news")).length, 2);
  },

  async no_field_takes_back_what_is_typed({ open, task, api }) {
    const params = { type: "object", properties: { ratio: { type: "number", default: 2 } } };
    await api("PUT", "/dags/page_ratio", { params, schedule: { cron: "0 12 * * *", timezone: "UTC" }, tasks: { only: { type: "noop" } } });
    await api("POST", "/dags/page_ratio/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto("/dags/page_ratio/trigger");
    await page.getByRole("button", { name: "CLI", exact: true }).click();
    const ratio = page.getByLabel("ratio");
    await ratio.press("Control+a");
    await ratio.press("Backspace");
    await ratio.pressSequentially("0.50");
    assert.equal(await ratio.inputValue(), "0.50");
    await seen(page.getByText('--conf \'{"ratio":0.50}\''));
    await page.getByLabel("Note").fill("kept");
    await page.getByRole("radio", { name: "At a time" }).click();
    await page.locator("#run-after").fill("2030-01-01T00:00");
    await page.getByRole("button", { name: "Fill from a run…" }).click();
    await page.getByRole("menuitem").first().click();
    await until("the default again", async () => (await ratio.inputValue()) === "2");
    assert.deepEqual([await page.getByLabel("Note").inputValue(), await page.locator("#run-after").inputValue()], ["kept", "2030-01-01T00:00"]);
    await page.goto("/dags/page_ratio/backfill");
    const places = page.getByRole("spinbutton").first();
    await places.press("Control+a");
    await places.press("Backspace");
    await places.pressSequentially("8");
    assert.equal(await places.inputValue(), "8");
    await page.goto("/runs");
    const find = page.getByRole("searchbox");
    await find.pressSequentially("page_nothing");
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await until("no text", async () => (await find.inputValue()) === "");
  },

  async a_hostile_name_stays_text({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_hostile");
    await seen(page.getByText("<script>alert(1)</script>"));
    await nothing(page.locator("main img, main script, main iframe"));
  },

  async an_approval_takes_values_and_several_choices({ open, task, api }) {
    const params = { type: "object", properties: { hosts: { type: "integer", maximum: 20, default: 2 } }, additionalProperties: false };
    const ask = { type: "approval", message: "How many hosts, and where?", choices: ["eu", "us", "reject"], multiple: true, params };
    const mine = { type: "approval", message: "Only for ann", assigned: { users: ["ann"] } };
    await api("PUT", "/dags/page_values", { tasks: { ask, mine } });
    const { dag_run_id: run } = await api("POST", "/dags/page_values/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    const address = `/dags/page_values/runs/${encodeURIComponent(run)}/tasks`;
    await page.goto(`${address}/mine`);
    await seen(page.getByText("For ann only"));
    await nothing(page.getByRole("button", { name: "approve" }));
    await page.goto(`${address}/ask`);
    await page.getByLabel("hosts").fill("99");
    await page.getByRole("checkbox", { name: "us" }).press("Space");
    const answer = page.getByRole("button", { name: "Answer with 1 choice" });
    await answer.click();
    await seen(page.locator(".answer-values .msg"));
    await page.getByLabel("hosts").fill("3");
    await answer.click();
    await until("the answer", async () => (await api("GET", `/dags/page_values/dagRuns/${encodeURIComponent(run)}/taskInstances/ask`)).state === "success");
    assert.deepEqual((await api("GET", `/dags/page_values/dagRuns/${encodeURIComponent(run)}/taskInstances/ask/xcomEntries/values`)).value, { hosts: 3 });
    const korean = await open({ token: task.token, language: "ko", width: 380 });
    await korean.goto(`${address}/mine`);
    await seen(korean.getByText("응답할 수 있는 사람: ann"));
    await api("PATCH", `/dags/page_values/dagRuns/${encodeURIComponent(run)}`, { state: "failed" });
  },

  async an_approval_is_answered({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_asks/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_asks/runs/${encodeURIComponent(run)}/tasks/confirm`);
    await seen(page.getByText("Pay out?"));
    await page.getByRole("button", { name: "approve" }).click();
    await until("the answer", async () => (await api("GET", `/dags/page_asks/dagRuns/${encodeURIComponent(run)}`)).state === "success");
    await page.goto("/approvals");
    await seen(page.getByText("Nothing waits for an answer"));
  },

  async a_question_behind_a_hundred_others_is_answered_at_its_task({ open, task, api }) {
    const many = { type: "approval", message: "One of many", expand: { item: "${{ params.items }}" } };
    await api("PUT", "/dags/page_asks_much", { params: { type: "object", properties: { items: { type: "array" } } }, tasks: { many } });
    const { dag_run_id: first } = await api("POST", "/dags/page_asks_much/dagRuns", { logical_date: null, conf: { items: Array.from({ length: 101 }, (_, index) => index) } });
    await until("the others", async () => (await api("GET", "/approvals?dag_id_pattern=page_asks_much")).total_entries === 101);
    const { dag_run_id: run } = await api("POST", "/dags/page_asks/dagRuns", { logical_date: null });
    const page = await open({ token: task.token });
    await page.goto(`/dags/page_asks/runs/${encodeURIComponent(run)}/tasks/confirm`);
    await seen(page.getByText("Pay out?"));
    await page.goto("/approvals");
    await seen(page.getByText("One of many"));
    await nothing(page.getByText("Pay out?"));
    await page.getByRole("button", { name: "Show more" }).click();
    await seen(page.getByText("Pay out?"));
    await api("PATCH", `/dags/page_asks_much/dagRuns/${encodeURIComponent(first)}`, { state: "failed" });
    await api("PATCH", `/dags/page_asks/dagRuns/${encodeURIComponent(run)}`, { state: "failed" });
    await until("no question", async () => (await api("GET", "/approvals")).total_entries === 0);
  },

  async a_viewer_sees_no_action({ open, task }) {
    const page = await open({ token: task.viewer });
    for (const path of ["/dags/page_fails", "/runs", "/admin/pools"]) {
      await page.goto(path);
      await seen(page.locator("main table, main h1"));
      await nothing(page.getByRole("button", { name: /Retry|Clear|Mark|New pool|Delete/ }));
      await nothing(page.getByRole("link", { name: /Trigger|Backfill B/ }));
      await nothing(page.getByRole("switch"));
      await nothing(page.getByRole("checkbox"));
    }
  },

  async a_session_that_ends_loses_nothing_typed({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/dags/page_params/trigger");
    await page.getByLabel("Note").fill("half a sentence");
    await page.context().clearCookies();
    await page.keyboard.press("Control+Enter");
    const dialog = page.getByRole("dialog", { name: "Your session is over" });
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Log in with a token" }).click();
    await dialog.getByLabel("Token", { exact: true }).fill(task.token);
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("Note").inputValue(), "half a sentence");
  },

  async a_pool_is_made_changed_and_deleted({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/admin/pools");
    await page.getByRole("button", { name: "New pool" }).click();
    await page.getByLabel("Name").fill("warehouse");
    await page.getByLabel("Slots").fill("4");
    await page.keyboard.press("Enter");
    await seen(page.getByRole("cell", { name: "warehouse" }));
    assert.equal((await api("GET", "/pools/warehouse")).slots, 4);
    await page.getByRole("button", { name: "More: warehouse" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: /^Delete/ }).click();
    // Behind the dialog no cell has a role.
    await page.getByRole("dialog", { name: "Delete warehouse?" }).waitFor({ state: "detached" });
    await page.getByRole("cell", { name: "warehouse", exact: true }).waitFor({ state: "detached" });
    assert.equal((await api("GET", "/pools/warehouse")).status, 404);
  },

  async keys_work_with_a_hangul_layout({ open, task }) {
    const page = await open({ token: task.token });
    await page.goto("/runs");
    await seen(page.getByRole("heading", { name: "Runs" }));
    const press = (code, key) => page.evaluate(([c, k]) => window.dispatchEvent(new KeyboardEvent("keydown", { code: c, key: k, bubbles: true, cancelable: true })), [code, key]);
    await press("KeyG", "ㅎ");
    await press("KeyB", "ㅠ");
    await page.waitForURL(/\/backfills$/);
    await page.keyboard.press("?");
    await seen(page.getByRole("dialog", { name: "Keys" }));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("page_wor");
    await seen(page.getByRole("option", { name: /page_works/ }));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/dags\/page_works$/);
  },

  async dates_follow_the_chosen_zone({ open, task }) {
    const page = await open({ token: task.token });
    await page.addInitScript(() => localStorage.setItem("mainspring.zone", "Asia/Seoul"));
    await page.goto("/runs");
    const first = page.locator("table time").first();
    await first.waitFor();
    const hour = (zone) => first.evaluate((each, timeZone) => new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(each.dateTime)), zone);
    assert.ok((await first.textContent()).endsWith(await hour("Asia/Seoul")));
    await page.keyboard.press("z");
    const utc = await hour("UTC");
    await until("UTC", async () => (await first.textContent()).endsWith(utc));
  },

  async hangul_is_drawn({ open, task }) {
    const page = await open({ token: task.token, language: "ko" });
    await page.goto("/runs");
    await seen(page.getByRole("heading", { name: "실행" }));
    const drawn = await page.evaluate(() => {
      const ink = (text) => {
        const canvas = new OffscreenCanvas(40, 40);
        const context = canvas.getContext("2d");
        context.font = `24px ${getComputedStyle(document.body).fontFamily}`;
        context.fillText(text, 4, 30);
        return context.getImageData(0, 0, 40, 40).data.join();
      };
      return { syllable: ink("실"), other: ink("행"), missing: ink("\u{10FFFD}") };
    });
    assert.notEqual(drawn.syllable, drawn.missing);
    assert.notEqual(drawn.syllable, drawn.other);
  },

  async pages_have_no_fault_of_accessibility({ open, task, violations }) {
    const faults = [];
    for (const [theme, language] of [["light", "en"], ["dark", "ko"]]) {
      const page = await open({ token: task.token, theme, language });
      for (const path of PAGES) {
        await page.goto(path);
        await seen(page.locator("main h1"));
        await until("all parts are loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
        faults.push(...(await violations(page)).map((fault) => `${path} ${theme} ${language} ${fault}`));
      }
    }
    assert.deepEqual(faults, []);
  },

  async pages_fit_a_narrow_screen({ open, task }) {
    const page = await open({ token: task.token, width: 380 });
    for (const path of PAGES) {
      await page.goto(path);
      await seen(page.locator("main h1"));
      const { page: wide, screen } = await page.evaluate(() => ({ page: document.documentElement.scrollWidth, screen: innerWidth }));
      assert.ok(wide <= screen, `${path} is ${wide} px wide`);
    }
  },

  async lists_follow_without_a_reload_and_with_one_stream({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/runs?dag=page_live");
    await seen(page.locator('.live[data-mode="live"]'));
    const second = await page.context().newPage();
    await second.goto("/runs?dag=page_live");
    await seen(second.locator('.live[data-mode="live"]'));
    const streams = async () => {
      const counts = await Promise.all([page, second].map((each) => each.evaluate(() => performance.getEntriesByType("resource").filter((entry) => /\/api\/v2\/events/.test(entry.name)).length)));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    assert.ok((await streams()) <= 1);
    await api("POST", "/dags/page_live/dagRuns", { logical_date: null, dag_run_id: "followed" });
    for (const each of [page, second]) {
      await seen(each.locator('a[title="followed"]'));
      await seen(each.locator("tr", { has: each.locator('a[title="followed"]') }).getByText("success"));
    }
    assert.ok((await streams()) <= 1);
    await page.close();
    await api("POST", "/dags/page_live/dagRuns", { logical_date: null, dag_run_id: "after" });
    await seen(second.locator('a[title="after"]'));
  },

  async a_pause_keeps_what_is_shown({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/runs?dag=page_live");
    await seen(page.locator('.live[data-mode="live"]'));
    await page.getByRole("heading", { name: "Runs" }).click();
    await page.keyboard.press("Space");
    await seen(page.getByText("Paused by you"));
    await api("POST", "/dags/page_live/dagRuns", { logical_date: null, dag_run_id: "unseen" });
    await seen(page.getByText(/changes? waits?/));
    await nothing(page.locator('a[title="unseen"]'));
    await page.keyboard.press("Space");
    await seen(page.locator('a[title="unseen"]'));
  },

  async a_page_without_its_server_says_so_and_comes_back({ open, task, api }) {
    const page = await open({ token: task.token });
    await page.goto("/runs?dag=page_live");
    await seen(page.locator('.live[data-mode="live"]'));
    await page.context().setOffline(true);
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    await seen(page.getByText(/No connection since/));
    await seen(page.getByRole("heading", { name: "Runs" }));
    await api("POST", "/dags/page_live/dagRuns", { logical_date: null, dag_run_id: "missed" });
    await page.context().setOffline(false);
    await seen(page.locator('.live[data-mode="live"]'));
    await seen(page.locator('a[title="missed"]'));
  },

  async the_way_at_night_by_keyboard_alone({ open, task, api }) {
    const { dag_run_id: run } = await api("POST", "/dags/page_night/dagRuns", { logical_date: null });
    await until("the failure", async () => (await api("GET", `/dags/page_night/dagRuns/${encodeURIComponent(run)}`)).state === "failed");
    const page = await open({ token: task.token });
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto("/");
    const item = page.locator(".att", { hasText: "page_night" });
    await seen(item.getByText("Error: night falls"));
    await seen(page.locator(".tbl .id"));
    assert.deepEqual(asked.filter((path) => /^\/api\/v2\/(?!events)/.test(path)).toSorted(), ["/api/v2/home", "/api/v2/me"]);
    await until("the row is chosen", async () => {
      if ((await item.getAttribute("aria-current")) === "true") return true;
      await page.keyboard.press("j");
      return false;
    });
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/dags\/page_night\/runs\/.*\/tasks\/dark/);
    // Both pages show this line. The heading belongs to the page whose keys are pressed next.
    await seen(page.getByRole("heading", { name: /^dark/ }));
    await seen(page.getByText("Error: night falls"));
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog");
    await seen(dialog.getByText("dark", { exact: true }));
    await seen(dialog.getByRole("button", { name: /^Retry \d task/ }));
    await page.keyboard.press("Control+Enter");
    await dialog.waitFor({ state: "detached" });
    const path = `/dags/page_night/dagRuns/${encodeURIComponent(run)}/taskInstances/dark`;
    await until("a second try", async () => (await api("GET", path)).try_number >= 2);
  },
};
