import { AxeBuilder } from "@axe-core/playwright";
import { test as base, type Browser, type BrowserContextOptions, expect, type Locator, type Page, type TestInfo } from "@playwright/test";

export { expect };

let count = 0;

/** A name that nobody else has: tests run beside each other on one server. */
export function someone(name: string): { username: string; email: string; password: string } {
  const username = `${name}-${process.pid}-${Date.now()}-${count++}`;
  return { username, email: `${username}@example.com`, password: "a long enough passphrase" };
}

/** Every page of every test: no error and no hydration warning on the console, nothing that fails to load. */
export const test = base.extend<{ page: Page }>({
  baseURL: async ({}, use) => use(process.env.STARTER_URL),
  page: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      // Playwright's own script, in the sandboxed frame of a letter, is blocked as every other.
      const inLetter = page.url().includes("/dev/mail/") && message.text().startsWith("Blocked script execution");
      const refused = message.text().includes("status of 4") || inLetter;
      if (["error", "warning"].includes(message.type()) && !refused) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await use(page);
    expect(complaints).toEqual([]);
  },
});

/** The page, with the client at work. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path, { waitUntil: "networkidle" });
}

/** Signs up through the form and lands on the dashboard. */
export async function signUp(page: Page, name: string, person = someone(name)): Promise<ReturnType<typeof someone>> {
  await page.goto("/register");
  await page.getByLabel("Username").fill(person.username);
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
  return person;
}

/** A browser of somebody else, who has just signed up. */
export async function anotherPerson(browser: Browser, name: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ baseURL: process.env.STARTER_URL, ...options });
  const page = await context.newPage();
  return { page, person: await signUp(page, name), close: () => context.close() };
}

/** Logs in through the form and lands on the dashboard. */
export async function logIn(page: Page, person: { username: string; password: string }): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Username or email").fill(person.username);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: `Hello, ${person.username}` })).toBeVisible();
}

export async function logOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("link", { name: "Log in" }).first()).toBeVisible();
}

/** Fills the form of a kind, by the labels of its fields, and sends it. */
export async function fillTask(page: Page, kind: string, fields: Record<string, string>): Promise<void> {
  await page.goto(`/tasks/new?kind=${kind}`);
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole("button", { name: "Queue task" }).click();
}

/** Queues a task through the form of its kind and lands on its page. */
export async function queueTask(page: Page, kind: string, fields: Record<string, string>): Promise<void> {
  await fillTask(page, kind, fields);
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}/);
}

/** Queues a data-processing task through the form and lands on its page. */
export async function queueNumbers(page: Page, numbers: string): Promise<void> {
  await queueTask(page, "data_processing", { Numbers: numbers });
}

/** Queues a delay through the form and lands on its page. */
export async function queueDelay(page: Page, seconds: number): Promise<void> {
  await queueTask(page, "delay_task", { "Seconds to wait": String(seconds) });
}

/** Queues a delay whose deadline has passed, so it fails at once, and lands on its page. */
export async function queueTooLate(page: Page): Promise<void> {
  await queueTask(page, "delay_task", { "Seconds to wait": "600", "Deadline (UTC)": "2020-01-01T00:00" });
}

/** Presses Tab until this has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  await expect(target).toBeFocused({ timeout: 1 });
}

/** WCAG 2.2 A and AA, by axe. */
export async function expectAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

/** The screens on which pages are looked at. */
export const screens = [
  { name: "light", use: { colorScheme: "light", viewport: { width: 1280, height: 844 } } },
  { name: "dark", use: { colorScheme: "dark", viewport: { width: 1280, height: 844 } } },
  { name: "phone", use: { colorScheme: "light", viewport: { width: 390, height: 844 } } },
] as const;

/** No wider than the screen. */
export async function fits(page: Page, what: string): Promise<void> {
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(isTooWide, `${what} scrolls sideways`).toBe(false);
}

/** A look at a page: accessible, no wider than the screen, and a picture of it. */
export function looks(info: TestInfo): (page: Page, what: string) => Promise<void> {
  return async (page, what) => {
    await expectAccessible(page);
    await fits(page, what);
    await page.screenshot({ path: info.outputPath(`${what.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
  };
}

/** Scrolls to a row, lets something come above it, and sees that the row stays where it is on the screen. */
export async function expectStaysInPlace(row: Locator, come: () => Promise<unknown>, seen: Locator): Promise<void> {
  await row.evaluate((element) => element.scrollIntoView({ block: "center", behavior: "instant" }));
  const place = async () => Math.round((await row.boundingBox())!.y);
  const before = await place();
  expect(await row.evaluate(() => window.scrollY), "there is nothing to scroll").toBeGreaterThan(0);
  await come();
  await expect(seen).toBeAttached();
  await expect.poll(place).toBe(before);
}
