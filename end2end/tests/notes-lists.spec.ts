import { anotherBrowser, changeNote, titlesOn, walkThroughLists, writeNotes } from "../support/notes";
import { expect, expectStaysInPlace, signUp, test } from "../support/people";

test("lists are read in parts, in each order", async ({ page }) => {
  await walkThroughLists(page);
});

test("the focus and the selection stay where they are while notes change elsewhere", async ({ page, browser }) => {
  const ada = await signUp(page, "ada");
  const ids = await writeNotes(page, Array.from({ length: 18 }, (_, place) => `Note ${place}`), "some words to select");
  await page.goto("/notes", { waitUntil: "networkidle" });
  const link = page.getByRole("link", { name: "Note 5", exact: true });
  await link.evaluate((element) => element.setAttribute("data-first", ""));
  // The other browser is the active one.
  const expectFocus = () => expect.poll(() => link.evaluate((element) => element === document.activeElement)).toBe(true);

  const other = await anotherBrowser(browser, ada);
  await link.evaluate((element) => {
    getSelection()!.selectAllChildren(element.closest("li")!.querySelector(".note-beginning")!);
  });
  await changeNote(other.page, ids[2], "Changed below");
  await expect(titlesOn(page).first()).toHaveText("Changed below");
  expect(await page.evaluate(() => String(getSelection()))).toBe("some words to select");
  await link.focus();
  await writeNotes(other.page, ["Written elsewhere"]);
  await expect(titlesOn(page).first()).toHaveText("Written elsewhere");
  await other.page.request.delete(`/api/v1/notes/${ids[9]}`);
  await expect(page.getByRole("link", { name: "Note 9", exact: true })).toHaveCount(0);
  await expectFocus();
  await expect(link).toHaveAttribute("data-first");

  // Several in one reading, and at last the one that has the focus, which moves to the top with it.
  await Promise.all([2, 3, 4].map((place) => changeNote(other.page, ids[place], `Changed ${place}`)));
  await expect(page.getByRole("link", { name: /^Changed \d$/ })).toHaveCount(3);
  await expectFocus();
  await changeNote(other.page, ids[5], "Note 5", "other words");
  await expect(titlesOn(page).first()).toHaveText("Note 5");
  await expectFocus();
  await other.close();
});

test("whoever reads further down keeps the place while notes come above", async ({ page }) => {
  await signUp(page, "ada");
  await writeNotes(page, Array.from({ length: 16 }, (_, place) => `Note ${place}`), "some words");
  await page.goto("/notes", { waitUntil: "networkidle" });
  const row = page.getByRole("link", { name: "Note 3", exact: true });
  await expectStaysInPlace(row, () => writeNotes(page, ["Above", "Further above"]), titlesOn(page).getByText("Further above"));
});

test("who is signed in is read again, and what was typed meanwhile stays", async ({ page }) => {
  await page.clock.install();
  await signUp(page, "grace");
  await page.goto("/tasks", { waitUntil: "networkidle" });
  let answer = () => {};
  const held = new Promise<void>((done) => (answer = done));
  await page.route("**/api/auth/me*", async (route) => {
    await held;
    await route.continue();
  });
  // What is known of them is fresh for a minute.
  await page.clock.fastForward("02:00");
  const asked = page.waitForRequest("**/api/auth/me*");
  await page.getByRole("link", { name: "Notes", exact: true }).click();
  await page.getByText("New note").click();
  await page.getByLabel("Title").fill("Typed meanwhile");
  await asked;
  const answered = page.waitForResponse("**/api/auth/me*");
  answer();
  await (await answered).finished();
  // As long as it takes to draw: the next answer of the server has been drawn as well.
  await writeNotes(page, ["Heard of later"]);
  await expect(page.getByRole("link", { name: "Heard of later" })).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("Typed meanwhile");
});

test("the limits stand at their fields, and are counted as the server counts", async ({ page }) => {
  await signUp(page, "mary");
  await page.goto("/notes", { waitUntil: "networkidle" });
  await page.getByText("New note").click();
  await expect(page.getByText("At most 200 characters")).toBeVisible();
  await expect(page.getByText("At most 50000 characters")).toBeVisible();
  const title = page.getByLabel("Title");
  await title.fill("🙂".repeat(200));
  await expect(page.getByText("200 of 200 characters")).toBeVisible();
  await expect(title).toHaveAccessibleDescription(/200 of 200 characters/);
  await title.fill("x".repeat(201));
  await expect(page.getByText("has 201 characters, at most 200 are allowed")).toBeVisible();
  await expect(title).toHaveAttribute("aria-invalid", "true");
  await expect(title).toHaveValue("x".repeat(201));
  await page.getByLabel("Text").fill("y".repeat(50_001));
  await page.getByRole("button", { name: "Create note" }).click();
  await expect(page.getByText("Please look at the marked fields.")).toBeVisible();
  await expect(page.getByText("has 50001 characters, at most 50000 are allowed")).toBeVisible();

  await title.fill("🙂".repeat(200));
  await page.getByLabel("Text").fill("short enough");
  await page.getByRole("button", { name: "Create note" }).click();
  await expect(titlesOn(page)).toHaveText(["🙂".repeat(200)]);
  // The form is closed and empty again.
  await page.getByText("New note").click();
  await title.fill(" ");
  await page.getByRole("button", { name: "Create note" }).click();
  await expect(page.getByText("must have 1 to 200 characters")).toBeVisible();
});
