// What a reader waits for, in a real browser. Reads {url, token, dags} from its arguments; prints a line of JSON a figure.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

const { UI, CHROMIUM } = process.env;
const { url, token, bundle } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${UI}/package.json`)("playwright-core");
const { layoutGraph } = await import(`${UI}/src/graph/layout.ts`);

const TIMES = 5;
const IDLE_MS = 10_000;
const TABS = 20;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });

const tell = (what, value, limit, unit) => process.stdout.write(`${JSON.stringify({ what, value, limit, unit })}\n`);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function reader() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, baseURL: url });
  await context.request.post("/auth/session", { data: { token }, headers: { "X-Mainspring-Page": "1", Origin: url } });
  return context;
}

const api = async (method, path, body) => {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${url}/api/v2${path}`, { method, headers, body: body && JSON.stringify(body) });
  return answer.json();
};

/** Compressed bytes of the scripts and styles that a page has loaded, by the files of the bundle. */
async function loaded(page) {
  const names = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => new URL(entry.name).pathname));
  return new Map(names.filter((name) => /\.(js|css)$/.test(name)).map((name) => [name, gzipSync(readFileSync(`${bundle}/a/${name.split("/").at(-1)}`), { level: 9 }).length]));
}

const kilobytes = (sizes) => [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1024;

/** Milliseconds from a step to the first frame in which a selector matches. */
async function until(page, selector, step) {
  const waiting = page.evaluate((wanted) => {
    const begun = performance.now();
    return new Promise((resolve) => {
      const look = () => (document.querySelector(wanted) ? requestAnimationFrame(() => resolve(performance.now() - begun)) : requestAnimationFrame(look));
      look();
    });
  }, selector);
  await step();
  return waiting;
}

async function home() {
  const paints = [];
  let asked = 0;
  for (let time = 0; time < TIMES; time += 1) {
    const context = await reader();
    const page = await context.newPage();
    await page.addInitScript(() => {
      const look = () => (document.querySelector(".tbl .id") && document.querySelector(".head h1") ? (window.seenAt = performance.now()) : requestAnimationFrame(look));
      look();
    });
    await page.goto("/");
    await page.waitForFunction(() => window.seenAt);
    paints.push(await page.evaluate(() => window.seenAt));
    asked = await page.evaluate(() => performance.getEntriesByType("resource").filter((entry) => entry.startTime < window.seenAt && /\/api\/v2\/(?!events)/.test(entry.name)).length);
    if (time === 0) {
      const first = await loaded(page);
      tell("first load by gzip", kilobytes(first), 260, "KB");
      await page.goto("/dags/bench_big/definition/edit");
      await page.locator(".cm-content").waitFor();
      const all = await loaded(page);
      tell("editor by gzip, beyond the first load", kilobytes(new Map([...all].filter(([name]) => !first.has(name)))), 185, "KB");
    }
    await context.close();
  }
  tell("Home: first DAG seen", median(paints), 1000, "ms");
  tell("Home: requests before that", asked, 2, "");
}

async function clicks() {
  const context = await reader();
  const page = await context.newPage();
  await page.goto("/dags/bench_big/versions");
  await page.getByRole("link", { name: "Compare" }).or(page.locator(".tbl .id")).first().waitFor();
  const times = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.getByRole("link", { name: "Settings", exact: true }).click();
    await page.locator(".kv").first().waitFor();
    times.push(await until(page, ".tabs a[aria-current][href$=versions] ~ a", () => page.evaluate(() => document.querySelector(".tabs a[href$=versions]").click())));
  }
  tell("click in cached data", median(times), 100, "ms");
  await context.close();
}

