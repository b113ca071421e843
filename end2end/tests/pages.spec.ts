import type { Page, TestInfo } from "@playwright/test";
import { Authenticator } from "../support/authenticator";
import { openLetter } from "../support/letters";
import { addPasskey, device, passkeyAddress } from "../support/passkeys";
import { expect, fits, logOut, looks, queueDelay, queueNumbers, queueTooLate, screens, signUp, someone, test } from "../support/people";
import { giveCode, givePassword } from "../support/two-factor";

const LETTERS = ["/verify-email", "/verify-email/done", "/verify-email/sent", "/forgot-password", "/forgot-password/sent", "/reset-password", "/reset-password/done"];

/** Opens pages and looks at them. */
function opens(page: Page, info: TestInfo): (path: string) => Promise<void> {
  const look = looks(info);
  return async (path) => {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await look(page, path);
  };
}

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("every page is accessible and fits its width", async ({ page }, info) => {
      test.setTimeout(240_000);
      const look = opens(page, info);
      for (const path of ["/", "/register", "/login", "/nowhere"]) await look(path);
      await signUp(page, "ada");
      await queueNumbers(page, "3 1 4 1 5 9 2 6");
      await expect(page.locator("[data-status=completed]")).toBeVisible();
      const task = new URL(page.url()).pathname;
      await queueTooLate(page);
      await expect(page.locator("[data-status=failed]")).toBeVisible();
      const failed = new URL(page.url()).pathname;
      await queueDelay(page, 600);
      for (const path of ["/dashboard", "/tasks", "/tasks/new", "/tasks/new?kind=data_processing", task, failed]) await look(path);
      for (const kind of ["email", "notification", "report_generation", "webhook"]) await look(`/tasks/new?kind=${kind}`);
      for (const path of ["/account/sessions", "/account/api-keys", "/account/confirm?to=/account/sessions"]) await look(path);
    });

    test("every step of a second factor is accessible and fits its width", async ({ page }, info) => {
      test.setTimeout(240_000);
      const look = looks(info);
      const person = await signUp(page, "grace");
      await page.goto("/account/two-factor");
      await look(page, "two-factor off");
      await page.getByRole("button", { name: "Set up two-factor" }).click();
      await expect(page.getByRole("img", { name: "QR code with the key" })).toBeVisible();
      await look(page, "two-factor setting up");
      const app = new Authenticator((await page.locator("[data-secret]").textContent())!);
      await giveCode(page, "12345", "Switch on");
      await expect(page.getByText("is not the code that the app shows now")).toBeVisible();
      await look(page, "two-factor refused");
      await giveCode(page, app.code(), "Switch on");
      await expect(page.getByRole("heading", { name: "Your new recovery codes" })).toBeVisible();
      await look(page, "two-factor recovery codes");
      await page.goto("/account/two-factor");
      await expect(page.getByText("Recovery codes left: 10")).toBeVisible();
      await look(page, "two-factor on");
      await page.goto("/account/confirm?to=/account/two-factor");
      await expect(page.getByLabel("Code", { exact: true })).toBeVisible();
      await look(page, "confirm with a code");
      await logOut(page);
      await givePassword(page, person);
      await look(page, "login code");
      await giveCode(page, "12345", "Log in");
      await expect(page.getByText("is wrong, or was used already")).toBeVisible();
      await look(page, "login code refused");
    });

    test("every page around letters is accessible and fits its width", async ({ page }, info) => {
      test.setTimeout(240_000);
      const look = opens(page, info);
      for (const path of LETTERS) await look(path);
      const person = await signUp(page, "mary");
      await expect(page.getByText("Your email is not confirmed yet")).toBeVisible();
      await looks(info)(page, "email not confirmed");
      await openLetter(page, person, "Please confirm your email address");
      // Without axe, which waits for ever for a frame that may not run scripts.
      await fits(page, "letter");
      await page.screenshot({ path: info.outputPath("letter.png"), fullPage: true });
      await look("/dev/mail");
    });

    test.describe("by the name that passkeys are bound to", () => {
      test.use({ baseURL: async ({}, use) => use(passkeyAddress()) });

      test("the pages of passkeys are accessible and fit their width", async ({ page }, info) => {
        test.setTimeout(240_000);
        const look = looks(info);
        await device(page);
        await signUp(page, "annie");
        await page.goto("/account/passkeys", { waitUntil: "networkidle" });
        await expect(page.getByText("No passkeys yet.")).toBeVisible();
        await look(page, "passkeys none");
        const name = "the laptop in the office, with a long name";
        await addPasskey(page, name);
        await expect(page.getByText(name, { exact: true })).toBeVisible();
        await look(page, "passkeys one");
        await logOut(page);
        await page.goto("/login", { waitUntil: "networkidle" });
        await expect(page.getByRole("button", { name: "Use a passkey" })).toBeVisible();
        await look(page, "login with passkey");
      });
    });
  });
}

