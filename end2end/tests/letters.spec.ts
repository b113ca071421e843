import { expect, signUp, test } from "../support/people";
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
