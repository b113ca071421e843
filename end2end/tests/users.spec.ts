import { administersUsers, changesOwnAccount } from "../support/accounts";
import { expect, expectAccessible, logIn, signUp, test } from "../support/people";
import { administrator } from "../support/server";

test("somebody changes the own profile and password, and deletes the account", async ({ page }) => {
  await changesOwnAccount(page);
});

test("an administrator makes, changes, deletes and restores an account, and finds it in the audit log", async ({ page }) => {
  await administersUsers(page);
});

test("whoever may not see the users is told so", async ({ page }) => {
  await signUp(page, "eve");
  await expect(page.getByRole("link", { name: "Users" })).toHaveCount(0);
  for (const path of ["/users", "/admin/audit-log", "/admin/permissions"]) {
    await page.goto(path);
    await expect(page.getByText("You are not allowed to do this")).toBeVisible();
  }
});

for (const { name, colorScheme, width } of [
  { name: "light", colorScheme: "light", width: 1280 },
  { name: "dark", colorScheme: "dark", width: 1280 },
  { name: "phone", colorScheme: "light", width: 390 },
] as const) {
  test.describe(`on a ${name} screen`, () => {
    test.use({ colorScheme, viewport: { width, height: 844 } });

    test("the pages of accounts are accessible and fit their width", async ({ page }, info) => {
      await logIn(page, administrator);
      await page.goto("/users");
      const user = await page.locator("tbody a").first().getAttribute("href");
      for (const path of ["/account", "/users", "/users/new", user!, "/admin/audit-log", "/admin/permissions"]) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expectAccessible(page);
        const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        expect(isTooWide, `${path} scrolls sideways`).toBe(false);
        await page.screenshot({ path: info.outputPath(`${path.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
      }
    });
  });
}
