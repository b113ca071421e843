import type { Page } from "@playwright/test";
import { expect, type someone } from "./people";

/** Gives name and password, and lands at the question for the code. */
export async function givePassword(page: Page, person: ReturnType<typeof someone>): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Username or email").fill(person.username);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Your code" })).toBeVisible();
}

export async function giveCode(page: Page, code: string, button: string): Promise<void> {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: button }).click();
}