async function events() {
  const context = await reader();
  const page = await context.newPage();
  await page.goto("/runs?dag=bench_one");
  await page.locator('.live[data-mode="live"]').waitFor();
  const times = [];
  for (let time = 0; time < TIMES; time += 1) {
    const id = `seen-${time}`;
    times.push(await until(page, `a[title="${id}"]`, () => api("POST", "/dags/bench_one/dagRuns", { logical_date: null, dag_run_id: id })));
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  tell("event to pixel, with the request that makes the run", median(times), 300, "ms");
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  tell(`requests of an idle tab in ${IDLE_MS / 1000} s`, requests.length, 0, "");
  await context.close();
}

async function graphs() {
  const context = await reader();
  const page = await context.newPage();
  const { dag_runs: runs } = await api("GET", "/dags/bench_big/dagRuns");
  const times = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.goto("/runs");
    const begun = Date.now();
    await page.goto(`/dags/bench_big/runs/${encodeURIComponent(runs[0].dag_run_id)}`, { waitUntil: "commit" });
    await page.locator("svg.graph[data-drawn=true] path").first().waitFor();
    times.push(Date.now() - begun);
  }
  const box = await page.locator("svg.graph").boundingBox();
  if (box.width < 600 || box.height < 200) throw new Error(`the graph is ${box.width} x ${box.height} px`);
  tell("graph of 1,000 tasks seen, page and all", median(times), 1000, "ms");
  const { tasks } = await api("GET", "/dags/bench_big/definition");
  const graph = { nodes: Object.keys(tasks).map((id) => ({ id, width: 152, height: 36 })), edges: Object.entries(tasks).flatMap(([id, task]) => (task.depends_on ?? []).map((before) => [before, id])) };
  const layouts = Array.from({ length: TIMES }, () => {
    const begun = performance.now();
    layoutGraph(graph);
    return performance.now() - begun;
  });
  tell("its layout", median(layouts), 200, "ms");
  const grids = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.goto("/runs");
    const begun = Date.now();
    await page.goto("/dags/bench_wide", { waitUntil: "commit" });
    await page.getByRole("gridcell").nth(1000).waitFor();
    grids.push(Date.now() - begun);
  }
  tell("grid with 200 tasks seen, page and all", median(grids), 1000, "ms");
  await context.close();
}

async function logs() {
  const context = await reader();
  const page = await context.newPage();
  const { dag_runs: runs } = await api("GET", "/dags/bench_long/dagRuns");
  const run = `/dags/bench_long/runs/${encodeURIComponent(runs[0].dag_run_id)}`;
  const times = [];
  for (let time = 0; time < TIMES; time += 1) {
    await page.goto(run);
    await page.getByRole("link", { name: /Open log/ }).waitFor();
    await page.waitForTimeout(500);
    times.push(await until(page, ".loglines .ln.err.at", () => page.evaluate(() => document.querySelector(".cause a.btn").click())));
  }
  tell("log of 100,000 lines opens at its error", median(times), 500, "ms");
  const worst = await page.evaluate(async () => {
    const box = [...document.querySelectorAll("*")].find((each) => each.contains(document.querySelector(".loglines")) && each.scrollHeight > 50_000 && /auto|scroll/.test(getComputedStyle(each).overflowY));
    let [longest, last] = [0, performance.now()];
    for (let step = 0; step < 120; step += 1) {
      box.scrollTop = (box.scrollHeight / 120) * step;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      [longest, last] = [Math.max(longest, now - last), now];
    }
    return longest;
  });
  tell("longest frame in 120 jumps through it", worst, 100, "ms");
  await context.close();
}

async function tabs() {
  const context = await reader();
  let begun = 0;
  context.on("request", (request) => (begun += Number(request.url().includes("/api/v2/events"))));
  const pages = [];
  for (let n = 0; n < TABS; n += 1) {
    const page = await context.newPage();
    await page.goto("/runs");
    await page.locator('.live[data-mode="live"]').waitFor();
    pages.push(page);
  }
  tell(`streams of ${TABS} tabs`, begun, 1, "");
  await context.close();
}

for (const measure of [home, clicks, events, graphs, logs, tabs]) await measure();
await browser.close();
