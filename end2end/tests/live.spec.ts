import type { APIRequestContext } from "@playwright/test";
import { expect, logIn, open, signUp, test } from "../support/people";
import { operator } from "../support/queue";
import { administrator } from "../support/server";

type Person = { username: string; password: string };

/** Queues so many tasks at once, as a program of this person. */
async function queueMany(request: APIRequestContext, person: Person, count: number, seconds: number): Promise<void> {
  const data = { username: person.username, password: person.password };
  const token = (await (await request.post("/api/v1/auth/login", { data })).json()).data.session_token;
  const tasks = Array.from({ length: count }, () => ({ task_type: "delay_task", payload: { delay_seconds: seconds } }));
  const queued = await request.post("/api/v1/tasks/batch", { headers: { Authorization: `Bearer ${token}` }, data: { tasks } });
  expect(queued.status()).toBe(201);
}

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
