import { expect, type APIRequestContext, type Page } from "@playwright/test";

import { administrator } from "./server";

/** What a program of the administrator sends along. */
export async function operator(request: APIRequestContext): Promise<{ Authorization: string }> {
  const login = await request.post("/api/v1/auth/login", { data: administrator });
  return { Authorization: `Bearer ${(await login.json()).data.session_token}` };
}

/** A type of which no other test has tasks: holding it back disturbs nobody. */
export async function ownType(request: APIRequestContext): Promise<string> {
  const name = `own_${process.pid}_${Date.now()}`;
  const entered = await request.post("/api/v1/tasks/types", { headers: await operator(request), data: { task_type: name } });
  expect(entered.status()).toBe(200);
  return name;
}

/** Queues a sum that is larger than any number, so it fails at once with an error of its own, and lands on its page. */
export async function queueTooLarge(page: Page): Promise<void> {
  await page.goto("/tasks/new?kind=data_processing");
  await page.getByLabel("Numbers").fill("1e308, 1e308");
  await page.getByRole("button", { name: "Queue task" }).click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}/);
}
