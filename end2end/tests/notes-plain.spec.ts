import { walkThroughLists, writeNote } from "../support/notes";
import { anotherPerson, expect, signUp, test } from "../support/people";

test("without JavaScript: a note is written, found, changed and deleted", async ({ page }) => {
  await signUp(page, "ada");
  await writeNote(page, "Plans", "A *first* draft of apples");
  await expect(page.locator(".prose em")).toHaveText("first");
  await page.goto("/notes");
  await page.getByLabel("Words").fill("apple");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.locator("mark")).toHaveText("apples");
  await page.getByRole("link", { name: "Plans" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Title").fill(" ");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("must have 1 to 200 characters")).toBeVisible();
  await page.getByLabel("Title").fill("Our plans");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("The note was saved.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Our plans" })).toBeVisible();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No notes yet.")).toBeVisible();
});

test("without JavaScript: the second of two editors compares both texts", async ({ page, context }) => {
  await signUp(page, "grace");
  await writeNote(page, "Plans", "the beginning");
  await page.getByRole("link", { name: "Edit" }).click();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel("Text").fill("from the laptop");
  await other.getByRole("button", { name: "Save note" }).click();
  await expect(other.getByText("The note was saved.")).toBeVisible();

  await page.getByLabel("Text").fill("from the phone");
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByRole("heading", { name: "Somebody has changed it meanwhile" })).toBeVisible();
  await expect(page.locator("pre")).toHaveText("from the laptop");
  await expect(page.getByLabel("Text")).toHaveValue("from the phone");
  await expect(page.getByRole("button", { name: "Keep mine" })).toBeHidden();
  await page.getByRole("button", { name: "Save note" }).click();
  await expect(page.getByText("The note was saved.")).toBeVisible();
  await expect(page.locator(".prose")).toHaveText("from the phone");
});

test("without JavaScript: a note is shared on a page of its own, read by its receiver, and left", async ({ page, browser }) => {
  await signUp(page, "mary");
  const bob = await anotherPerson(browser, "bob", { javaScriptEnabled: false });
  await writeNote(page, "Plans", "");
  await page.getByRole("link", { name: "Share" }).click();
  await page.getByLabel("Username or email").fill(bob.person.username);
  await page.getByRole("button", { name: "Share note" }).click();
  await expect(page.getByText("The note is shared. Its receiver is told.")).toBeVisible();
  await page.getByRole("button", { name: `Let change: ${bob.person.username}` }).click();
  await expect(page.getByText("may read and change")).toBeVisible();

  await expect(async () => {
    await bob.page.goto("/notifications");
    await expect(bob.page.getByRole("button", { name: "shared the note “Plans” with you" })).toBeVisible({ timeout: 500 });
  }).toPass();
  await bob.page.getByRole("button", { name: "shared the note “Plans” with you" }).click();
  await bob.page.getByRole("button", { name: "Leave" }).click();
  await expect(bob.page.getByText("You have left the note.")).toBeVisible();
  await page.reload();
  await expect(page.getByText("Shared with nobody.")).toBeVisible();
  await bob.close();
});

test("without JavaScript: lists are read in parts, in each order", async ({ page }) => {
  await walkThroughLists(page);
});

test("without JavaScript: the limits stand at their fields, and what is too long is refused there and kept", async ({ page }) => {
  await signUp(page, "joan");
  await page.goto("/notes");
  await page.getByText("New note").click();
  await expect(page.getByText("At most 200 characters")).toBeVisible();
  await page.getByLabel("Title").fill("x".repeat(201));
  await page.getByLabel("Text").fill("y".repeat(50_001));
  await page.getByRole("button", { name: "Create note" }).click();
  await expect(page.getByText("must have 1 to 200 characters")).toBeVisible();
  await expect(page.getByText("has 50001 characters, at most 50000 are allowed")).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("x".repeat(201));
  await expect(page.getByLabel("Text")).toHaveValue("y".repeat(50_001));
});
