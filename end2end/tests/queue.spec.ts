import { makeUser } from "../support/accounts";
import { expect, expectAccessible, logIn, logOut, looks, open, queueDelay, queueTask, queueTooLate, screens, signUp, tabTo, test } from "../support/people";
import { bulkOfNothing, chain, ownType, pausesAndResumes, queueTooLarge, runNow, runsOneOfGroupAgain, runsTasksNow, schedule } from "../support/queue";
import { administrator } from "../support/server";

test("an operator sees the queue, pauses a type with a reason, opens its breaker, and takes both back", async ({ page, request }) => {
  const type = await ownType(request);
  await logIn(page, administrator);
  await page.getByRole("link", { name: "Queue" }).first().click();
  await expect(page.getByRole("heading", { name: "Queue", level: 1 })).toBeVisible();
  for (const name of ["Attempts that ended", "How long attempts ran and waited", "Tasks that are ready"]) {
    await expect(page.getByRole("figure", { name })).toBeVisible();
  }
  await expect(page.locator("tr", { hasText: ", process " })).toContainText("left");
  await pausesAndResumes(page, type);
  const kind = page.locator("tr", { hasText: type });
  await kind.getByRole("button", { name: "Open breaker" }).click();
  await expect(kind.getByText("by hand")).toBeVisible();
  await kind.getByRole("button", { name: "Let breaker count" }).click();
  await expect(kind.getByText("by hand")).toHaveCount(0);
});

test("a moderator pauses a type with a reason and resumes it, and leaves the schedules of the program alone", async ({ page, request }) => {
  const type = await ownType(request);
  await logIn(page, administrator);
  const maude = await makeUser(page, "maude", "moderator");
  await logOut(page);
  await logIn(page, maude);
  await page.getByRole("link", { name: "Queue" }).first().click();
  await pausesAndResumes(page, type);
  const own = page.locator("tr", { hasText: "maintenance: deleted accounts" });
  await expect(own.getByRole("button", { name: "Run now" })).toBeVisible();
  await expect(own.getByRole("button", { name: "Pause" })).toHaveCount(0);
});

test("whoever may not operate the queue is told so", async ({ page, request }) => {
  const id = await schedule(request, `weekly ${process.pid} ${Date.now()}`);
  await signUp(page, "eve");
  await expect(page.getByRole("link", { name: "Queue", exact: true })).toHaveCount(0);
  for (const path of ["/tasks/overview", `/tasks/schedules/${id}`]) {
    await page.goto(path);
    await expect(page.getByText("You are not allowed to do this")).toBeVisible();
  }
});

