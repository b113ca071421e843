import { type CDPSession, type Page } from "@playwright/test";
import { expect, expectAccessible, logOut, signUp, test } from "../support/people";

/** Passkeys are bound to a name, so these tests come by another address than the others. */
test.use({ baseURL: async ({}, use) => use(process.env.STARTER_URL?.replace("127.0.0.1", "localhost")) });

/** A phone with a fingerprint sensor, as Chromium plays one. */
async function device(page: Page, isUserVerified = true): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified } as const;
  await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return session;
}

async function add(page: Page, name: string): Promise<void> {
  // Asking the device needs the client, so its start is waited for.
  await page.goto("/account/passkeys", { waitUntil: "networkidle" });
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
}

test("somebody adds a passkey, logs in by it and removes it", async ({ page }) => {
  await device(page);
  const person = await signUp(page, "ada");
  await add(page, "phone");
  await expect(page.getByRole("cell", { name: "phone", exact: true })).toBeVisible();
  await expect(page.getByRole("cell", { name: "never" })).toBeVisible();
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
  await add(page, "stolen");
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
