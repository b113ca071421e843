import { changesManyUsers, makeUser } from "../support/accounts";
import { expect, logIn, looks, screens, test } from "../support/people";
import { administrator } from "../support/server";

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("an administrator changes many people at once, and sees beforehand who is refused", async ({ page }, info) => {
      test.setTimeout(240_000);
      await changesManyUsers(page, looks(info));
    });
  });
}

test("all on the page are ticked by one box, which follows them, by keyboard as well", async ({ page }) => {
  test.setTimeout(240_000);
  await logIn(page, administrator);
  for (const name of ["ada", "bob"]) await makeUser(page, name);
  await page.goto("/users?role=user");
  const all = page.getByLabel("All on this page");
  const each = page.locator("input[name=id]");
  const chosen = page.getByRole("status").filter({ hasText: "chosen" });
  // The box needs the client, so its start is waited for.
  await expect(chosen).toHaveText("0 chosen", { timeout: 90_000 });
  const count = await each.count();
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
    await makeUser(page, "ada");
    await page.goto("/users");
    await expect(page.getByLabel("All on this page")).toBeHidden();
    await expect(page.locator("input[name=id]:checked")).toHaveCount(0);
    await page.getByRole("link", { name: "Choose all on this page" }).click();
    await expect(page.locator("input[name=id]:not(:checked)")).toHaveCount(0);
    await page.getByRole("link", { name: "Choose nobody" }).click();
    await expect(page.locator("input[name=id]:checked")).toHaveCount(0);
  });
});
