import type { Locator } from "@playwright/test";
import { administersUsers, changesOwnAccount, confirmsBeforePower } from "../support/accounts";
import { confirmAddress, resetPassword } from "../support/letters";
import { expect, logIn, queueDelay, queueNumbers, queueTooLate, signUp, test } from "../support/people";
import { changesSchedule, ownType, pausesAndResumes, queueMany, queueTooLarge, runsOneOfGroupAgain, runsTasksNow } from "../support/queue";
import { administrator } from "../support/server";

/** Loads the page again until this is there. */
async function reloadUntil(there: Locator): Promise<void> {
  await expect(async () => {
    await there.page().reload();
    await expect(there).toBeVisible({ timeout: 500 });
  }).toPass();
}

test("without JavaScript: somebody signs up, queues a task and sees it completed after a reload", async ({ page }) => {
  await signUp(page, "ada");
  await queueNumbers(page, "2 4 9");
  await reloadUntil(page.locator("[data-status=completed]"));
  await expect(page.locator("dl[data-of=Result]")).toContainText("15");
});

test("without JavaScript: a refused form keeps what was typed, at status 400, and leaves nothing in the address", async ({ page }) => {
  await signUp(page, "grace");
  await page.goto("/tasks/new?kind=data_processing");
  await page.getByLabel("Numbers").fill("1, two, </textarea><script>");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Queue task" }).click();
  expect((await answered).status()).toBe(400);
  await expect(page.getByText("the entry at place 2 is not a number")).toBeVisible();
  await expect(page.getByLabel("Numbers")).toHaveValue("1, two, </textarea><script>");
  expect(page.url()).not.toContain("__err");
});

test("without JavaScript: a task is cancelled, and the list is filtered", async ({ page }) => {
  await signUp(page, "katherine");
  await queueDelay(page, 600);
  await page.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.getByText("The task was told to stop.").or(page.locator("[data-status=cancelled]"))).toBeVisible();
  await page.goto("/tasks");
  await page.getByRole("combobox", { name: "State" }).selectOption("failed");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No tasks here.")).toBeVisible();
});

test("without JavaScript: the list leads on to older tasks, and is filtered by a text", async ({ page, request }) => {
  const person = await signUp(page, "edith");
  await queueNumbers(page, "4711");
  await queueMany(request, person, 20, 0, true);
  await page.goto("/tasks");
  await expect(page.getByText("21 tasks")).toBeVisible();
  await expect(page.locator("tbody tr")).toHaveCount(20);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(20);
  await page.getByText("More filters").click();
  await page.getByLabel("Text in payload or error").fill("4711");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.getByLabel("Text in payload or error")).toHaveValue("4711");
});

test("without JavaScript: a task that failed is run again, and deleted", async ({ page }) => {
  await signUp(page, "mary");
  await queueTooLate(page);
  const failures = page.getByRole("row", { name: "The wait would end after the deadline" });
  const hasFailed = (times: number) =>
    expect(async () => {
      await page.reload();
      await expect(page.locator("[data-status=failed]")).toBeVisible({ timeout: 500 });
      await expect(failures).toHaveCount(times, { timeout: 500 });
    }).toPass();
  await hasFailed(1);
  await page.getByRole("button", { name: "Run again" }).click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
  await hasFailed(2);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(/\/tasks$/);
  await expect(page.getByText("No tasks here.")).toBeVisible();
});

test("without JavaScript: a task that failed is run again with another payload, and a wrong one is refused", async ({ page }) => {
  await signUp(page, "joan");
  await queueTooLate(page);
  await reloadUntil(page.getByRole("link", { name: "Change payload" }));
  await page.getByRole("link", { name: "Change payload" }).click();
  const payload = page.getByLabel("Payload (JSON)");
  await payload.fill("{");
  await page.getByRole("button", { name: "Run again with this payload" }).click();
  await expect(page.getByText("is no JSON: line 1")).toBeVisible();
  await expect(payload).toHaveValue("{");
  await payload.fill('{"delay_seconds": 0}');
  await page.getByRole("button", { name: "Run again with this payload" }).click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
  await reloadUntil(page.locator("[data-status=completed]"));
  await expect(page.getByText("Attempt 1 failed")).toBeVisible();
});

test("without JavaScript: what waits for its time runs at once", async ({ page, request }) => {
  await runsTasksNow(page, request, reloadUntil);
});

