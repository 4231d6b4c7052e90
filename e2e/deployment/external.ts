/**
 * A PostgreSQL that a deployment does not own: the distribution's own server where it is installed (15 on Debian 12),
 * otherwise another embedded one. Roles and database are made as `deploy/README.md` says.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { ensureDatabase, ensureRoles, onDatabase } from "../../tools/pg/databases.mjs";
import { startPostgres } from "../../tools/pg/index.mjs";
import { until } from "./until";

export interface ExternalPostgres {
  appUrl: string;
  ownerUrl: string;
  /** Such as "15.18". */
  version: string;
  stop(): Promise<void>;
}

export async function externalPostgres(): Promise<ExternalPostgres> {
  const bin = systemBinaries();
  const home = mkdtempSync(path.join(tmpdir(), "holdfast-external-"));
  if (!bin) {
    const embedded = await startPostgres({ home, port: 0 });
    return { appUrl: embedded.appUrl, ownerUrl: embedded.ownerUrl, version: await versionOf(embedded.adminUrl), stop: async () => (await embedded.stop(), rmSync(home, { recursive: true, force: true })) };
  }
  const account = accountFor();
  const data = path.join(home, "data");
  const password = randomBytes(12).toString("hex");
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = path.join(home, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) for (const p of [home, data, passwordFile]) chownSync(p, account.uid, account.gid);
  const made = spawnSync(path.join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8", "--locale=C.UTF-8"], { ...account, cwd: home, encoding: "utf8" });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const server: ChildProcess = spawn(path.join(bin, "postgres"), ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="], { ...account, cwd: home, stdio: "ignore" });
  const adminUrl = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  await until("the external PostgreSQL", async () => (await versionOf(adminUrl)) !== "", 30_000);
  const roles = { owner: randomBytes(12).toString("hex"), app: randomBytes(12).toString("hex") };
  await ensureRoles(adminUrl, roles);
  await ensureDatabase(adminUrl, "holdfast");
  const login = (role: string, secret: string): string => {
    const url = new URL(onDatabase(adminUrl, "holdfast"));
    url.username = role;
    url.password = secret;
    return url.href;
  };
  return {
    appUrl: login("holdfast_app", roles.app), ownerUrl: login("holdfast_owner", roles.owner), version: await versionOf(adminUrl),
    stop: async () => {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function systemBinaries(): string | null {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return null;
  const versions = readdirSync(root).filter((v) => Number(v) >= 15 && existsSync(path.join(root, v, "bin", "initdb"))).sort((a, b) => Number(a) - Number(b));
  return versions[0] === undefined ? null : path.join(root, versions[0], "bin");
}

/** PostgreSQL does not run as root. */
function accountFor(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync("/etc/passwd", "utf8").split("\n").map((l) => l.split(":")).find((f) => f[0] === "postgres" || f[0] === "nobody");
  return { uid: Number(line?.[2]), gid: Number(line?.[3]) };
}

async function versionOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query<{ server_version: string }>("show server_version")).rows[0]?.server_version ?? "";
  } catch {
    return "";
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
