// Logging in with an identity provider, which is another site to the browser: the page is on 127.0.0.1, the provider on localhost.
import assert from "node:assert/strict";

const seen = (locator) => locator.first().waitFor();

async function logIn(page, person, label) {
  await page.getByRole("link", { name: label }).click();
  await page.waitForURL(/oauth2\/authorize/);
  await page.getByRole("button", { name: person, exact: true }).click();
}

export const loginScenarios = {
  async a_person_logs_in_with_the_provider({ open, violations }) {
    const page = await open();
    await page.goto("/runs?state=failed");
    await page.waitForURL(/\/login\?next=/);
    await seen(page.getByRole("link", { name: "Log in with Example" }));
    assert.deepEqual(await violations(page), []);
    await logIn(page, "anna", "Log in with Example");
    await page.waitForURL(/\/runs\?state=failed$/);
    await seen(page.getByRole("heading", { name: "Runs" }));
    assert.equal(await page.evaluate(() => document.cookie), "");
  },

  async who_may_not_log_in_reads_why({ open }) {
    for (const [language, label, sentence] of [
      ["en", "Log in with Example", "You may not log in here: you need to be in one of the groups data."],
      ["ko", "Example(으)로 로그인", "로그인할 수 없습니다. 다음 그룹 중 하나에 속해야 합니다: data"],
    ]) {
      const page = await open({ language });
      await page.goto("/login");
      await logIn(page, "bob", label);
      await page.waitForURL(/\/login$/);
      await seen(page.getByRole("alert").getByText(sentence));
      await page.reload();
      await seen(page.getByRole("link", { name: label }));
      assert.equal(await page.getByRole("alert").count(), 0, "the reason is told once");
    }
  },

  async a_session_that_ended_goes_on_after_a_login_in_a_tab_of_its_own({ open }) {
    const page = await open();
    await page.goto("/login");
    await logIn(page, "anna", "Log in with Example");
    await seen(page.getByRole("navigation", { name: "Main" }));
    await page.goto("/dags/page_params/trigger");
    await page.getByLabel("Note").fill("half a sentence");
    await page.context().clearCookies();
    await page.keyboard.press("Control+Enter");
    const dialog = page.getByRole("dialog", { name: "Your session is over" });
    await dialog.waitFor();
    const opened = page.context().waitForEvent("page");
    await dialog.getByRole("link", { name: "Log in with Example" }).click();
    const tab = await opened;
    await tab.getByRole("button", { name: "anna", exact: true }).click();
    await seen(tab.getByRole("navigation", { name: "Main" }));
    await tab.close();
    // A headless browser gives no tab the focus.
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("Note").inputValue(), "half a sentence");
  },
};
