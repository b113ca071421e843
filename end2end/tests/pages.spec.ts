import { expect, expectAccessible, queueDelay, queueNumbers, queueTooLate, signUp, someone, test } from "../support/people";

const looks = [
  { name: "light", colorScheme: "light", width: 1280 },
  { name: "dark", colorScheme: "dark", width: 1280 },
  { name: "phone", colorScheme: "light", width: 390 },
] as const;

for (const { name, colorScheme, width } of looks) {
  test.describe(`on a ${name} screen`, () => {
    test.use({ colorScheme, viewport: { width, height: 844 } });

    test("every page is accessible and fits its width", async ({ page }, info) => {
      test.setTimeout(240_000);
      const look = async (path: string) => {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expectAccessible(page);
        const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        expect(isTooWide, `${path} scrolls sideways`).toBe(false);
        const picture = `${path.replaceAll(/\W+/g, "-")}.png`;
        await page.screenshot({ path: info.outputPath(picture), fullPage: true });
      };
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
