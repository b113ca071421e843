import type { Page } from "@playwright/test";
import { titlesOn, writeNote } from "../support/notes";
import { anotherPerson, expect, signUp, test } from "../support/people";

/** Holds what a server function is asked until it is let go: then refused, or asked in truth. */
async function hold(page: Page, what: string) {
  let end = (_: "refuse" | "ask") => {};
  const held = new Promise<"refuse" | "ask">((done) => (end = done));
  await page.route(`**/api/notes/${what}*`, async (route) => {
    if ((await held) === "ask") return route.continue();
    await route.fulfill({ status: 409, json: { kind: "conflict", message: "The test refuses this." } });
  });
  return { refuse: () => end("refuse"), ask: () => end("ask") };
}

test("a note that is deleted on its page is out of the list at once, and back when the server refuses", async ({ page }) => {
  await signUp(page, "ada");
  await writeNote(page, "Kept", "");
  const refused = await hold(page, "delete");
  await page.goto(page.url().split("?")[0], { waitUntil: "networkidle" });
  // Read before, as it is shown without.
  await page.getByRole("link", { name: "All notes" }).click();
  await page.getByRole("link", { name: "Kept" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No notes yet.")).toBeVisible();
  refused.refuse();
  await expect(page.getByText("The note was not deleted. The test refuses this.")).toBeVisible();
  await expect(titlesOn(page)).toHaveText(["Kept"]);

  await page.unroute("**/api/notes/delete*");
  await page.getByRole("link", { name: "Kept" }).click();
  await expect(page.getByText("The note was not deleted.")).toHaveCount(0);
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("The note was deleted.")).toBeVisible();
  await expect(page.getByText("No notes yet.")).toBeVisible();
});

test("a note that is left on its page is out of the list at once, and back when the server refuses", async ({ page, browser }) => {
  await signUp(page, "ada");
  const bob = await anotherPerson(browser, "bob");
  await writeNote(page, "Plans", "");
  await page.getByRole("link", { name: "Share" }).click();
  const dialog = page.getByRole("dialog", { name: "Share" });
  await dialog.getByLabel("Username or email").fill(bob.person.username);
  await dialog.getByRole("button", { name: "Share note" }).click();
  await expect(dialog.getByText("may read", { exact: false })).toBeVisible();

  await bob.page.goto("/notes?list=shared", { waitUntil: "networkidle" });
  const refused = await hold(bob.page, "leave");
  await bob.page.getByRole("link", { name: "Plans" }).click();
  await bob.page.getByRole("button", { name: "Leave" }).click();
  await expect(bob.page.getByText("Nobody shares a note with you.")).toBeVisible();
  refused.refuse();
  await expect(bob.page.getByText("You have not left the note. The test refuses this.")).toBeVisible();
  await expect(titlesOn(bob.page)).toHaveText(["Plans"]);

  // And in truth: the share is taken back while the wish is on its way.
  await bob.page.unroute("**/api/notes/leave*");
  const late = await hold(bob.page, "leave");
  await bob.page.getByRole("link", { name: "Plans" }).click();
  await bob.page.getByRole("button", { name: "Leave" }).click();
  await expect(bob.page.getByText("Nobody shares a note with you.")).toBeVisible();
  await dialog.getByRole("button", { name: `Revoke: ${bob.person.username}` }).click();
  await expect(dialog.getByText("Shared with nobody.")).toBeVisible();
  late.ask();
  await expect(bob.page.getByText("You have not left the note. Note not found")).toBeVisible();
  await expect(bob.page.getByText("Nobody shares a note with you.")).toBeVisible();
  await bob.close();
});

test("what the button of the editor saves is in the list at once, and taken back when the server refuses, with nothing lost", async ({ page }) => {
  await signUp(page, "katherine");
  await writeNote(page, "Before", "old text");
  await page.goto("/notes", { waitUntil: "networkidle" });
  await page.getByRole("link", { name: "Before" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.waitForLoadState("networkidle");
  const refused = await hold(page, "update");
  await page.getByLabel("Title").fill("After");
  await page.getByLabel("Text").fill("new text");
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByRole("link", { name: "Notes", exact: true }).click();
  await expect(titlesOn(page)).toHaveText(["After"]);
  await expect(page.locator(".note-beginning")).toHaveText("new text");
  refused.refuse();
  await expect(page.getByText("The note was not saved; what you typed is kept in this browser", { exact: false })).toContainText("The test refuses this.");
  await expect(titlesOn(page)).toHaveText(["Before"]);
  await expect(page.locator(".note-beginning")).toHaveText("old text");

  await page.unroute("**/api/notes/update*");
  await page.getByRole("link", { name: "Before" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByRole("button", { name: "Restore it" }).click();
  await expect(page.getByLabel("Title")).toHaveValue("After");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("The note was saved.")).toBeVisible();
  await expect(page.locator(".prose")).toHaveText("new text");
});

test("what the editor's button sends and the server refuses stays in the form", async ({ page }) => {
  await signUp(page, "edith");
  await writeNote(page, "Before", "");
  await page.getByRole("link", { name: "Edit" }).click();
  await page.waitForLoadState("networkidle");
  await page.getByLabel("Title").fill(" ");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("must have 1 to 200 characters")).toBeVisible();
  await page.getByLabel("Title").fill("After");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("The note was saved.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "After", level: 1 })).toBeVisible();
});

test("a refusal is said on whatever page its answer finds", async ({ page }) => {
  await signUp(page, "mary");
  await page.goto("/notes", { waitUntil: "networkidle" });
  const refused = await hold(page, "create");
  await page.getByText("New note").click();
  await page.getByLabel("Title").fill("Refused");
  await page.getByRole("button", { name: "Create note" }).click();
  await expect(page.locator(".notes li")).toContainText("saving…");
  await page.getByRole("link", { name: "Dashboard" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Hello");
  refused.refuse();
  await expect(page.getByText("The note was not created. The test refuses this.")).toBeVisible();
  await page.getByRole("link", { name: "Notes", exact: true }).click();
  await expect(page.getByText("No notes yet.")).toBeVisible();
  await expect(page.getByText("The note was not created.")).toHaveCount(0);
});
