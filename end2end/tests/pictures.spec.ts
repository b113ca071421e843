import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Locator, type Page } from "@playwright/test";

import { hadAnEvenDay, saysHowFar } from "../support/database";
import { Receiver } from "../support/hooks";
import { expect, logIn, open, queueDelay, queueNumbers, queueTask, queueTooLate, screens, signUp, someone, test as base } from "../support/people";
import { bulkOfNothing, chain, schedule } from "../support/queue";
import { administrator, launch, type Running } from "../support/server";

/** A program of its own, so that nobody else's tasks are in the pictures, and somebody who takes its webhooks. */
const test = base.extend<{}, { hooksTo: string; program: Running }>({
  hooksTo: [
    async ({}, use) => {
      const receiver = new Receiver();
      await receiver.start();
      await use(`http://127.0.0.1:${receiver.port}/`);
      await receiver.stop();
    },
    { scope: "worker" },
  ],
  program: [
    async ({ hooksTo }, use) => {
      const program = await launch({
        STARTER__WEBHOOK__ALLOWED_NETWORKS: "127.0.0.0/8",
        STARTER__WEBHOOK__ALLOWED_PORTS: new URL(hooksTo).port,
      });
      await use(program);
      await program.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ program }, use) => use(program.url),
});

/** The same letters on every machine. */
const font = readFileSync(createRequire(import.meta.url).resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"));
const style = `
  @font-face { font-family: "Pictured"; font-weight: 100 900; src: url(data:font/woff2;base64,${font.toString("base64")}); }
  * { font-family: "Pictured" !important; }
`;

/**
 * Compares the page, or its first screen, with the picture of it that is kept in end2end/pictures, but for times, ports and what took how long. Whoever changes the looks on purpose takes them anew:
 * `STARTER_BIN=../target/debug/starter node_modules/.bin/playwright test pictures --update-snapshots`, and looks at what git says.
 */
async function compare(page: Page, path: string, name: string, fullPage: boolean): Promise<void> {
  await openPictured(page, path);
  await expect(page).toHaveScreenshot(`${name}.png`, { ...tolerance, fullPage, mask: [changing(page)] });
}

async function openPictured(page: Page, path: string): Promise<void> {
  const answer = await page.goto(path, { waitUntil: "networkidle" });
  expect(answer!.ok(), path).toBe(true);
  await page.addStyleTag({ content: style });
  await page.evaluate(() => document.fonts.ready);
}

/** A button that is gone is 4 of 1,000 pixels; the id of a task, which is another one each time, is 1. */
const tolerance = { animations: "disabled", maxDiffPixelRatio: 0.003 } as const;

function changing(page: Page): Locator {
  const times = page.locator("time, .timeline p, .kv code, .stat strong, figure, [data-label=Took], [data-label=First]");
  // Ids, times and names in a payload, and ports.
  const texts = page.locator("dd", { hasText: /[0-9a-f-]{36}|T\d\d:\d\d:|own_\d/ });
  return times.or(texts).or(page.getByText(/127\.0\.0\.1:\d+/));
}

// One after the other: the second of them would see what the first has queued.
test.describe.configure({ mode: "serial" });
test.use({ bypassCSP: true });

for (const { name, use } of screens) {
  test.describe(`on a ${name} screen`, () => {
    test.use(use);

    test("pages look as they did", async ({ page, request, hooksTo, program }) => {
      test.setTimeout(240_000);
      // On a phone a line more or less, by the width of a number, would move all below it.
      const look = (path: string, what: string) => compare(page, path, `${name}-${what}`, name !== "phone");
      await look("/", "home");
      await look("/login", "login");
      await look("/register", "register");
      await signUp(page, "ada", { ...someone("ada"), username: `ada-${name}`, email: `ada-${name}@example.com` });
      await queueNumbers(page, "3 1 4 1 5 9 2 6");
      await expect(page.locator("[data-status=completed]")).toBeVisible();
      const task = new URL(page.url()).pathname;
      await queueTooLate(page);
      await expect(page.locator("[data-status=failed]")).toBeVisible();
      const failed = new URL(page.url()).pathname;
      await queueTask(page, "webhook", { Address: hooksTo });
      await expect(page.locator("[data-status=completed]")).toBeVisible();
      const delivered = new URL(page.url()).pathname;
      await queueTask(page, "data_processing", { CSV: "city,amount\nRome,1\nOslo,2.5", Column: "amount", "Group by": "city" });
      await expect(page.locator("[data-status=completed]")).toBeVisible();
      const grouped = new URL(page.url()).pathname;
      await queueDelay(page, 600);
      await expect(page.locator("[data-status=running]")).toBeVisible();
      const running = new URL(page.url()).pathname;
      await saysHowFar(program.database, running.split("/").pop()!);
      await look("/dashboard", "dashboard");
      await look("/tasks", "tasks");
      await look("/tasks?status=failed", "failed-tasks");
      await look("/tasks/new?kind=email", "new-task");
      await look("/tasks/new?kind=webhook", "new-webhook");
      await look("/tasks/new?kind=data_processing", "new-figures");
      await look(running, "running");
      await look(grouped, "groups");
      await look(task, "completed");
      await look(failed, "failed");
      await look(`${failed}/retry`, "retry");
      await look(delivered, "webhook");
      await look("/tasks/dead", "dead-letter");
      await look("/notes", "notes");
      await look("/notifications", "notifications");
      await look("/account", "account");
      await look("/account/api-keys", "api-keys");
      await page.context().clearCookies();
      await logIn(page, administrator);
      // What workers and schedules there are, and the width of their names, differs.
      await compare(page, "/tasks/overview", `${name}-overview`, false);
      await hadAnEvenDay(program.database);
      await openPictured(page, "/tasks/overview?period=24h");
      await expect(page.locator(".charts")).toHaveScreenshot(`${name}-graphs.png`, { ...tolerance, mask: [page.locator(".ends")] });
      const [, second] = await chain(request, 3);
      await open(page, second!);
      await expect(page.locator("header [data-status=completed]")).toBeVisible();
      await look(second!, "chain");
      const bulk = await bulkOfNothing(request);
      await open(page, bulk);
      await expect(page.locator("header [data-status=completed]")).toBeVisible();
      await look(bulk, "bulk-done");
      await look(`/tasks/schedules/${await schedule(request, `the ${name} one`)}`, "schedule");
      await look("/tasks/bulk?do=cancel", "bulk");
      await look("/users", "users");
      await look("/admin/permissions", "permissions");
    });
  });
}
