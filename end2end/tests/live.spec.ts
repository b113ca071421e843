import type { APIRequestContext, Page } from "@playwright/test";
import { expect, expectStaysInPlace, logIn, open, signUp, test } from "../support/people";
import { operator } from "../support/queue";
import { administrator } from "../support/server";

type Person = { username: string; password: string };

/** Queues so many tasks at once, as a program of this person; those for later keep no worker busy. */
async function queueMany(request: APIRequestContext, person: Person, count: number, seconds: number, later = false): Promise<void> {
  const data = { username: person.username, password: person.password };
  const token = (await (await request.post("/api/v1/auth/login", { data })).json()).data.session_token;
  const scheduled_at = later ? new Date(Date.now() + 3_600_000).toISOString() : undefined;
  const tasks = Array.from({ length: count }, () => ({ task_type: "delay_task", payload: { delay_seconds: seconds }, scheduled_at }));
  const queued = await request.post("/api/v1/tasks/batch", { headers: { Authorization: `Bearer ${token}` }, data: { tasks } });
  expect(queued.status()).toBe(201);
}

/** Counts from now on how often a part of the page gives way to a skeleton. */
async function countSkeletons(page: Page): Promise<() => Promise<number>> {
  const counted = await page.evaluateHandle(() => {
    const counted = { skeletons: 0 };
    const isSkeleton = (node: Node) => node instanceof Element && (node.matches(".skeleton") || node.querySelector(".skeleton") !== null);
    new MutationObserver((changes) => {
      counted.skeletons += changes.flatMap((change) => [...change.addedNodes]).filter(isSkeleton).length;
    }).observe(document.body, { childList: true, subtree: true });
    return counted;
  });
  return () => counted.evaluate(({ skeletons }) => skeletons);
}

test("what is read again stays in the page meanwhile", async ({ page, request }) => {
  const person = await signUp(page, "wendy");
  const another = () => queueMany(request, person, 1, 0, true);
  await another();
  await open(page, "/tasks");
  const task = (await page.locator("tbody a").getAttribute("href"))!;
  const cancel = () => page.getByRole("button", { name: "Cancel task" }).click();
  for (const [path, change] of [["/dashboard", another], ["/tasks", another], ["/tasks/dead", another], [task, cancel]] as const) {
    await open(page, path);
    const skeletons = await countSkeletons(page);
    const read = page.waitForResponse((answer) => /tasks\/(list|overview|dead|get)/.test(answer.url()));
    await change();
    await (await read).finished();
    expect(await skeletons(), path).toBe(0);
  }
});

test("however many events come, the list is read once a second at most", async ({ page, request }) => {
  const person = await signUp(page, "carla");
  await open(page, "/tasks");
  let reads = 0;
  page.on("request", (sent) => {
    if (sent.url().endsWith("/api/tasks/list")) reads++;
  });
  const began = Date.now();
  // Three events a task: queued, claimed, completed.
  for (let round = 0; round < 5; round++) await queueMany(request, person, 100, 0);
  await expect(page.getByText("500 tasks")).toBeVisible();
  await expect(async () => {
    await expect(page.locator("tbody [data-status=completed]")).toHaveCount(20, { timeout: 500 });
  }).toPass();
  const seconds = (Date.now() - began) / 1000;
  expect(reads).toBeGreaterThan(0);
  // One at once, one a second, and one of the background.
  expect(reads).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
});

test("whoever reads further down keeps the place while tasks come above", async ({ page, request }) => {
  const person = await signUp(page, "carla");
  await queueMany(request, person, 16, 0, true);
  await open(page, "/tasks");
  const link = await page.locator("tbody a").nth(13).getAttribute("href");
  const row = page.locator(`tbody a[href="${link}"]`);
  await expectStaysInPlace(row, () => queueMany(request, person, 3, 0, true), page.getByText("19 tasks"));
});

test("the task that acts on many is live, and so are those that it cancels", async ({ page, request, browser }) => {
  const person = await signUp(page, "nora");
  await queueMany(request, person, 3, 600);
  await open(page, "/tasks?status=pending");
  const other = await browser.newPage({ baseURL: process.env.STARTER_URL });
  await logIn(other, administrator);
  await open(other, `/tasks/bulk?do=cancel&owner=${person.username}`);
  await other.getByRole("button", { name: "Cancel 3 tasks" }).click();
  await expect(other.getByRole("heading", { name: "Many tasks at once" })).toBeVisible();
  await expect(other.locator("header [data-status=completed]")).toBeVisible();
  await expect(other.locator("dl[data-of=Result]")).toContainText("done");
  await other.close();
  await open(page, "/tasks");
  await expect(page.locator("tbody [data-status=cancelled]")).toHaveCount(3);
});

test("a schedule of the program is paused and resumed on the overview", async ({ page, request }) => {
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  const row = page.locator("tr", { hasText: "maintenance: deleted accounts" });
  await row.getByRole("button", { name: "Pause" }).click();
  await expect(row).toContainText("paused");
  await row.getByRole("button", { name: "Resume" }).click();
  await expect(row.getByRole("button", { name: "Pause" })).toBeVisible();
  const all = await request.get("/api/v1/tasks/schedules", { headers: await operator(request) });
  expect(JSON.stringify(await all.json())).toContain("maintenance: expired rows");
});

test("a schedule gets other times on its page", async ({ page, request }) => {
  const schedule = { name: `tidy ${Date.now()}`, task_type: "delay_task", payload: { delay_seconds: 0 }, cron: "0 3 1 1 *", time_zone: "UTC" };
  const headers = await operator(request);
  expect((await request.post("/api/v1/tasks/schedules", { headers, data: schedule })).status()).toBe(201);
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  await page.getByRole("link", { name: schedule.name }).click();
  await expect(page.getByRole("heading", { name: schedule.name })).toBeVisible();
  await page.getByLabel("Cron").fill("soon");
  await page.getByRole("button", { name: "Change schedule" }).click();
  await expect(page.getByText("is no cron pattern")).toBeVisible();
  await page.getByLabel("Cron").fill("0 5 * * 1");
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.getByRole("button", { name: "Change schedule" }).click();
  await expect(page.getByText("The schedule was changed.")).toBeVisible();
  const row = page.locator("tr", { hasText: schedule.name });
  await expect(row).toContainText("0 5 * * 1 Asia/Tokyo");
  await row.getByRole("link", { name: schedule.name }).click();
  await page.getByRole("button", { name: "Delete schedule" }).click();
  await expect(page.getByText("The schedule was deleted.")).toBeVisible();
  await expect(row).toHaveCount(0);
});
