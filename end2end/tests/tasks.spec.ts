import { expect, queueDelay, queueNumbers, queueTooLate, signUp, test } from "../support/people";

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

// No kind of the product tells how far it is, so the answer is given here.
test("a running task shows how far it is", async ({ page }) => {
  await signUp(page, "joan");
  await page.route("**/api/tasks/get*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), progress: { percent: 62, message: "row 5 of 8" } } });
  });
  await queueDelay(page, 600);
  await expect(page.getByRole("progressbar", { name: "Progress" })).toHaveAttribute("value", "62");
  await expect(page.getByText("62 % · row 5 of 8")).toBeVisible();
  await page.unroute("**/api/tasks/get*");
  await page.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.locator("[data-status=cancelled]")).toBeVisible();
  await expect(page.getByRole("progressbar")).toHaveCount(0);
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
