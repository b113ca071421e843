import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { APIRequestContext, Page } from "@playwright/test";

import { expect, open, signUp, test as base } from "../support/people";
import { launch } from "../support/server";

/** Tasks of each part. */
const SAMPLES = Number(process.env.STARTER_BENCH_SAMPLES ?? 100);
/** So many tasks are queued each 100 ms in the busy part; each is three events: queued, claimed, completed. */
const BESIDE = 4;

/** Milliseconds of one part. */
type Part = { shown: number[]; changed: number[]; events_per_second: number };

const test = base.extend<{ baseURL: string }>({
  baseURL: async ({}, use) => {
    const program = await launch({ STARTER__DATABASE__DURABLE: "true", RUST_LOG: "error" });
    await use(program.url);
    await program.stop();
  },
});

/** Notes from now on when a row first stood on the screen in each state, after the frame that drew it. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const drawn: Record<string, number> = {};
    const noted = new Set<string>();
    Object.assign(window, { drawn });
    const look = () => {
      for (const row of document.querySelectorAll("tbody tr")) {
        const state = `${row.querySelector("a")?.getAttribute("href")} ${row.querySelector("[data-status]")?.getAttribute("data-status")}`;
        if (noted.has(state)) continue;
        noted.add(state);
        requestAnimationFrame(() => requestAnimationFrame(() => (drawn[state] = Date.now())));
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
  });
}

/** From just before this is sent until the screen shows it. */
async function timed(page: Page, state: (id: string) => string, send: () => Promise<string>): Promise<{ id: string; took: number }> {
  const began = Date.now();
  const id = await send();
  const drawn = await page.waitForFunction((state) => (window as unknown as { drawn: Record<string, number> }).drawn[state], state(id), { polling: 20 });
  return { id, took: (await drawn.jsonValue()) - began };
}

async function part(page: Page, request: APIRequestContext, headers: Record<string, string>): Promise<Omit<Part, "events_per_second">> {
  const found = { shown: [] as number[], changed: [] as number[] };
  const scheduled_at = new Date(Date.now() + 86_400_000).toISOString();
  const data = { task_type: "delay_task", payload: { delay_seconds: 0 }, priority: "high", scheduled_at };
  for (let sample = 0; sample < SAMPLES; sample++) {
    // At any moment of the client's rest after a read.
    await pause(Math.random() * 1000);
    const shown = await timed(page, (id) => `/tasks/${id} pending`, async () => {
      const queued = await request.post("/api/v1/tasks", { headers, data });
      return (await queued.json()).data.id;
    });
    found.shown.push(shown.took);
    await pause(Math.random() * 1000);
    const changed = await timed(page, (id) => `/tasks/${id} cancelled`, async () => {
      await request.post(`/api/v1/tasks/${shown.id}/cancel`, { headers });
      return shown.id;
    });
    found.changed.push(changed.took);
  }
  return found;
}

test("how long a change takes to the screen", async ({ page, request }) => {
  const person = await signUp(page, "ada");
  const login = await request.post("/api/v1/auth/login", { data: { username: person.username, password: person.password } });
  const headers = { Authorization: `Bearer ${(await login.json()).data.session_token}` };
  await open(page, "/tasks?priority=high");
  await expect(page.getByText("No tasks here.")).toBeVisible();
  await watch(page);
  const quiet: Part = { ...(await part(page, request, headers)), events_per_second: 0 };

  const tasks = Array.from({ length: BESIDE }, () => ({ task_type: "delay_task", payload: { delay_seconds: 0 } }));
  const sent: Promise<number>[] = [];
  const beside = setInterval(() => {
    const queued = request.post("/api/v1/tasks/batch", { headers, data: { tasks } });
    sent.push(queued.then((answer) => (answer.ok() ? BESIDE : 0)));
  }, 100);
  const began = Date.now();
  const found = await part(page, request, headers);
  clearInterval(beside);
  const seconds = (Date.now() - began) / 1000;
  const tasksSent = (await Promise.all(sent)).reduce((sum, count) => sum + count, 0);
  const busy: Part = { ...found, events_per_second: (3 * tasksSent) / seconds };
  writeFileSync(process.env.STARTER_BENCH_REPORT!, JSON.stringify({ quiet, busy }));
});
