import { readFile } from "node:fs/promises";
import { openLetter } from "../support/letters";
import { expect, expectAccessible, fillTask, logIn, queueTask, signUp, test } from "../support/people";
import { administrator } from "../support/server";

test("a letter that somebody writes is sent, and says who has written it", async ({ page }) => {
  const person = await signUp(page, "ada");
  await queueTask(page, "email", { To: person.email, Subject: "The news of the month", Text: "Nothing broke." });
  await expect(page.locator("dl[data-of=Result]")).toContainText(person.email);
  await expectAccessible(page);
  await openLetter(page, person, "The news of the month");
  const text = page.locator("pre").first();
  await expect(text).toContainText("Nothing broke.");
  await expect(text).toContainText(`Written by ${person.username}`);
});

test("somebody is told what was asked for, and is led to its task", async ({ page }) => {
  await signUp(page, "grace");
  await queueTask(page, "notification", { Text: "Water the plants" });
  const task = page.url();
  await expect(page.locator("dl[data-of=Result]")).toContainText(/told/i);
  await expectAccessible(page);
  await page.goto("/notifications");
  await page.getByRole("button", { name: "Water the plants" }).click();
  await page.waitForURL(task);
});

test("a report is written, and saved as a file", async ({ page }) => {
  await signUp(page, "mary");
  const today = new Date().toISOString().slice(0, 10);
  await queueTask(page, "report_generation", { "First day (UTC)": today, "Last day": today });
  await expect(page.getByRole("link", { name: `tasks-${today}-${today}.csv` })).toBeVisible();
  await expectAccessible(page);
  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: `tasks-${today}-${today}.csv` }).click();
  expect(await readFile(await (await saved).path(), "utf8")).toContain("report_generation");
});

test("a request to an address of our own is refused, at its field and when a name leads there", async ({ page }) => {
  await signUp(page, "edith");
  await fillTask(page, "webhook", { Address: "http://10.0.0.1/hook" });
  await expect(page.getByText("leads to an address that is not allowed here")).toBeVisible();
  await expect(page.getByLabel("Address", { exact: true })).toHaveValue("http://10.0.0.1/hook");
  await queueTask(page, "webhook", { Address: "http://localhost/hook" });
  await expect(page.locator("[data-status=failed]")).toBeVisible();
  await expect(page.getByText("leads to an address that is not allowed here").first()).toBeVisible();
});

test("a cleanup without a folder in the settings is refused in words", async ({ page }) => {
  await logIn(page, administrator);
  await fillTask(page, "file_cleanup", { "Folder or file": "." });
  await expect(page.getByText("the setting files.cleanup_root names no folder")).toBeVisible();
});
