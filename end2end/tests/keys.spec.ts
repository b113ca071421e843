import { expect, expectAccessible, signUp, test } from "../support/people";

test("a key is made, copied and revoked", async ({ page, context, request }) => {
  await signUp(page, "ada");
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  // Copying needs the client, so its start is waited for.
  await page.goto("/account/api-keys", { waitUntil: "networkidle" });
  await expect(page.getByText("No keys yet.")).toBeVisible();
  await page.getByLabel("Name").fill("nightly");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("choose at least one")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("nightly");
  await page.getByLabel("tasks:read").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const shown = page.getByLabel("New API key");
  await expect(shown).toHaveValue(/^starter_[0-9A-Za-z]{28}_[0-9A-Za-z]{6}$/);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied")).toBeVisible();
  const key = await shown.inputValue();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);

  const list = () => request.get(`${process.env.STARTER_URL}/api/v1/tasks`, { headers: { "X-API-Key": key } });
  expect((await list()).status()).toBe(200);
  await page.getByRole("button", { name: "Revoke nightly" }).click();
  await expect(page.getByText("revoked")).toBeVisible();
  expect((await list()).status()).toBe(401);
});

test("somebody sees their devices and ends the others", async ({ page, browser }) => {
  const person = await signUp(page, "grace");
  const other = await browser.newPage({ baseURL: process.env.STARTER_URL });
  await other.goto("/login");
  await other.getByLabel("Username or email").fill(person.username);
  await other.getByLabel("Password").fill(person.password);
  await other.getByRole("button", { name: "Log in" }).click();
  await expect(other.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();

  await page.goto("/account/sessions");
  await expect(page.getByRole("row")).toHaveCount(3);
  await expect(page.getByText("This one")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "End all others" }).click();
  await expect(page.getByText("The sessions have ended.")).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(2);
  await other.goto("/dashboard");
  await expect(other).toHaveURL(/\/login/);
  await other.close();
});

test("a password is confirmed, and the way leads back", async ({ page }) => {
  const person = await signUp(page, "annie");
  await page.goto("/account/confirm?to=/account/api-keys");
  await expectAccessible(page);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByText("Wrong password, or wrong code")).toBeVisible();
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page).toHaveURL(/\/account\/api-keys$/);
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
});
