// One browser for all scenarios. Reads a line of JSON for each: {scenario, url, token, viewer, folder}; answers with a
// line: {} or {error}. A violation of the page's policy and an error of its scripts fail every scenario.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { everyPage } from "./every_page.mjs";
import { hardScenarios } from "./hard_scenarios.mjs";
import { killedScenarios } from "./killed_scenarios.mjs";
import { loginScenarios } from "./login_scenarios.mjs";
import { runScenarios } from "./run_scenarios.mjs";
import { scenarios } from "./scenarios.mjs";

const { UI, CHROMIUM } = process.env;
const { chromium } = createRequire(`${UI}/package.json`)("playwright-core");
const axe = readFileSync(`${UI}/node_modules/axe-core/axe.min.js`, "utf8");
// The name leads here and is no secure context, as a name of a network without https.
const ARGUMENTS = ["--host-resolver-rules=MAP page.test 127.0.0.1", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
const TIMEOUT_MS = 30_000;

const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });

function follow(page, errors) {
  page.on("pageerror", (error) => errors.push(`script: ${error}`));
  page.on("console", (message) => {
    if (/Content Security Policy|violates|TrustedScript/i.test(message.text())) errors.push(message.text());
  });
}

/** A reader of the page with a context of their own. */
async function open(task, errors, { token, width = 1280, theme = "light", language = "en", url = task.url } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    locale: language === "ko" ? "ko-KR" : "en-GB",
    hasTouch: width < 600,
    baseURL: url,
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  context.on("page", (page) => follow(page, errors));
  const page = await context.newPage();
  if (token) {
    const answer = await context.request.post("/auth/session", { data: { token }, headers: { "X-Mainspring-Page": "1", Origin: url } });
    if (answer.status() !== 204) throw new Error(`login: ${answer.status()} ${await answer.text()}`);
  }
  return page;
}

/** Violations of WCAG 2.2 AA, each with the first element that has it. */
async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values: tags } });
    return violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)} ${each.nodes[0].failureSummary}`);
  });
}

async function run(task) {
  const errors = [];
  const pages = [];
  const tools = {
    task,
    violations,
    async open(options) {
      const page = await open(task, errors, options);
      pages.push(page);
      return page;
    },
    /** Ask the API beside the page, as another client does. */
    async api(method, path, body) {
      const answer = await fetch(`${task.url}/api/v2${path}`, {
        method,
        headers: { Authorization: `Bearer ${task.token}`, "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
      });
      return answer.status === 204 ? null : answer.json();
    },
  };
  try {
    await { ...scenarios, ...runScenarios, ...hardScenarios, ...killedScenarios, ...loginScenarios, ...everyPage }[task.scenario](tools);
    return errors.length > 0 ? { error: errors.join("\n") } : {};
  } catch (error) {
    if (task.folder && pages.length > 0) await pages.at(-1).screenshot({ path: `${task.folder}/${task.scenario}.png` }).catch(() => undefined);
    return { error: [error.stack, ...errors].join("\n") };
  } finally {
    await Promise.all(pages.map((page) => page.context().close()));
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
await browser.close();
