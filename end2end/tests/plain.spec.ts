import { expect, queueDelay, queueNumbers, signUp, test } from "../support/people";

test("without JavaScript: somebody signs up, queues a task and sees it completed after a reload", async ({ page }) => {
  await signUp(page, "ada");
  await queueNumbers(page, "2 4 9");
  await expect(async () => {
    await page.reload();
    await expect(page.locator("[data-status=completed]")).toBeVisible({ timeout: 500 });
  }).toPass();
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
  await page.getByLabel("State").selectOption("failed");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No tasks here.")).toBeVisible();
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
