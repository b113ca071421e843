import { expect, logOut, signUp, test } from "../support/people";

test("somebody logs out and in again, by email", async ({ page }) => {
  const person = await signUp(page, "dorothy");
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" }).first()).toBeVisible();
  await page.goto("/dashboard");
  await expect(page).toHaveURL(/\/login/);
  await page.getByLabel("Username or email").fill(person.email.toUpperCase());
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
});

test("a wrong password is refused without saying what was wrong", async ({ page }) => {
  const person = await signUp(page, "annie");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.goto("/login");
  await page.getByLabel("Username or email").fill(person.username);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByText("Wrong username, email or password")).toBeVisible();
});

test("a name that is taken is told at its field", async ({ page }) => {
  const person = await signUp(page, "mary");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.goto("/register");
  await page.getByLabel("Username").fill(person.username);
  await page.getByLabel("Email").fill("else@example.com");
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.locator("#username-error")).toHaveText("This username is already taken");
});

for (const isKept of [false, true]) {
  test(`a login ${isKept ? "that is to be kept outlives the browser for two weeks" : "ends with the browser"}`, async ({ page, browser }) => {
    const person = await signUp(page, "grace");
    await logOut(page);
    await page.goto("/login");
    await page.getByLabel("Username or email").fill(person.username);
    await page.getByLabel("Password").fill(person.password);
    if (isKept) await page.getByLabel("Keep me logged in on this device").check();
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();

    const cookies = await page.context().cookies();
    const { expires } = cookies.find((cookie) => cookie.name === "session")!;
    const days = (expires - Date.now() / 1000) / 86_400;
    if (isKept) expect(days).toBeCloseTo(14, 1);
    else expect(expires).toBe(-1);

    // What a browser keeps when it is closed.
    const again = await browser.newContext({ baseURL: process.env.STARTER_URL });
    await again.addCookies(cookies.filter((cookie) => cookie.expires > 0));
    const opened = await again.newPage();
    await opened.goto("/dashboard");
    if (isKept) await expect(opened.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
    else await expect(opened).toHaveURL(/\/login/);
    await again.close();
  });
}
