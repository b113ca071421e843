import type { Browser, Page } from "@playwright/test";
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

/** Writes notes of these titles by REST, as whoever is signed in in this browser; the answer is their ids. */
export async function writeNotes(page: Page, titles: string[], content = ""): Promise<string[]> {
  const ids: string[] = [];
  for (const title of titles) {
    const written = await page.request.post("/api/v1/notes", { data: { title, content } });
    expect(written.status()).toBe(201);
    ids.push((await written.json()).data.id);
  }
  return ids;
}

/** Changes a note by REST. */
export async function changeNote(page: Page, id: string, title: string, content = ""): Promise<void> {
  const changed = await page.request.put(`/api/v1/notes/${id}`, { data: { title, content } });
  expect(changed.status()).toBe(200);
}

/** The titles of a list, from the top. */
export const titlesOn = (page: Page) => page.locator(".notes h2 a");

/** Lists of notes in parts and in each order, as everybody walks through them, with and without JavaScript. */
export async function walkThroughLists(page: Page): Promise<void> {
  await signUp(page, "ada");
  const name = (number: number) => `Note ${String(number).padStart(2, "0")} of tea`;
  // Written in another order than that of the alphabet.
  const written = Array.from({ length: 23 }, (_, place) => name((place * 7) % 23));
  const ids = await writeNotes(page, written);
  await changeNote(page, ids[0], name(0), "the last edit");
  const newestFirst = [...written].reverse();
  const byEdit = [name(0), ...newestFirst.slice(0, -1)];
  const inOrder = [...written].sort();
  const order = async (words: string) => {
    await page.getByLabel("Order").selectOption(words);
    await page.getByRole("button", { name: "Search" }).click();
  };
  const bothParts = async (expected: string[]) => {
    await expect(titlesOn(page)).toHaveText(expected.slice(0, 20));
    await expect(page.getByText("23 notes")).toBeVisible();
    await page.getByRole("link", { name: "Older" }).click();
    await expect(titlesOn(page)).toHaveText(expected.slice(20));
    await expect(page.getByRole("link", { name: "Older" })).toHaveCount(0);
    await page.getByRole("link", { name: "Newest" }).click();
    await expect(titlesOn(page)).toHaveText(expected.slice(0, 20));
  };
  await page.goto("/notes", { waitUntil: "networkidle" });
  await bothParts(byEdit);
  await order("newest first");
  await bothParts(newestFirst);
  await order("by title");
  await bothParts(inOrder);
  await expect(page.getByLabel("Order")).toHaveValue("title");

  await page.getByLabel("Words").fill("tea");
  await order("by title");
  await bothParts(inOrder);
  await order("best match first");
  await expect(page.getByLabel("Words")).toHaveValue("tea");
  await expect(titlesOn(page)).toHaveCount(20);
  await expect(page.locator("mark").first()).toHaveText("tea");
  await page.getByRole("link", { name: "Older" }).click();
  await expect(titlesOn(page)).toHaveCount(3);

  // A place that has left the list is said, and does not look like the end.
  await page.goto("/notes?sort=title", { waitUntil: "networkidle" });
  const older = (await page.getByRole("link", { name: "Older" }).getAttribute("href")) ?? "no address";
  const last = ids[written.indexOf(inOrder[19])];
  expect(decodeURIComponent(older)).toContain(`after=${last}`);
  expect((await page.request.delete(`/api/v1/notes/${last}`)).status()).toBe(204);
  await page.goto(older, { waitUntil: "networkidle" });
  await expect(page.getByText("is not in this list any more; begin anew")).toBeVisible();
}

/** Another browser of the same person. */
export async function anotherBrowser(browser: Browser, person: { username: string; password: string }) {
  const context = await browser.newContext({ baseURL: process.env.STARTER_URL });
  const page = await context.newPage();
  await logIn(page, person);
  return { page, close: () => context.close() };
}
