import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Made by the server at its start. */
export const administrator = { username: "admin", password: "a passphrase for the end-to-end tests" };

const root = resolve(import.meta.dirname, "../..");

/** A program that runs: its address, the socket of its database, and how it ends. */
export type Running = { url: string; database: string; stop: () => Promise<void> };

/** Starts the program with its worker, as a user does, on a database of its own. */
export async function launch(settings: Record<string, string> = {}): Promise<Running> {
  const data = mkdtempSync(join(tmpdir(), "starter-end2end-"));
  const { DATABASE_URL: _, ...environment } = process.env;
  const server = spawn(process.env.STARTER_BIN ?? join(root, "target/debug/starter"), ["serve", "--worker", "--port", "0"], {
    cwd: root,
    env: {
      ...environment,
      STARTER__DATABASE__DATA_DIR: join(data, "postgres"),
      STARTER__DATABASE__DURABLE: "false",
      // Two browsers, axe and a program without optimization share what may be a busy machine: late is no refusal here.
      STARTER__DATABASE__ACQUIRE_TIMEOUT_MS: "10000",
      STARTER__MAIL__FOLDER: join(data, "mail"),
      STARTER__WORKER__GRACE_SECONDS: "1",
      // Everybody here comes from one address.
      STARTER__LIMITS__REGISTER_PER_ADDRESS: "off",
      STARTER__LIMITS__LOGIN_PER_ADDRESS: "off",
      STARTER__LIMITS__RESET_PER_ADDRESS: "off",
      STARTER__INITIAL_ADMIN_PASSWORD: administrator.password,
      ...settings,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await address(server);
  const stop = async () => {
    const ended = new Promise((done) => server.once("exit", done));
    server.kill("SIGTERM");
    await ended;
    rmSync(data, { recursive: true, force: true });
    rmSync(`${data}.locks`, { recursive: true, force: true });
  };
  return { url, database: join(data, "postgres", ".s.PGSQL.5432"), stop };
}

/** The server that most tests share: tells them its address, and ends after them. */
export default async function start(): Promise<() => Promise<void>> {
  const { url, database, stop } = await launch();
  process.env.STARTER_URL = url;
  process.env.STARTER_POSTGRES = database;
  return stop;
}

function address(server: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let said = "";
    server.stdout!.on("data", (bytes) => {
      said += bytes;
      const url = /ready on (http:\/\/\S+)/.exec(said)?.[1];
      if (url) found(url);
    });
    server.once("exit", (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
  });
}
