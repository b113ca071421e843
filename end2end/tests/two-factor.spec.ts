import type { Page } from "@playwright/test";
import { Authenticator } from "../support/authenticator";
import { openLetter } from "../support/letters";
import { expect, expectAccessible as byAxe, logOut, signUp, test } from "../support/people";
import { giveCode, givePassword } from "../support/two-factor";

/** From off to on, to a login by app and by recovery code, and to off again. */
async function usesTwoFactor(page: Page, expectAccessible: (page: Page) => Promise<void>): Promise<void> {
  const person = await signUp(page, "ada");
  await page.goto("/account");
  await page.getByRole("link", { name: "Two-factor" }).click();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set up two-factor" }).click();
  await expect(page.getByRole("img", { name: "QR code with the key" })).toBeVisible();
  await expectAccessible(page);
  const app = new Authenticator((await page.locator("[data-secret]").textContent())!);
  await giveCode(page, "12345", "Switch on");
  await expect(page.getByText("is not the code that the app shows now")).toBeVisible();
  await giveCode(page, app.code(), "Switch on");
  await expect(page.getByRole("heading", { name: "Your new recovery codes" })).toBeVisible();
  await expect(page.getByText("Recovery codes left: 10")).toBeVisible();
  await expectAccessible(page);
  const codes = await page.getByRole("listitem").getByRole("code").allTextContents();
  expect(codes).toHaveLength(10);

  await logOut(page);
  await givePassword(page, person);
  await expectAccessible(page);
  await page.goto("/dashboard");
  await expect(page).toHaveURL(/\/login$/);
  await givePassword(page, person);
  await giveCode(page, "12345", "Log in");
  await expect(page.getByText("is wrong, or was used already")).toBeVisible();
  await giveCode(page, app.code(), "Log in");
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();

  await logOut(page);
  await givePassword(page, person);
  await giveCode(page, codes[0]!, "Log in");
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
  await page.goto("/account/confirm?to=/account/two-factor");
  await expect(page.getByLabel("Code", { exact: true })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Password").fill(person.password);
  await giveCode(page, codes[1]!, "Confirm");
  await expect(page.getByText("Recovery codes left: 8")).toBeVisible();
  await page.getByRole("button", { name: "Make new recovery codes" }).click();
  await expect(page.getByText("Recovery codes left: 10")).toBeVisible();
  const renewed = await page.getByRole("listitem").getByRole("code").allTextContents();
  await giveCode(page, renewed[0]!, "Switch two-factor off");
  await expect(page.getByText("Two-factor is off. A login asks for the password only.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Your new recovery codes" })).toHaveCount(0);
  await openLetter(page, person, "Two-factor was switched off");
}

test("two-factor is set up, asked for, and switched off", async ({ page }) => {
  await usesTwoFactor(page, byAxe);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("two-factor is set up, asked for, and switched off", async ({ page }) => {
    await usesTwoFactor(page, async () => undefined);
  });
});