test("anybody runs all own failed tasks again in two clicks, by the keyboard", async ({ page }) => {
  await signUp(page, "faye");
  await queueTooLarge(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await open(page, "/tasks/dead");
  await expect(page.getByText("1 task failed for good")).toBeVisible();
  await tabTo(page, page.getByRole("link", { name: "Run again group" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Run again: 1 task" }));
  await page.keyboard.press("Enter");
  await expect(page.locator("header [data-status=completed]")).toBeVisible();
  await expect(page.locator("dl[data-of=Result]")).toContainText("Done1");
});

test("the period of the graphs is in the address, and a value is read by pointer and by table", async ({ page }) => {
  await logIn(page, administrator);
  await queueTooLate(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await open(page, "/tasks/overview");
  const graph = page.getByRole("figure", { name: "Attempts that ended" });
  await graph.locator(".hit").last().hover();
  await expect(graph.locator(".pointed")).toContainText("failed");
  await graph.getByText("Values").click();
  await expect(graph.getByRole("row").nth(1)).toBeVisible();
  await page.getByRole("link", { name: "24 hours" }).click();
  await expect(page).toHaveURL(/period=24h/);
  await expect(page.getByRole("link", { name: "24 hours" })).toHaveAttribute("aria-current", "page");
});

test("a schedule is run now", async ({ page, request }) => {
  const name = `nightly ${process.pid} ${Date.now()}`;
  await schedule(request, name);
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  const row = page.locator("tr", { hasText: name });
  await row.getByRole("button", { name: "Run now" }).click();
  const last = row.locator("[data-label='Last run']").getByRole("link");
  await expect(last).toBeVisible();
  await last.click();
  await expect(page.locator("[data-status=completed]")).toBeVisible();
});

test("the dead letter is grouped, and a failed task runs again in two clicks", async ({ page }) => {
  await logIn(page, administrator);
  await queueTooLarge(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  const task = page.url();
  await open(page, "/tasks/dead");
  const group = page.locator("tr", { hasText: "too large to add up" });
  await group.getByRole("link", { name: "Run again group" }).click();
  await expect(page.getByRole("heading", { name: "Run tasks again" })).toBeVisible();
  await page.getByRole("button", { name: /^Run again: \d+ task/ }).click();
  await expect(page.getByRole("heading", { name: "Many tasks at once" })).toBeVisible();
  await expect(page.locator("header [data-status=completed]")).toBeVisible();
  await page.goto(task);
  // Another test may have run the group again as well.
  await expect(page.getByRole("row", { name: "too large to add up" }).nth(1)).toBeVisible();
});

test("what waits for its time runs at once", async ({ page, request }) => {
  await runsTasksNow(page, request, (there) => expect(there).toBeVisible());
});

test("one task of a group of the dead letter is run again in two clicks", async ({ page }) => {
  await runsOneOfGroupAgain(page, (there) => expect(there).toBeVisible());
});

test("somebody changes the payload of an own dead task, and a wrong one is refused at its field", async ({ page }) => {
  await signUp(page, "mary");
  await queueTooLate(page);
  await page.getByRole("link", { name: "Change payload" }).click();
  const payload = page.getByLabel("Payload (JSON)");
  await payload.fill("{");
  await page.getByRole("button", { name: "Run again with this payload" }).click();
  await expect(page.getByText("is no JSON: line 1")).toBeVisible();
  await payload.fill('{"delay_seconds": 0}');
  await page.getByRole("button", { name: "Run again with this payload" }).click();
  await expect(page.locator("[data-status=completed]")).toBeVisible();
  await expect(page.getByText("Attempt 1 failed")).toBeVisible();
});

test("somebody runs an own dead task again by keyboard", async ({ page }) => {
  await signUp(page, "ruth");
  await queueTooLate(page);
  const again = page.getByRole("button", { name: "Run again" });
  await expect(again).toBeVisible();
  await open(page, page.url());
  await tabTo(page, again);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("row", { name: "The wait would end after the deadline" })).toHaveCount(2);
});

test("everything that a filter leaves is cancelled, once the page has said how much it is", async ({ page }) => {
  const person = await signUp(page, "joan");
  for (let count = 0; count < 2; count++) await queueDelay(page, 600);
  await page.getByRole("button", { name: "Log out" }).click();
  await logIn(page, administrator);
  await open(page, `/tasks?owner=${person.username}`);
  await expect(page.locator("tbody tr")).toHaveCount(2);
  await page.getByRole("link", { name: "Cancel all of these" }).click();
  await page.getByRole("button", { name: "Cancel 2 tasks" }).click();
  await expect(page.getByRole("heading", { name: "Many tasks at once" })).toBeVisible();
  await expect(page.locator("dl[data-of=Result]")).toContainText("2");
  await open(page, `/tasks?owner=${person.username}`);
  await expect(page.locator("tbody [data-status=cancelled]")).toHaveCount(2);
});

test("a text is found in the payload, and the filter stays in the address", async ({ page }) => {
  await signUp(page, "edith");
  await page.goto("/tasks/new?kind=data_processing");
  await page.getByLabel("Numbers").fill("4711");
  await page.getByRole("button", { name: "Queue task" }).click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}/);
  await queueDelay(page, 0);
  await open(page, "/tasks");
  await page.getByText("More filters").click();
  await page.getByLabel("Text in payload or error").fill("4711");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page).toHaveURL(/[?&]text=4711/);
  await page.reload();
  await expect(page.getByLabel("Text in payload or error")).toHaveValue("4711");
});

test("the palette opens by Ctrl-K, is used by keyboard, and offers only what the role allows", async ({ page }) => {
  await signUp(page, "annie");
  await open(page, "/tasks");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Commands" });
  await expect(palette).toBeVisible();
  await expect(palette.getByRole("link", { name: "Queue", exact: true })).toHaveCount(0);
  await expect(palette.getByRole("link", { name: "Audit log" })).toHaveCount(0);
  await expectAccessible(page);
  await page.keyboard.type("dead");
  await expect(palette.getByRole("link")).toHaveText(["Dead letter", "Tasks with “dead” in payload or error"]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Dead letter", level: 1 })).toBeVisible();
  await expect(palette).toBeHidden();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
});

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("the pages of the queue are accessible and fit their width", async ({ page, request }, info) => {
      test.setTimeout(240_000);
      const look = looks(info);
      const seen = async (path: string) => {
        await open(page, path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await look(page, path);
      };
      const id = await schedule(request, `looked at ${name} ${process.pid} ${Date.now()}`);
      await logIn(page, administrator);
      await queueTooLate(page);
      await expect(page.locator("[data-status=failed]")).toBeVisible();
      const failed = new URL(page.url()).pathname;
      const ofSchedule = await runNow(request, id);
      const [, second] = await chain(request, 3);
      for (const path of [ofSchedule, second]) await open(page, path).then(() => expect(page.locator("header [data-status=completed]")).toBeVisible());
      for (const path of [ofSchedule, second]) await seen(path);
      for (const path of ["/tasks/overview", "/tasks/overview?pause=delay_task", `/tasks/schedules/${id}`, "/tasks/new?kind=file_cleanup"]) await seen(path);
      for (const path of ["/tasks?priority=normal", "/tasks/dead", "/tasks/bulk?do=delete&status=failed", failed, `${failed}/retry`]) await seen(path);
      await open(page, await bulkOfNothing(request));
      await expect(page.locator("header [data-status=completed]")).toBeVisible();
      await look(page, "bulk task");
      await queueTask(page, "data_processing", { CSV: "city,amount\nRome,1\nOslo,2.5", Column: "amount", "Group by": "city" });
      await expect(page.getByRole("heading", { name: "Groups" })).toBeVisible();
      await look(page, "groups");
    });
  });
}
