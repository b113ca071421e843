import { makeUser } from "../support/accounts";
import { expect, expectAccessible, logIn, logOut, open, queueDelay, queueTooLate, signUp, test } from "../support/people";
import { queueMany } from "../support/queue";
import { administrator } from "../support/server";

const heads = ["Task", "State", "Priority", "Attempts", "Created"];

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the columns that somebody chose stay while the list is filtered and paged", async ({ page, request }) => {
      const person = await signUp(page, "grace");
      await queueTooLate(page);
      await queueMany(request, person, 20, 0, true);
      await open(page, "/tasks");
      const head = page.locator("thead th");
      await expect(head).toHaveText(heads);
      await page.getByText("Columns", { exact: true }).first().click();
      await expect(page.getByRole("checkbox", { name: "Owner" })).toHaveCount(0);
      for (const column of ["Priority", "Attempts", "Created"]) await page.getByRole("checkbox", { name: column }).uncheck();
      for (const column of ["Last error", "Ended"]) await page.getByRole("checkbox", { name: column }).check();
      await page.getByRole("button", { name: "Filter" }).click();
      const chosen = ["Task", "State", "Ended", "Last error"];
      await expect(head).toHaveText(chosen);
      await page.getByRole("link", { name: "Older" }).click();
      await expect(page.getByRole("row", { name: "The wait would end after the deadline" })).toBeVisible();
      await expect(head).toHaveText(chosen);
      await page.getByRole("combobox", { name: "State" }).selectOption("failed");
      await page.getByRole("button", { name: "Filter" }).click();
      await expect(page.locator("tbody tr")).toHaveCount(1);
      await expect(head).toHaveText([...chosen, "What to do"]);
    });
  });
}

test("a moderator sees whose task it is, and may choose to", async ({ page }) => {
  const owner = await signUp(page, "ruth");
  await queueDelay(page, 0);
  const task = new URL(page.url()).pathname;
  await logOut(page);
  await logIn(page, administrator);
  const maude = await makeUser(page, "maude", "moderator");
  await logOut(page);
  await logIn(page, maude);
  await open(page, `/tasks?owner=${owner.username}`);
  const row = page.locator("tr", { has: page.locator(`a[href="${task}"]`) });
  await expect(row.getByRole("link", { name: owner.username })).toHaveAttribute("href", /^\/users\//);
  await page.getByText("Columns", { exact: true }).first().click();
  await page.getByRole("checkbox", { name: "Owner" }).uncheck();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(row).toHaveCount(1);
  await expect(row.getByRole("link", { name: owner.username })).toHaveCount(0);
});

test("what ended is drawn anew in every column that shows it", async ({ page, context }) => {
  await signUp(page, "ada");
  const other = await context.newPage();
  await queueDelay(other, 600);
  await open(page, "/tasks?column=state&column=ended");
  await expect(page.locator("[data-label=Ended] time")).toHaveCount(0);
  await other.getByRole("button", { name: "Cancel task" }).click();
  await expect(page.locator("[data-label=Ended] time")).toBeVisible();
  await expect(page.locator("tbody [data-status=cancelled]")).toBeVisible();
});

test("a text is looked for in parts until all are counted, and one by one without JavaScript", async ({ page, request, browser }) => {
  const person = await signUp(page, "katherine");
  for (let thousands = 0; thousands < 6; thousands++) await queueMany(request, person, 1000, 0, true);
  const look = "/tasks/bulk?do=cancel&text=delay";
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const still = await plain.newPage();
  await open(still, look);
  const counted = still.locator("form").getByRole("status");
  await expect(counted).toContainText("5000 tasks or more");
  await still.getByRole("link", { name: "Look through older ones" }).click();
  await expect(counted).toContainText("1000 tasks or more");
  await expect(still.getByRole("link", { name: "Look through older ones" })).toHaveCount(0);
  await expect(still.getByRole("button", { name: "Cancel all that match" })).toBeVisible();
  await plain.close();
  await open(page, look);
  await expect(page.getByRole("status").filter({ hasText: "6000 tasks that match now" })).toHaveAttribute("aria-busy", "false");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Cancel 6000 tasks" }).click();
  await expect(page.locator("header [data-status=completed]")).toBeVisible();
});
