import { expect, type APIRequestContext, type Locator, type Page } from "@playwright/test";

import { hasBeenTried } from "./database";
import { logIn, open, queueNumbers, signUp } from "./people";
import { administrator } from "./server";

/** What a program of the administrator sends along. */
export async function operator(request: APIRequestContext): Promise<{ Authorization: string }> {
  const login = await request.post("/api/v1/auth/login", { data: administrator });
  return { Authorization: `Bearer ${(await login.json()).data.session_token}` };
}

/** A type of which no other test has tasks: holding it back disturbs nobody. */
export async function ownType(request: APIRequestContext): Promise<string> {
  const name = `own_${process.pid}_${Date.now()}`;
  const entered = await request.post("/api/v1/tasks/types", { headers: await operator(request), data: { task_type: name } });
  expect(entered.status()).toBe(200);
  return name;
}

/** Queues a sum that is larger than any number, so it fails at once with an error of its own, and lands on its page. */
export async function queueTooLarge(page: Page): Promise<void> {
  await queueNumbers(page, "1e308, 1e308");
}

/** Queues so many delays at once, as a program of this person; those for later keep no worker busy. The answer is their ids. */
export async function queueMany(
  request: APIRequestContext,
  person: { username: string; password: string },
  count: number,
  seconds: number,
  later = false,
): Promise<string[]> {
  const data = { username: person.username, password: person.password };
  const token = (await (await request.post("/api/v1/auth/login", { data })).json()).data.session_token;
  const scheduled_at = later ? new Date(Date.now() + 3_600_000).toISOString() : undefined;
  const tasks = Array.from({ length: count }, () => ({ task_type: "delay_task", payload: { delay_seconds: seconds }, scheduled_at }));
  const queued = await request.post("/api/v1/tasks/batch", { headers: { Authorization: `Bearer ${token}` }, data: { tasks } });
  expect(queued.status()).toBe(201);
  return (await queued.json()).data.ids;
}

/** Pauses a type on the open overview, by a reason that is refused and one that is not, and lets it go on. */
export async function pausesAndResumes(page: Page, type: string): Promise<void> {
  const kind = page.locator("tr", { hasText: type });
  const pause = page.getByRole("form", { name: "Pause" }).getByRole("button", { name: "Pause" });
  await kind.getByRole("link", { name: "Pause" }).click();
  await page.getByLabel("Reason").fill(" ");
  await pause.click();
  await expect(page.getByText("has 1 to 500 characters")).toBeVisible();
  await page.getByLabel("Reason").fill("the numbers are wrong");
  await pause.click();
  await expect(kind).toContainText("the numbers are wrong");
  await expect(page.getByText(`${type} is paused.`)).toBeVisible();
  await kind.getByRole("button", { name: "Resume" }).click();
  await expect(kind.getByText("takes its turn")).toBeVisible();
}

/** Lets a task do something with all tasks of a type of which there are none; the answer is the address of its page. */
export async function bulkOfNothing(request: APIRequestContext): Promise<string> {
  const data = { action: "cancel", task_type: await ownType(request) };
  const asked = await request.post("/api/v1/tasks/bulk", { headers: await operator(request), data });
  return `/tasks/${(await asked.json()).data.task_id}`;
}

/** Enters a schedule that does not come soon; the answer is its id. */
export async function schedule(request: APIRequestContext, name: string): Promise<string> {
  const data = { name, task_type: "delay_task", payload: { delay_seconds: 0 }, cron: "0 3 1 1 *", time_zone: "UTC" };
  const made = await request.post("/api/v1/tasks/schedules", { headers: await operator(request), data });
  expect(made.status()).toBe(201);
  return (await made.json()).data.id;
}

/** The graph of attempts on the open overview, with its values opened, and how many it says were done; what the program does for itself counts as well. */
export async function attempts(page: Page): Promise<{ graph: Locator; done: () => Promise<number> }> {
  const graph = page.getByRole("figure", { name: "Attempts that ended" });
  await graph.getByText("Values").click();
  // A row is a step of time.
  const done = async () => {
    const counts = await graph.locator("tbody tr td:nth-child(2)").allTextContents();
    return counts.reduce((sum, count) => sum + Number(count), 0);
  };
  return { graph, done };
}

/** Lets tasks that wait run at once: one from its page, one from the list of those that wait for their next attempt. `see` waits for what the page shows. */
export async function runsTasksNow(page: Page, request: APIRequestContext, see: (there: Locator) => Promise<void>): Promise<void> {
  const [later, again] = await queueMany(request, await signUp(page, "ida"), 2, 0, true);
  const completed = page.locator("header [data-status=completed]");
  await page.goto(`/tasks/${later}`);
  await page.getByRole("button", { name: "Run now" }).click();
  await page.waitForURL(`/tasks/${later}`);
  await see(completed);
  await expect(page.getByRole("button", { name: "Run now" })).toHaveCount(0);

  await hasBeenTried(again!);
  await page.goto("/tasks?status=retrying");
  await page.getByRole("row", { name: "Delay" }).getByRole("button", { name: "Run now Delay" }).click();
  await page.waitForURL(`/tasks/${again}`);
  await see(completed);
}

/** Lets one task of a group of the dead letter run again, from the list that its error leads to. */
export async function runsOneOfGroupAgain(page: Page, see: (there: Locator) => Promise<void>): Promise<void> {
  await signUp(page, "hedy");
  await queueTooLarge(page);
  await see(page.locator("header [data-status=failed]"));
  await page.goto("/tasks/dead");
  await expect(page.locator("small", { hasText: / ago$/ })).toBeVisible();
  await page.getByRole("link", { name: /too large to add up/ }).click();
  await page.getByRole("row", { name: "failed" }).getByRole("button", { name: "Run again" }).click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
  // It fails as before, for the second time.
  await see(page.getByRole("row", { name: "too large to add up" }).nth(1));
}

/** Lets a schedule run now; the answer is the address of its task. */
export async function runNow(request: APIRequestContext, id: string): Promise<string> {
  const run = await request.post(`/api/v1/tasks/schedules/${id}/run`, { headers: await operator(request) });
  return `/tasks/${(await run.json()).data}`;
}

/** Queues short delays of which each waits for the one before; the answer is the addresses of their pages. */
export async function chain(request: APIRequestContext, count: number): Promise<string[]> {
  const tasks = Array.from({ length: count }, () => ({ task_type: "delay_task", payload: { delay_seconds: 0 } }));
  const queued = await request.post("/api/v1/tasks/batch", { headers: await operator(request), data: { tasks, is_chain: true } });
  return (await queued.json()).data.ids.map((id: string) => `/tasks/${id}`);
}

/** What the tests of both kinds of browser do with a schedule, as the administrator. */
export async function changesSchedule(page: Page, request: APIRequestContext): Promise<void> {
  const name = `tidy ${process.pid} ${Date.now()}`;
  await schedule(request, name);
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await page.getByLabel("Cron").fill("soon");
  await page.getByRole("button", { name: "Change schedule" }).click();
  await expect(page.getByText("is no cron pattern")).toBeVisible();
  await page.getByLabel("Cron").fill("0 5 * * 1");
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.getByRole("button", { name: "Change schedule" }).click();
  await expect(page.getByText("The schedule was changed.")).toBeVisible();
  const row = page.locator("tr", { hasText: name });
  await expect(row).toContainText("0 5 * * 1 Asia/Tokyo");
  await row.getByRole("link", { name }).click();
  await page.getByRole("button", { name: "Delete schedule" }).click();
  await expect(page.getByText("The schedule was deleted.")).toBeVisible();
  await expect(row).toHaveCount(0);
}
