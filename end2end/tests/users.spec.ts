import { administersUsers, changesOwnAccount, confirmsBeforePower } from "../support/accounts";
import { expect, logIn, looks, screens, signUp, test } from "../support/people";
import { administrator } from "../support/server";

test("somebody changes the own profile and password, and deletes the account", async ({ page }) => {
  await changesOwnAccount(page);
});

test("an administrator makes, changes, deletes and restores an account, and finds it in the audit log", async ({ page }) => {
  await administersUsers(page);
});

test("an administrator confirms the password before power over somebody, and goes on", async ({ page }) => {
  await confirmsBeforePower(page);
});

test("an administrator reads the statistics and goes on to the people behind a number", async ({ page }) => {
  await logIn(page, administrator);
  await page.goto("/users");
  await page.getByRole("link", { name: "Statistics" }).click();
  await expect(page.getByRole("heading", { name: "Statistics of users" })).toBeVisible();
  const made = page.getByRole("figure", { name: "Accounts by the day they were made" });
  await made.getByText("Values").click();
  const today = new Date().toISOString().slice(5, 10);
  await expect(made.getByRole("row", { name: today })).toBeVisible();
  await page.getByRole("link", { name: /active: admin$/ }).first().click();
  await expect(page.getByRole("link", { name: administrator.username, exact: true })).toBeVisible();
});

test("whoever may not see the users is told so", async ({ page }) => {
  await signUp(page, "eve");
  await expect(page.getByRole("link", { name: "Users" })).toHaveCount(0);
  for (const path of ["/users", "/users/statistics", "/admin/audit-log", "/admin/permissions"]) {
    await page.goto(path);
    await expect(page.getByText("You are not allowed to do this")).toBeVisible();
  }
});

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("the pages of accounts are accessible and fit their width", async ({ page }, info) => {
      test.setTimeout(240_000);
      const look = looks(info);
      await logIn(page, administrator);
      await page.goto("/users");
      const user = await page.locator("tbody a").first().getAttribute("href");
      for (const path of ["/account", "/users", "/users/new", "/users/statistics", user!, "/admin/audit-log", "/admin/permissions"]) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await look(page, path);
      }
    });
  });
}
