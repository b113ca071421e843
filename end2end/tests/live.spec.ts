import type { Page } from "@playwright/test";
import { layLine } from "../support/line";
import { anotherPerson, expect, expectStaysInPlace, logIn, logOut, open, queueTooLate, signUp, test } from "../support/people";
import { changesSchedule, operator, queueMany, queueTooLarge } from "../support/queue";
import { administrator } from "../support/server";

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
  const staysAt = async (path: string, change: () => Promise<unknown>) => {
    await open(page, path);
    const skeletons = await countSkeletons(page);
    const read = page.waitForResponse((answer) => /tasks\/(list|overview|operations|dead|get)/.test(answer.url()));
    await change();
    await (await read).finished();
    expect(await skeletons(), path).toBe(0);
  };
  for (const [path, change] of [["/dashboard", another], ["/tasks", another], ["/tasks/dead", another], [task, cancel]] as const) {
    await staysAt(path, change);
  }
  await logOut(page);
  await logIn(page, administrator);
  await staysAt("/tasks/overview", another);
});

test("a list whose connection was cut shows what has happened meanwhile", async ({ browser, request }) => {
  const line = await layLine();
  // Not the page of all tests: here the console is expected to complain.
  const { page, person, close } = await anotherPerson(browser, "lucy", { baseURL: line.url });
  await open(page, "/tasks");
  await queueMany(request, person, 1, 0, true);
  await expect(page.getByText("1 task", { exact: true })).toBeVisible();
  const lost = page.waitForEvent("requestfailed", (sent) => sent.url().endsWith("/live/tasks"));
  line.cut();
  await lost;
  await queueMany(request, person, 2, 0, true);
  const back = page.waitForResponse((answer) => answer.url().endsWith("/live/tasks"));
  await line.mend();
  expect(await (await back).request().headerValue("Last-Event-ID")).not.toBeNull();
  await expect(page.getByText("3 tasks")).toBeVisible();
  await close();
  line.cut();
});

test("however many events come, the list is read four times in three seconds at most", async ({ page, request }) => {
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
  // One at once, one each 750 ms, and one of the background.
  expect(reads).toBeLessThanOrEqual(Math.ceil(seconds / 0.75) + 2);
});

test("without the stream a list is read again every half minute", async ({ page, request }) => {
  const person = await signUp(page, "lucy");
  await page.clock.install();
  await page.route("**/live/tasks", (route) => route.fulfill({ status: 204 }));
  await open(page, "/tasks");
  await expect(page.getByText("No tasks here.")).toBeVisible();
  await queueMany(request, person, 1, 0, true);
  const read = page.waitForRequest("**/api/tasks/list");
  await page.clock.fastForward(31_000);
  await read;
  await expect(page.getByText("1 task", { exact: true })).toBeVisible();
});

test("whoever reads further down keeps the place while tasks come above", async ({ page, request }) => {
  const person = await signUp(page, "carla");
  await queueMany(request, person, 16, 0, true);
  await open(page, "/tasks");
  const link = await page.locator("tbody a").nth(13).getAttribute("href");
  const row = page.locator(`tbody a[href="${link}"]`);
  await expectStaysInPlace(row, () => queueMany(request, person, 3, 0, true), page.getByText("19 tasks"));
});

test("whoever is about to use a row at the top of the page keeps it under the pointer", async ({ page, request }) => {
  const person = await signUp(page, "rosa");
  await queueMany(request, person, 16, 0, true);
  await open(page, "/tasks");
  const link = await page.locator("tbody a").nth(3).getAttribute("href");
  const row = page.locator(`tbody a[href="${link}"]`);
  await row.hover();
  expect(await page.evaluate(() => window.scrollY)).toBe(0);
  const before = (await row.boundingBox())!.y;
  await queueMany(request, person, 3, 0, true);
  await expect(page.getByText("19 tasks")).toBeAttached();
  await expect.poll(async () => Math.round((await row.boundingBox())!.y)).toBe(Math.round(before));
});

test("a group of the dead letter keeps its place while it grows", async ({ page, context }) => {
  await signUp(page, "ruth");
  await queueTooLate(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await queueTooLarge(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await open(page, "/tasks/dead");
  const rows = page.locator("tbody tr");
  await expect(rows.nth(0)).toContainText("too large to add up");
  await expect(rows.nth(1)).toContainText("The wait would end after the deadline");
  const other = await context.newPage();
  await queueTooLate(other);
  await expect(rows.nth(1).locator("[data-label=Tasks]")).toHaveText("2");
  await expect(page.getByText("3 tasks failed for good.")).toBeVisible();
  await expect(rows.nth(0)).toContainText("too large to add up");
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
  await expect(other.locator("dl[data-of=Result]")).toContainText("Done");
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
  await changesSchedule(page, request);
});
