import { defineConfig } from "@playwright/test";

import tests from "./playwright.config";

// What `cargo xtask bench screen` measures: the same browser, a program of its own, and nothing beside it.
export default defineConfig({ ...tests, testDir: "bench", globalSetup: undefined, workers: 1, timeout: 1_200_000, projects: [{ name: "bench" }] });
