/**
 * A whole deployment for tests: PostgreSQL, web, scheduler, gateway and agents, each a process of its own from `dist`,
 * as `deploy/README.md` starts them, on one machine and with short times. Everything can be killed and comes back.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import superjson from "superjson";
import type { AppRouter } from "../../server/trpc";
import { startPostgres } from "../../tools/pg/index.mjs";
import { ROOT } from "../../tools/lib/paths.mjs";
import { masterKeyFile } from "../../tools/up/services.mjs";
import { Child } from "../../tools/up/supervisor.mjs";
import { Link } from "./link";
import { until } from "./until";

export type Api = ReturnType<typeof createTRPCClient<AppRouter>>;
type Environment = Record<string, string | undefined>;
const run = promisify(execFile);
const dist = (...parts: string[]): string => path.join(ROOT, "dist", ...parts);

export interface AgentHandle {
  name: string;
  site: string;
  folder: string;
  child: Child;
  /** Its way to the gateway: can be cut without closing a socket. */
  link: Link;
}

/** Times in which tests notice what takes minutes in production. */
const FAST = { AGENT_HEARTBEAT_MS: "500", AGENT_SILENT_AFTER_MS: "3000", SCHEDULER_RESYNC_MS: "2000", GATEWAY_RESYNC_MS: "5000", LOG_LEVEL: "info" };

export class Deployment {
  readonly folder = mkdtempSync(path.join(tmpdir(), "holdfast-deployment-"));
  readonly agents = new Map<string, AgentHandle>();
  #postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;
  readonly #children = new Map<string, Child>();
  readonly #pids = new Map<string, number>();
  readonly #args = new Map<string, () => string[]>();
  #env: Environment = {};
  #ports = { web: 0, gateway: 0 };
  #lines: string[] = [];
  adminToken = "";
  administrator = { login: "", password: "" };

