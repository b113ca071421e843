import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Page } from "@playwright/test";

import { folder } from "../support/folder";
import { Receiver } from "../support/hooks";
import { expect, expectAccessible, logIn, open, test as base } from "../support/people";
import { attempts } from "../support/queue";
import { administrator, launch } from "../support/server";
import { Sink } from "../support/smtp";

/** Letters of the thousand tasks, and how many of those the mail server takes before it breaks. */
const [LETTERS, TAKEN] = [300, 60];

/** A program of its own that sends by a mail server of its own: what is broken here disturbs no other test. */
const test = base.extend<{ sink: Sink; receiver: Receiver; folder: string; baseURL: string }>({
  sink: async ({}, use) => {
    const sink = new Sink();
    await sink.start();
    await use(sink);
    await sink.stop();
  },
  receiver: async ({}, use) => {
    const receiver = new Receiver();
    await receiver.start();
    await use(receiver);
    await receiver.stop();
  },
  folder,
  baseURL: async ({ sink, receiver, folder }, use) => {
    const program = await launch({
      STARTER__FILES__CLEANUP_ROOT: folder,
      STARTER__WEBHOOK__ALLOWED_NETWORKS: "127.0.0.0/8",
      STARTER__WEBHOOK__ALLOWED_PORTS: String(receiver.port),
      STARTER__MAIL__TRANSPORT: "smtp",
      STARTER__MAIL__SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
      STARTER__LIMITS__EMAIL_PER_ACCOUNT: "off",
    });
    await use(program.url);
    await program.stop();
  },
});

test.use({ viewport: { width: 1280, height: 1140 } });

/** The pictures of docs/guides/11-an-outage.md, into the folder that is asked for. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.STARTER_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
}

/** The thousand tasks. */
const kinds = { email: LETTERS, data_processing: 300, delay_task: 180, notification: 100, webhook: 80, file_cleanup: 20, report_generation: 20 };

/** Those tasks. A letter is tried once, so that an outage leaves some of them dead. */
function mixed(hooksTo: string): object[] {
  const today = new Date().toISOString().slice(0, 10);
  const many = (count: number, make: (number: number) => object) => Array.from({ length: count }, (_, number) => make(number));
  return [
    ...many(LETTERS, (number) => ({
      task_type: "email",
      retry_strategy: "none",
      payload: { to: `reader-${number}@example.com`, subject: "The news of the month", body: "Nothing broke." },
    })),
    ...many(kinds.data_processing, (number) => ({ task_type: "data_processing", payload: { operation: "sum", data: [number, 1] } })),
    ...many(kinds.delay_task, () => ({ task_type: "delay_task", payload: { delay_seconds: 0 } })),
    ...many(kinds.notification, (number) => ({ task_type: "notification", payload: { text: `Part ${number} is done` } })),
    ...many(kinds.webhook, (number) => ({ task_type: "webhook", payload: { url: hooksTo, method: "POST", payload: { number } } })),
    ...many(kinds.file_cleanup, (number) => ({ task_type: "file_cleanup", payload: { file_path: ".", max_age_hours: 0, pattern: `${number}.log`, dry_run: false } })),
    ...many(kinds.report_generation, () => ({ task_type: "report_generation", payload: { report_type: "tasks", start_date: today, end_date: today } })),
  ];
}

/** How many tasks of a kind stand there. */
async function count(page: Page, task_type: string, status: "pending" | "completed" | "failed"): Promise<number> {
  const action = status === "pending" ? "cancel" : "delete";
  const asked = await page.request.post("/api/v1/tasks/bulk", { data: { action, task_type, status, dry_run: true } });
  return (await asked.json()).data.tasks;
}

/** How many of each kind are done. */
async function done(page: Page): Promise<Record<string, number>> {
  const counts = Object.keys(kinds).map(async (kind) => [kind, await count(page, kind, "completed")]);
  return Object.fromEntries(await Promise.all(counts));
}

test("a mail server is away for a while: failures are seen, the breaker opens, nothing is lost, and the dead run again in two clicks", async ({ page, sink, receiver, folder }) => {
  test.setTimeout(300_000);
  for (let number = 0; number < kinds.file_cleanup; number++) writeFileSync(join(folder, `${number}.log`), "nobody reads this");
  sink.breaksAfter = TAKEN;
  await logIn(page, administrator);
  await open(page, "/tasks/overview");
  await expect(page.getByText("The queue is healthy.")).toBeVisible();
  await picture(page, "1-healthy");

  const queued = await page.request.post("/api/v1/tasks/batch", { data: { tasks: mixed(`http://127.0.0.1:${receiver.port}/`) } });
  expect(queued.status()).toBe(201);

  // The page is not loaded again: it hears what happens.
  const letters = page.getByRole("row", { name: "email" });
  await expect(letters.getByText("open", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(page.locator("[data-health=bad]")).toContainText("email");
  await picture(page, "2-open");
  await expectAccessible(page);
  const { done: shown } = await attempts(page);
  await expect.poll(shown, { timeout: 60_000 }).toBeGreaterThanOrEqual(1000 - LETTERS + TAKEN);

  // All else is done; of the letters each is sent, dead, or waits for its turn.
  await expect.poll(() => done(page), { timeout: 60_000 }).toEqual({ ...kinds, email: TAKEN });
  const dead = await count(page, "email", "failed");
  expect(dead).toBeGreaterThanOrEqual(20);
  expect(await count(page, "email", "pending")).toBe(LETTERS - TAKEN - dead);

  await open(page, "/tasks/dead");
  await expect(page.getByRole("row", { name: "Email" }).first()).toBeVisible();
  await picture(page, "3-dead");
  await expectAccessible(page);

  sink.breaksAfter = Infinity;
  await sink.start();
  await open(page, "/tasks/overview");
  // Probes find the mail server back, and close the breaker.
  await expect(letters.getByText("closed", { exact: true })).toBeVisible({ timeout: 120_000 });
  await expect(letters.getByRole("cell").nth(1)).toHaveText("0", { timeout: 60_000 });

  await open(page, "/tasks/dead");
  await page.getByRole("link", { name: "Run again all" }).click();
  await picture(page, "4-run-again");
  await page.getByRole("button", { name: /^Run again: \d+ task/ }).click();

  await expect.poll(() => done(page), { timeout: 60_000 }).toEqual(kinds);
  await open(page, "/tasks/dead");
  await expect(page.getByText("Nothing has failed for good.")).toBeVisible();
  await open(page, "/tasks/overview");
  await expect(page.getByText("The queue is healthy.")).toBeVisible();
  await picture(page, "5-healthy-again");

  await open(page, "/tasks?type=webhook");
  await page.getByRole("row").getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Deliveries" })).toBeVisible();
  await expectAccessible(page);
  expect(new Set(sink.received).size, "each letter came").toBe(LETTERS);
  expect(new Set(receiver.received).size, "each webhook came").toBe(kinds.webhook);
  expect(readdirSync(folder), "what was old is gone").toEqual([]);
});
