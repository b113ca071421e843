import { defineConfig } from "@playwright/test";

// One server, with its worker, on the embedded PostgreSQL of a folder of its own; started and stopped by ./support/server.ts.
export default defineConfig({
  testDir: "tests",
  globalSetup: "./support/server.ts",
  timeout: 90_000,
  expect: { timeout: 15_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  outputDir: "test-results",
  snapshotPathTemplate: "pictures/{arg}{ext}",
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
    trace: "retain-on-failure",
  },
  projects: [
    { name: "with JavaScript", testIgnore: /plain\.spec\.ts/ },
    { name: "without JavaScript", testMatch: /plain\.spec\.ts/, use: { javaScriptEnabled: false } },
  ],
});