  /** Starts the database and the processes; ready when /api/health says so. `external` takes a PostgreSQL that runs already. */
  async start(o: { screens?: boolean; env?: Record<string, string>; external?: { appUrl: string; ownerUrl: string } } = {}): Promise<this> {
    mkdirSync(path.join(this.folder, "logs"), { recursive: true });
    this.#postgres = o.external ? undefined : await startPostgres({ home: path.join(this.folder, "postgres"), port: 0 });
    this.#ports = { web: await freePort(), gateway: await freePort() };
    const urls = o.external ?? this.postgres;
    this.#env = {
      ...pick(process.env, ["PATH", "HOME", "TMPDIR", "LANG", "TZ"]), NODE_ENV: "production", ...FAST, ...o.env,
      DATABASE_URL: urls.appUrl, HOLDFAST_MASTER_KEY_FILE: masterKeyFile(this.folder), HOLDFAST_PUBLIC_URL: this.url, GATEWAY_PUBLIC_ADDRESS: `127.0.0.1:${this.#ports.gateway}`,
      HOST: "127.0.0.1", PORT: String(this.#ports.web), GATEWAY_HOST: "127.0.0.1", GATEWAY_PORT: String(this.#ports.gateway), HOLDFAST_SCREENS: o.screens ? "true" : "false",
    };
    await run(process.execPath, [dist("server", "migrate.mjs")], { env: { ...this.#env, DATABASE_OWNER_URL: urls.ownerUrl } as unknown as NodeJS.ProcessEnv });
    const first = JSON.parse(await this.admin("first-admin", "--json")) as { login: string; password: string };
    this.administrator = { login: first.login, password: first.password };
    this.adminToken = await this.serviceToken("tests", "administrator");
    for (const name of ["gateway", "scheduler", "web"]) this.#spawn(name, () => [dist("server", `${name}.mjs`)]);
    await this.untilReady();
    return this;
  }

  get url(): string {
    return `http://localhost:${this.#ports.web}`;
  }
  get gatewayPort(): number {
    return this.#ports.gateway;
  }
  get postgres(): Awaited<ReturnType<typeof startPostgres>> {
    if (!this.#postgres) throw new Error("this deployment has no PostgreSQL of its own");
    return this.#postgres;
  }
  get environment(): Environment {
    return this.#env;
  }

  /** Runs the administrator's command line on the server and returns what it printed. */
  async admin(...args: string[]): Promise<string> {
    return (await run(process.execPath, [dist("server", "admin.mjs"), ...args], { env: this.#env as NodeJS.ProcessEnv })).stdout;
  }
  async serviceToken(name: string, role: string): Promise<string> {
    return (JSON.parse(await this.admin("service-token", "--name", name, "--role", role, "--project", "default", "--json")) as { token: string }).token;
  }
  /** The public API as a bearer of a token. */
  api(token = this.adminToken): Api {
    return createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${this.url}/api/trpc`, transformer: superjson, headers: { authorization: `Bearer ${token}` }, fetch: (u, i) => fetch(u as string, { ...(i as RequestInit), signal: AbortSignal.timeout(15_000) }) })] });
  }
  async upload(name: string, digest: string, bytes: Buffer): Promise<string> {
    const url = `${this.url}/api/artifacts/${encodeURIComponent(digest)}?project=default&name=${name}&mediaType=application/octet-stream`;
    const answer = await fetch(url, { method: "PUT", headers: { authorization: `Bearer ${this.adminToken}`, "content-type": "application/octet-stream" }, body: new Uint8Array(bytes) });
    if (!answer.ok) throw new Error(`upload of ${name}: ${answer.status} ${await answer.text()}`);
    return digest;
  }

  /** Enrols and starts an agent behind a link of its own. The site must exist. */
  async addAgent(name: string, site: string, slice = "cpu=500m,memory=256Mi,disk=256Mi"): Promise<AgentHandle> {
    const issued = await this.api().fleet.createJoinToken.mutate({ project: "default", site });
    const link = await Link.to(this.#ports.gateway);
    const folder = path.join(this.folder, "agents", name);
    mkdirSync(folder, { recursive: true });
    const child = this.#spawn(name, () => [dist("agent", "holdfast-agent.cjs"), "--data", folder, "--name", name, "--gateway", `127.0.0.1:${link.port}`, "--slice", slice, "--local-port", "0", "--stop-units-on-exit", "--token", issued.token, "--ca-fingerprint", issued.authorityFingerprint]);
    const handle: AgentHandle = { name, site, folder, child, link };
    this.agents.set(name, handle);
    return handle;
  }

  /** Starts the pilot as `npm run up` does: its own links, nine agents and workloads. Ready when all of its classifier serves. */
  async startPilot(): Promise<void> {
    const token = await this.serviceToken("pilot", "administrator");
    this.#spawn("pilot", () => [dist("pilot", "main.cjs"), "--server", this.url, "--token", token, "--gateway", `127.0.0.1:${this.#ports.gateway}`, "--data", this.folder], 40_000);
    type Health = { processes: { name: string; state: string }[] };
    const ready = async () => ((await (await fetch(`${this.url}/api/health`)).json()) as Health).processes.some((p) => p.name === "pilot" && p.state === "ready");
    await until("the pilot to be ready", ready, 180_000, () => this.log("pilot").slice(-3_000));
  }

  /** `kill -9` of a process by name; it is started again by its supervisor, as systemd would. Returns when it is gone. */
  async kill9(name: string): Promise<void> {
    if (name === "postgres") {
      const { pid } = this.postgres;
      process.kill(pid, "SIGKILL");
      await until(`PostgreSQL ${pid} to be gone`, () => !this.postgres.alive(), 20_000);
      this.#postgres = await startPostgres({ home: path.join(this.folder, "postgres"), port: this.postgres.port });
      return;
    }
    // It may just be starting again after the last kill: one cannot kill what is not there yet.
    await until(`${name} to run`, () => this.#pids.has(name), 60_000);
    const pid = this.pid(name);
    process.kill(pid, "SIGKILL");
    await until(`${name} to be started again`, () => this.#pids.get(name) !== undefined && this.#pids.get(name) !== pid, 30_000);
  }
  /** `kill -9` of a process that nobody starts again: its machine has died. `resume` is a new machine with the same disk. */
  async halt(name: string): Promise<void> {
    const pid = this.pid(name);
    const gone = this.#children.get(name)?.stop();
    process.kill(pid, "SIGKILL");
    await gone;
  }
  resume(name: string): void {
    const args = this.#args.get(name);
    if (!args) throw new Error(`${name} was never started`);
    this.#spawn(name, args);
  }
  pid(name: string): number {
    const pid = this.#pids.get(name);
    if (pid === undefined) throw new Error(`${name} is not running:\n${this.log(name)}`);
    return pid;
  }
  /** What a process wrote, for messages and for tests of log lines. */
  log(name: string): string {
    try {
      return readFileSync(path.join(this.folder, "logs", `${name}.log`), "utf8");
    } catch {
      return "";
    }
  }

  async untilReady(): Promise<void> {
    await until("the deployment to be ready", async () => (await fetch(`${this.url}/api/health`).catch(() => null))?.status === 200, 60_000, () => ["web", "gateway", "scheduler"].map((n) => `${n}:\n${this.log(n).slice(-1_500)}`).join("\n"));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.agents.values()].map(async (a) => this.#children.get(a.name)?.stop()));
    await Promise.all([...this.agents.values()].map((a) => a.link.close()));
    // The pilot first: it stops its agents with their units, and they say so.
    for (const name of ["pilot", "web", "scheduler", "gateway"]) await this.#children.get(name)?.stop();
    await this.#postgres?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(name: string, args: () => string[], graceMs = 20_000): Child {
    this.#args.set(name, args);
    const child = new Child({
      name, logFile: path.join(this.folder, "logs", `${name}.log`), graceMs,
      command: () => ({ args: args(), env: this.#env as NodeJS.ProcessEnv }),
      onProcess: (mark) => void (mark === undefined ? this.#pids.delete(name) : this.#pids.set(name, mark.pid)),
      say: (text) => void this.#lines.push(text),
    });
    this.#children.set(name, child);
    child.start();
    return child;
  }
}

const pick = (env: Environment, names: string[]): Environment => Object.fromEntries(names.flatMap((n) => (env[n] === undefined ? [] : [[n, env[n]]])));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
