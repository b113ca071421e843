import type { Page } from "@playwright/test";
import { expect, type someone } from "./people";

type Person = ReturnType<typeof someone>;

/** Waits until the letter lies in the mailbox of development, and opens it there. */
export async function openLetter(page: Page, person: Person, subject: string): Promise<void> {
  const letter = page.getByRole("row").filter({ hasText: person.email }).getByRole("link", { name: subject });
  await expect(async () => {
    await page.goto("/dev/mail");
    await expect(letter).toHaveCount(1, { timeout: 500 });
  }).toPass();
  await letter.click();
  await expect(page.getByRole("heading", { level: 1, name: subject })).toBeVisible();
}

/** Follows the link in the text of the open letter. */
async function follow(page: Page, to: string): Promise<void> {
  await page.locator("pre").getByRole("link").filter({ hasText: to }).click();
}

/** From the letter of a new account to a dashboard without the notice. */
export async function confirmAddress(page: Page, person: Person): Promise<void> {
  await expect(page.getByText("Your email is not confirmed yet")).toBeVisible();
  await openLetter(page, person, "Please confirm your email address");
  await follow(page, "/verify-email?token=");
  await page.waitForURL(/\/verify-email\?token=/);
  const link = page.url();
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await expect(page.getByRole("heading", { name: "Your email is confirmed" })).toBeVisible();
  await page.getByRole("link", { name: "To the dashboard" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
  await expect(page.getByText("Your email is not confirmed yet")).toHaveCount(0);

  await page.goto(link);
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await expect(page.getByText("This link does not work any more")).toBeVisible();
}

/** From the login page through the letter to a login with the new password. */
export async function resetPassword(page: Page, person: Person): Promise<void> {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.goto("/login");
  await page.getByRole("link", { name: "Forgotten your password?" }).click();
  await page.getByLabel("Email").fill(person.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mailbox" })).toBeVisible();
  await openLetter(page, person, "Choose a new password");
  await follow(page, "/reset-password?token=");
  for (const weak of ["password123", "iloveyou"]) {
    await page.getByLabel("New password").fill(weak);
    await page.getByRole("button", { name: "Change the password" }).click();
    await expect(page.locator("#new_password-error")).toContainText("is too common");
  }
  const password = "an even longer passphrase";
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByRole("heading", { name: "Your password was changed" })).toBeVisible();
  await page.getByRole("link", { name: "Log in" }).last().click();
  await page.getByLabel("Username or email").fill(person.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
  await openLetter(page, person, "Your password was changed");
}
