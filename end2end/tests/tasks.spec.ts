import { expect, queueDelay, queueNumbers, signUp, test } from "../support/people";

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
  const login = await request.post("/api/v1/auth/login", { data: { username: person.username, password: person.password } });
  const headers = { Authorization: `Bearer ${(await login.json()).data.session_token}` };
  for (let place = 0; place < 21; place++) {
    const data = { task_type: "delay_task", payload: { delay_seconds: 0 }, scheduled_at: new Date(Date.now() + 3_600_000) };
    expect((await request.post("/api/v1/tasks", { headers, data })).status()).toBe(200);
  }
  await page.goto("/tasks");
  await expect(page.getByText("21 tasks")).toBeVisible();
  await expect(page.locator("tbody tr")).toHaveCount(20);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByLabel("State").selectOption("completed");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No tasks here.")).toBeVisible();
  expect(new URL(page.url()).searchParams.get("status")).toBe("completed");
});
