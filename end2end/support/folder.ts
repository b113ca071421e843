import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fixture: a folder for the files of one test, that goes with it. */
export const folder = async ({}, use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "starter-end2end-files-"));
  await use(folder);
  rmSync(folder, { recursive: true });
};