// `docs/images/dashboard.png` is a copy of this picture.
test("the dashboard shows how the tasks stand", async ({ page }) => {
  await signUp(page, "ada", { ...someone("ada"), username: "ada", email: "ada@example.com" });
  await queueNumbers(page, "3 1 4 1 5 9 2 6");
  await expect(page.locator("[data-status=completed]")).toBeVisible();

  await queueTooLate(page);
  await expect(page.locator("[data-status=failed]")).toBeVisible();

  await queueDelay(page, 600);
  await expect(page.locator("[data-status=running]")).toBeVisible();
  await page.goto("/tasks/new?kind=data_processing");
  await page.getByLabel("Numbers").fill("2, 3, 5, 7");
  await page.getByLabel("Priority").selectOption("critical");
  await page.getByLabel("Start").fill(new Date(Date.now() + 86_400_000).toISOString().slice(0, 16));
  await page.getByRole("button", { name: "Queue task" }).click();
  await expect(page.locator("[data-status=pending]")).toBeVisible();

  await page.goto("/dashboard");
  for (const [state, count] of [["pending", 1], ["running", 1], ["completed", 1], ["failed", 1]]) {
    await expect(page.getByRole("link", { name: `${state} ${count}` })).toBeVisible();
  }
  await page.screenshot({ path: "test-results/dashboard.png", animations: "disabled" });
});

test("an address that leads nowhere is a complete page with status 404", async ({ page }) => {
  const response = await page.goto("/nowhere");
  expect(response?.status()).toBe(404);
  await expect(page).toHaveTitle("Not found · starter");
});

test("the API describes itself from our own server", async ({ page }) => {
  await page.goto("/api-docs");
  await expect(page.getByText("/api/v1/tasks/{id}").first()).toBeVisible();
});

test("the theme is chosen and kept", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Dark mode" }).click();
  const isDark = () => page.evaluate(() => document.documentElement.classList.contains("dark"));
  const chosen = await isDark();
  await page.reload();
  expect(await isDark()).toBe(chosen);
});

test("a page whose client breaks says so, and its link loads it again", async ({ browser }) => {
  // A page of its own: here the console is expected to complain.
  const page = await browser.newPage({ baseURL: process.env.STARTER_URL });
  // At the first time the client does not find the element that it expects.
  await page.addInitScript(() => {
    const replace = () => document.querySelector("main")!.replaceWith(document.createElement("section"));
    if (!sessionStorage.getItem("broken")) document.addEventListener("DOMContentLoaded", replace);
    sessionStorage.setItem("broken", "once");
  });
  await page.goto("/login");
  const notice = page.getByRole("alert").filter({ hasText: "This page has broken" });
  await expect(notice).toHaveCount(1);
  await notice.getByRole("link", { name: "Load it again" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Log in" })).toBeVisible();
  await expect(notice).toHaveCount(0);
  await page.close();
});
