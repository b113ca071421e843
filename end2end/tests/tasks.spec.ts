import { holdTask } from "../support/database";
import { expect, logIn, logOut, queueDelay, queueNumbers, queueTooLate, signUp, test } from "../support/people";
import { queueMany } from "../support/queue";
import { administrator } from "../support/server";

test("somebody signs up, queues a task and sees it completed, live", async ({ page }) => {
  await signUp(page, "ada");
  await queueNumbers(page, "1, 2, 3, 4");
  await expect(page.locator("[data-status=completed]")).toBeVisible();
  const result = page.locator("dl[data-of=Result]");
  await expect(result).toContainText("mean");
  await expect(result).toContainText("2.5");
});

test("a list that stands open shows a task of another window happen", async ({ page, context }) => {
  await signUp(page, "grace");
  await page.goto("/tasks");
  await expect(page.getByText("No tasks here.")).toBeVisible();
  const other = await context.newPage();
  // Long, so that no machine is too slow to see it run.
  await queueDelay(other, 600);
  await expect(page.locator("tbody [data-status=running]")).toBeVisible();
  await other.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.locator("tbody [data-status=cancelled]")).toBeVisible();
  await queueNumbers(other, "1, 2");
  await expect(page.locator("tbody [data-status=completed]")).toBeVisible();
});

test("a running task is cancelled", async ({ page }) => {
  await signUp(page, "katherine");
  await queueDelay(page, 600);
  await expect(page.locator("[data-status=running]")).toBeVisible();
  await page.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.locator("[data-status=cancelled]")).toBeVisible();
});

test("a task that failed says why, and is run again", async ({ page }) => {
  await signUp(page, "mary");
  await queueTooLate(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await expect(page.getByRole("heading", { name: "In the dead letter" })).toBeVisible();
  const failures = page.getByRole("row", { name: "The wait would end after the deadline" });
  await expect(failures).toHaveCount(1);
  await page.getByRole("button", { name: "Run again" }).click();
  await expect(failures).toHaveCount(2);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
});

test("a task that has ended is deleted, and one that has not cannot be", async ({ page }) => {
  await signUp(page, "annie");
  await queueDelay(page, 600);
  await expect(page.locator("[data-status=running]")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete" })).toHaveCount(0);
  await page.getByRole("link", { name: "All tasks" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByRole("link", { name: "Delay" }).click();
  await page.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.locator("[data-status=cancelled]")).toBeVisible();
  const gone = page.url();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(/\/tasks$/);
  await expect(page.getByText("No tasks here.")).toBeVisible();
  await page.goto(gone);
  await expect(page.getByRole("alert").getByRole("link", { name: "All tasks" })).toBeVisible();
});

test("a running task shows how far it is", async ({ page, request }) => {
  const person = await signUp(page, "joan");
  const ids = await queueMany(request, person, 750, 0, true);
  // Tasks are cancelled by the 500 in the order of their ids, so it stands still between the first ones and the last.
  const letGo = await holdTask(ids.sort()[749]);
  await logOut(page);
  await logIn(page, administrator);
  await page.goto(`/tasks/bulk?do=cancel&owner=${person.username}`);
  await page.getByRole("button", { name: "Cancel 750 tasks" }).click();
  await expect(page.getByText("67 % · 500 of 750 done, 0 refused")).toBeVisible();
  const bar = page.getByRole("progressbar", { name: "Progress" });
  await expect(bar).toHaveAttribute("value", /^66\.6/);
  letGo();
  await expect(page.locator("header [data-status=completed]")).toBeVisible();
  await expect(bar).toHaveCount(0);
});

test("a refused form keeps what was typed and says what is wrong at its field", async ({ page }) => {
  await signUp(page, "edith");
  await page.goto("/tasks/new?kind=data_processing");
  await page.getByLabel("Numbers").fill("1, two, </textarea><script>");
  await page.getByRole("button", { name: "Queue task" }).click();
  await expect(page.getByText("the entry at place 2 is not a number")).toBeVisible();
  await expect(page.getByLabel("Numbers")).toHaveValue("1, two, </textarea><script>");
});

test("the list is filtered by state and kind, and paged", async ({ page, request }) => {
  const person = await signUp(page, "margaret");
  await queueMany(request, person, 21, 0, true);
  await page.goto("/tasks");
  await expect(page.getByText("21 tasks")).toBeVisible();
  await expect(page.locator("tbody tr")).toHaveCount(20);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByRole("combobox", { name: "State" }).selectOption("completed");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No tasks here.")).toBeVisible();
  await expect(page).toHaveURL(/[?&]status=completed/);
});
