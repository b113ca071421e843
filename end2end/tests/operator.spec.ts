import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../support/folder";
import { expect, expectAccessible, logIn, open, queueDelay, test as base } from "../support/people";
import { attempts, queueMany } from "../support/queue";
import { administrator, launch } from "../support/server";

/** A program of its own, that runs nobody else's tasks and may delete files of a folder. */
const test = base.extend<{ folder: string; baseURL: string }>({
  folder,
  baseURL: async ({ folder }, use) => {
    const program = await launch({ STARTER__FILES__CLEANUP_ROOT: folder });
    await use(program.url);
    await program.stop();
  },
});

test("an operator sees which worker runs what, and how many tasks run, live", async ({ page, context }) => {
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  const running = page.getByLabel("Health").locator(".stat", { hasText: "Running" }).locator("strong");
  const worker = page.getByRole("row", { name: ", process " });
  await expect(running).toHaveText("0");
  await expect(worker).toContainText("0 of ");
  const other = await context.newPage();
  await queueDelay(other, 600);
  const task = worker.getByRole("link", { name: "Delay" });
  await expect(task).toHaveAttribute("href", new URL(other.url()).pathname);
  await expect(running).toHaveText("1");
  await expect(worker).toContainText("1 of ");
  await other.getByRole("button", { name: "Cancel task" }).click();
  await expect(task).toHaveCount(0);
  await expect(running).toHaveText("0");
});

test("a graph that stands open shows what has just ended", async ({ page, context }) => {
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  const { graph, done } = await attempts(page);
  const before = await done();
  const bars = await graph.locator("svg").innerHTML();
  const other = await context.newPage();
  await queueDelay(other, 0);
  await expect(other.locator("[data-status=completed]")).toBeVisible();
  await expect.poll(done).toBeGreaterThan(before);
  expect(await graph.locator("svg").innerHTML()).not.toBe(bars);
});

test("a button of a type keeps the focus while tasks of the type come", async ({ page, request }) => {
  await logIn(page, administrator);
  await open(page, "/tasks/overview?pause=delay_task");
  await page.getByLabel("Reason").fill("the clock is wrong");
  await page.getByRole("form", { name: "Pause" }).getByRole("button", { name: "Pause" }).click();
  const row = page.getByRole("row", { name: "delay_task" });
  const resume = row.getByRole("button", { name: "Resume" });
  await expect(resume).toBeVisible();
  await resume.focus();
  await queueMany(request, administrator, 3, 0);
  await expect(row.locator("[data-label=Ready]")).toHaveText("3");
  await expect(resume).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(row.locator("[data-label=Ready]")).toHaveText("0");
  await expect(row.getByRole("link", { name: "Pause" }), "it stands where the button was").toBeFocused();
});

test("a schedule that is run keeps the focus on its button, and an open breaker on the one that closes it", async ({ page }) => {
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  const schedule = page.getByRole("row", { name: "expired rows" });
  const last = await schedule.locator("[data-label='Last run']").textContent();
  await schedule.getByRole("button", { name: "Run now" }).focus();
  await page.keyboard.press("Enter");
  await expect(schedule.locator("[data-label='Last run']")).not.toHaveText(last ?? "");
  await expect(schedule.getByRole("button", { name: "Run now" })).toBeFocused();
  const kind = page.getByRole("row", { name: "notification" });
  await kind.getByRole("button", { name: "Open breaker" }).focus();
  await page.keyboard.press("Enter");
  await expect(kind.getByRole("button", { name: "Close breaker" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(kind.getByRole("button", { name: "Open breaker" })).toBeFocused();
});

test("an administrator counts old files before they are deleted", async ({ page, folder }) => {
  const file = join(folder, "old.log");
  writeFileSync(file, "nobody reads this");
  await logIn(page, administrator);
  for (const isDry of [true, false]) {
    await page.goto("/tasks/new?kind=file_cleanup");
    await page.getByLabel("Older than (hours)").fill("0");
    await page.getByLabel("Names").fill("*.log");
    await page.getByLabel("Only count, delete nothing").setChecked(isDry);
    await page.getByRole("button", { name: "Queue task" }).click();
    await expect(page.locator("dl[data-of=Result]")).toContainText("old.log");
    expect(existsSync(file)).toBe(isDry);
    await expectAccessible(page);
  }
});
