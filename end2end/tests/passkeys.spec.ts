import { expect, expectAccessible, logOut, signUp, test } from "../support/people";
import { addPasskey, device, passkeyAddress } from "../support/passkeys";

test.use({ baseURL: async ({}, use) => use(passkeyAddress()) });

test("somebody adds a passkey, logs in by it and removes it", async ({ page }) => {
  test.setTimeout(240_000);
  await device(page);
  const person = await signUp(page, "ada");
  await addPasskey(page, "phone");
  await expect(page.getByRole("cell", { name: "phone", exact: true })).toBeVisible();
  await expect(page.getByRole("cell", { name: "never" })).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("");
  await expectAccessible(page);

  await logOut(page);
  await page.goto("/login", { waitUntil: "networkidle" });
  await expectAccessible(page);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
  await page.goto("/account/passkeys", { waitUntil: "networkidle" });
  await expect(page.getByRole("cell", { name: "never" })).toHaveCount(0);

  await page.getByRole("button", { name: "Remove phone" }).click();
  await expect(page.getByText("No passkeys yet.")).toBeVisible();
  await logOut(page);
  await page.goto("/login", { waitUntil: "networkidle" });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByText("This passkey does not open an account here")).toBeVisible();
});

test("a device that does not know its user makes no passkey", async ({ page }) => {
  await device(page, false);
  await signUp(page, "grace");
  await addPasskey(page, "stolen");
  await expect(page.getByText("No passkey came from your browser")).toBeVisible();
  await expect(page.getByText("No passkeys yet.")).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page says why there is no passkey, and the login has no such button", async ({ page }) => {
    await signUp(page, "annie");
    await page.goto("/account/passkeys");
    await expect(page.getByText("Only a page with JavaScript can ask your device")).toBeVisible();
    await expect(page.getByRole("button", { name: "Add a passkey" })).toBeDisabled();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.goto("/login");
    await expect(page.getByRole("button", { name: "Use a passkey" })).toHaveCount(0);
  });
});
