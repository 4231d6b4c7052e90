/**
 * Set-up of a run of integration tests: one PostgreSQL, and in it one migrated database that each test file copies.
 * With HOLDFAST_TEST_DATABASE_URL (a superuser's address) an external PostgreSQL is used; otherwise an embedded one is
 * started below the system's temporary folder, and stopped and removed at the end.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { readEnv, testEnv } from "../platform";
import { migrate } from "../store/migrate";
import { dropDatabase, ensureDatabase, ensureRoles, onDatabase, withLogin } from "./pg-admin";
import type { TestServer } from "./pg-admin";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: TestServer;
  }
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const PASSWORDS = { owner: "test-owner", app: "test-app" };

async function external(adminUrl: string): Promise<{ adminUrl: string; stop: () => Promise<void> }> {
  return { adminUrl, stop: async () => undefined };
}

async function embedded(): Promise<{ adminUrl: string; stop: () => Promise<void> }> {
  const { startPostgres } = (await import("../../tools/pg/index.mjs" as string)) as { startPostgres(o: { home: string; port: number; durable: boolean }): Promise<{ adminUrl: string; stop(): Promise<void> }> };
  const home = mkdtempSync(path.join(os.tmpdir(), "holdfast-test-pg-"));
  const server = await startPostgres({ home, port: 0, durable: false });
  return {
    adminUrl: server.adminUrl,
    stop: async () => {
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The store imports the generated client; a fresh clone that runs one test file directly has none yet.
  if (!existsSync(path.join(root, "server/store/generated/client.ts"))) execFileSync("npx", ["prisma", "generate"], { cwd: root, stdio: "ignore" });
  const chosen = readEnv(testEnv).HOLDFAST_TEST_DATABASE_URL;
  const server = chosen ? await external(chosen) : await embedded();
  const template = `holdfast_template_${process.pid}`;
  await ensureRoles(server.adminUrl, PASSWORDS);
  await ensureDatabase(server.adminUrl, template);
  await migrate({
    ownerUrl: withLogin(onDatabase(server.adminUrl, template), "holdfast_owner", PASSWORDS.owner),
    appUrl: withLogin(onDatabase(server.adminUrl, template), "holdfast_app", PASSWORDS.app),
    folder: path.join(root, "prisma/migrations"),
  });
  project.provide("postgres", { adminUrl: server.adminUrl, template, passwords: PASSWORDS });
  return async () => {
    await dropDatabase(server.adminUrl, template);
    await server.stop();
  };
}
