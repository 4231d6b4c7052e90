/** An installation of its own for a benchmark: an embedded PostgreSQL, migrated, and the web process from `dist`. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { startPostgres } from "../../tools/pg/index.mjs";
import { migrate } from "../../server/store/migrate";
import { benchEnv } from "../env";

export interface Installation {
  url: string;
  ownerUrl: string;
  appUrl: string;
  dir: string;
  /** Starts the web process and waits until it answers. */
  startWeb(): Promise<void>;
  /** Runs a command of the server's administration and gives its JSON. */
  admin(...args: string[]): Record<string, unknown>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Makes it below a temporary folder, which `stop` removes. `root` is the checkout. */
export async function makeInstallation(root: string): Promise<Installation> {
  const dir = mkdtempSync(path.join(os.tmpdir(), "holdfast-bench-"));
  const server = await startPostgres({ home: path.join(dir, "postgres"), port: 0 });
  await migrate({ ownerUrl: server.ownerUrl, appUrl: server.appUrl, folder: path.join(root, "prisma/migrations") });
  const keyFile = path.join(dir, "master.key");
  writeFileSync(keyFile, randomBytes(32).toString("base64"), { mode: 0o600 });
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = {
    PATH: benchEnv.path, NODE_ENV: "production", DATABASE_URL: server.appUrl, DATABASE_OWNER_URL: server.ownerUrl, HOLDFAST_MASTER_KEY_FILE: keyFile, HOLDFAST_PUBLIC_URL: url, PORT: String(port), HOST: "127.0.0.1",
    // Nodes of the seeded fleet were last seen when it was written; they must not fall silent while it is measured.
    AGENT_SILENT_AFTER_MS: "86400000", LOG_LEVEL: "warn",
  } as const;
  const stops: (() => Promise<void> | void)[] = [() => server.stop()];

  return {
    url,
    ownerUrl: server.ownerUrl,
    appUrl: server.appUrl,
    dir,
    async startWeb() {
      const logFile = path.join(dir, "web.log");
      const log = createWriteStream(logFile);
      const child = spawn(process.execPath, [path.join(root, "dist/server/web.mjs")], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.pipe(log);
      child.stderr.pipe(log);
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      stops.push(async () => {
        child.kill("SIGTERM");
        await exited;
      });
      for (const until = performance.now() + 60_000; performance.now() < until; ) {
        if (child.exitCode !== null) throw new Error(`the web process ended with ${child.exitCode}: ${readFileSync(logFile, "utf8").slice(-2_000)}`);
        const live = await fetch(`${url}/api/health/ready`).then((r) => r.ok, () => false);
        if (live) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error("the web process did not answer within a minute");
    },
    admin(...args) {
      const done = spawnSync(process.execPath, [path.join(root, "dist/server/admin.mjs"), ...args, "--json"], { cwd: root, env, encoding: "utf8" });
      if (done.status !== 0) throw new Error(`admin ${args.join(" ")} failed: ${done.stderr}`);
      return JSON.parse(done.stdout) as Record<string, unknown>;
    },
    async stop() {
      for (const stop of stops.reverse()) await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