test("without JavaScript: one task of a group of the dead letter is run again", async ({ page }) => {
  await runsOneOfGroupAgain(page, reloadUntil);
});

test("without JavaScript: a task that is gone meanwhile is not run again, and the page says so", async ({ page, context }) => {
  await signUp(page, "annie");
  await queueTooLate(page);
  await reloadUntil(page.getByRole("button", { name: "Run again" }));
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByRole("button", { name: "Delete" }).click();
  await other.waitForURL(/\/tasks$/);
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Run again" }).click();
  expect((await answered).status()).toBe(404);
  await expect(page.getByRole("alert").first()).toBeVisible();
});

test("without JavaScript: logging out and in", async ({ page }) => {
  const person = await signUp(page, "dorothy");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.goto("/login");
  await page.getByLabel("Username or email").fill(person.username);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByText("Wrong username, email or password")).toBeVisible();
  await expect(page.getByLabel("Username or email")).toHaveValue(person.username);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
});

test("without JavaScript: somebody changes the own profile and password, and deletes the account", async ({ page }) => {
  await changesOwnAccount(page);
});

test("without JavaScript: an administrator makes, changes, deletes and restores an account", async ({ page }) => {
  await administersUsers(page);
});

test("without JavaScript: an administrator confirms the password before power over somebody, and goes on", async ({ page }) => {
  await confirmsBeforePower(page);
});

test("without JavaScript: the statistics of users are drawn", async ({ page }) => {
  await logIn(page, administrator);
  await page.goto("/users/statistics");
  await expect(page.getByRole("figure", { name: "Accounts by the day they were made" }).locator("svg rect.bar").last()).toBeVisible();
  await expect(page.getByRole("link", { name: /active: admin$/ }).first()).toBeVisible();
});

test("without JavaScript: somebody confirms an address by the letter", async ({ page }) => {
  await confirmAddress(page, await signUp(page, "dorothy"));
});

test("without JavaScript: somebody who has forgotten the password chooses a new one by the letter", async ({ page }) => {
  await resetPassword(page, await signUp(page, "barbara"));
});

test("without JavaScript: a key is made, shown once, and revoked", async ({ page, request }) => {
  await signUp(page, "ada");
  await page.goto("/account/api-keys");
  await page.getByLabel("Name").fill("nightly");
  await page.getByLabel("tasks:read").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const key = await page.getByLabel("New API key").inputValue();
  expect(page.url()).not.toContain("starter_");
  await expect(page.getByRole("button", { name: "Copy" })).toBeHidden();
  const list = () => request.get(`${process.env.STARTER_URL}/api/v1/tasks`, { headers: { "X-API-Key": key } });
  expect((await list()).status()).toBe(200);
  await page.goto("/account/api-keys");
  await expect(page.getByLabel("New API key")).toHaveCount(0);
  await page.getByRole("button", { name: "Revoke nightly" }).click();
  await expect(page.getByText("revoked")).toBeVisible();
  expect((await list()).status()).toBe(401);
});

test("without JavaScript: sessions are listed, and all of them ended", async ({ page }) => {
  await signUp(page, "grace");
  await page.goto("/account/sessions");
  await expect(page.getByText("This one")).toBeVisible();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await page.goto("/dashboard");
  await expect(page).toHaveURL(/\/login/);
});

test("without JavaScript: an operator pauses a type with a reason and resumes it", async ({ page, request }) => {
  const type = await ownType(request);
  await logIn(page, administrator);
  await page.goto("/tasks/overview?period=24h");
  await expect(page.getByRole("figure", { name: "Attempts that ended" }).locator("svg")).toBeVisible();
  await pausesAndResumes(page, type);
  await expect(page.getByText("The type goes on.")).toBeVisible();
});

test("without JavaScript: a schedule gets other times on its page", async ({ page, request }) => {
  await changesSchedule(page, request);
});

test("without JavaScript: the dead letter is run again by the group, in two clicks", async ({ page }) => {
  await logIn(page, administrator);
  await queueTooLarge(page);
  await reloadUntil(page.locator("[data-status=failed]"));
  await page.goto("/tasks/dead");
  await page.locator("tr", { hasText: "too large to add up" }).getByRole("link", { name: "Run again group" }).click();
  await page.getByRole("button", { name: /^Run again: \d+ task/ }).click();
  await expect(page.getByRole("heading", { name: "Many tasks at once" })).toBeVisible();
  await reloadUntil(page.locator("header [data-status=completed]"));
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
