import { expect, expectAccessible, signUp, test } from "../support/people";
import { confirmAddress, openLetter, resetPassword } from "../support/letters";

test("somebody confirms an address by the letter", async ({ page }) => {
  await confirmAddress(page, await signUp(page, "ada"));
});

test("somebody who has forgotten the password chooses a new one by the letter", async ({ page }) => {
  await resetPassword(page, await signUp(page, "grace"));
});

test("the letter as HTML leads on from inside its frame, and cannot run anything", async ({ page }) => {
  const person = await signUp(page, "mary");
  await openLetter(page, person, "Please confirm your email address");
  const frame = page.frameLocator("iframe");
  await expect(frame.getByText(`Hello ${person.username},`)).toBeVisible();
  await frame.getByRole("link", { name: "Confirm this address" }).click();
  await expect(page).toHaveURL(/\/verify-email\?token=/);
});

test("the letter is sent again, but not twice a minute", async ({ page }) => {
  await signUp(page, "annie");
  await page.getByRole("button", { name: "Send the letter again" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mailbox" })).toBeVisible();
  await page.getByRole("link", { name: "To the dashboard" }).click();
  await page.getByRole("button", { name: "Send the letter again" }).click();
  await expect(page.getByText("on its way already")).toBeVisible();
});

test("the pages around letters are accessible", async ({ page }) => {
  test.setTimeout(240_000);
  const paths = ["/verify-email", "/verify-email/done", "/verify-email/sent", "/forgot-password", "/forgot-password/sent", "/reset-password", "/reset-password/done"];
  for (const path of paths) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page);
  }
  await signUp(page, "ada");
  await expect(page.getByText("Your email is not confirmed yet")).toBeVisible();
  await expectAccessible(page);
  // Not on the page of a letter: axe waits for ever for a frame that may not run scripts.
  await page.goto("/dev/mail");
  await expectAccessible(page);
});
