import type { Browser, BrowserContextOptions, Page } from "@playwright/test";
import { expect, logIn, signUp } from "./people";

/** Writes a note by the form above the list, and opens it. */
export async function writeNote(page: Page, title: string, content: string): Promise<void> {
  // With the client at work, where there is one.
  await page.goto("/notes", { waitUntil: "networkidle" });
  await page.getByText("New note").click();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Text").fill(content);
  await page.getByRole("button", { name: "Create note" }).click();
  // By its address: the list is drawn anew at the answer, and a click may fall between.
  const address = await page.getByRole("link", { name: title }).getAttribute("href");
  await page.goto(address ?? "no address", { waitUntil: "networkidle" });
  await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
}

/** A browser of somebody else, who has just signed up. */
export async function anotherPerson(browser: Browser, name: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ baseURL: process.env.STARTER_URL, ...options });
  const page = await context.newPage();
  return { page, person: await signUp(page, name), close: () => context.close() };
}

/** Another browser of the same person. */
export async function anotherBrowser(browser: Browser, person: { username: string; password: string }) {
  const context = await browser.newContext({ baseURL: process.env.STARTER_URL });
  const page = await context.newPage();
  await logIn(page, person);
  return { page, close: () => context.close() };
}
