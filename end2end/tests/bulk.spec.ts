import type { Page, TestInfo } from "@playwright/test";
import { changesManyUsers } from "../support/accounts";
import { expect, expectAccessible, logIn, test } from "../support/people";
import { administrator } from "../support/server";

/** Accessible, no wider than the screen, and a picture. */
function looks(info: TestInfo) {
  return async (page: Page, what: string) => {
    await expectAccessible(page);
    const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(isTooWide, `${what} scrolls sideways`).toBe(false);
    await page.screenshot({ path: info.outputPath(`bulk-${what}.png`), fullPage: true });
  };
}

for (const { name, colorScheme, width } of [
  { name: "light", colorScheme: "light", width: 1280 },
  { name: "dark", colorScheme: "dark", width: 1280 },
  { name: "phone", colorScheme: "light", width: 390 },
] as const) {
  test.describe(`on a ${name} screen`, () => {
    test.use({ colorScheme, viewport: { width, height: 844 } });

    test("an administrator changes many people at once, and sees beforehand who is refused", async ({ page }, info) => {
      await changesManyUsers(page, looks(info));
    });
  });
}

test("all on the page are ticked by one box, which follows them, by keyboard as well", async ({ page }) => {
  await logIn(page, administrator);
  await page.goto("/users?role=user", { waitUntil: "networkidle" });
  const all = page.getByLabel("All on this page");
  const each = page.locator("input[name=id]");
  const count = await each.count();
  const chosen = page.getByRole("status").filter({ hasText: "chosen" });
  await expect(chosen).toHaveText("0 chosen");
  await all.focus();
  await page.keyboard.press("Space");
  await expect(chosen).toHaveText(`${count} chosen`);
  await expect(page.locator("input[name=id]:checked")).toHaveCount(count);
  await each.first().uncheck();
  await expect(chosen).toHaveText(`${count - 1} chosen`);
  await expect(all).not.toBeChecked();
  await each.first().check();
  await expect(all).toBeChecked();
  await each.first().uncheck();
  await all.check();
  await expect(chosen).toHaveText(`${count} chosen`);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("an administrator changes many people at once, and sees beforehand who is refused", async ({ page }) => {
    await changesManyUsers(page, async () => undefined);
  });

  test("all on the page are ticked by a link", async ({ page }) => {
    await logIn(page, administrator);
    await page.goto("/users");
    await expect(page.getByLabel("All on this page")).toBeHidden();
    await expect(page.locator("input[name=id]:checked")).toHaveCount(0);
    await page.getByRole("link", { name: "Choose all on this page" }).click();
    await expect(page.locator("input[name=id]:not(:checked)")).toHaveCount(0);
    await page.getByRole("link", { name: "Choose nobody" }).click();
    await expect(page.locator("input[name=id]:checked")).toHaveCount(0);
  });
});
