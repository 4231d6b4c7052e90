/**
 * `npm run bench -- first-load [--json] [--calls N] [--runs N] [--only TEXT] [--no-browser]`
 *
 * What a person waits for in a large installation (10,000 nodes, 50,000 units): JavaScript sent for Fleet and Topology,
 * time to interactive and to the first live update in Chromium (medians), and the p95 of every list and detail. Ends
 * with code 1 when a limit is passed. With `--json` its last line is one JSON object.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { makeInstallation } from "./lib/installation";
import { FULL, seedLargeFleet } from "./lib/large-fleet";
import { measurePages } from "./lib/pages";
import { measureProcedures, query } from "./lib/procedures";

const LIMITS = { procedureP95Ms: 150, fleetKb: 300, topologyKb: 400, interactiveMs: 3_000, firstLiveUpdateMs: 2_000 } as const;

const { values: flags } = parseArgs({ options: { json: { type: "boolean", default: false }, calls: { type: "string", default: "40" }, runs: { type: "string", default: "5" }, only: { type: "string" }, "no-browser": { type: "boolean", default: false } } });
const say = (line: string) => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
const root = path.resolve(process.cwd());

const installation = await makeInstallation(root);
let stopping: Promise<void> | undefined;
const stop = () => (stopping ??= installation.stop());
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop().then(() => process.exit(130)));
try {
  const seededFrom = performance.now();
  say("seeding");
  await seedLargeFleet(installation.ownerUrl, FULL, (line) => say(`  ${line}`));
  const seedMs = Math.round(performance.now() - seededFrom);
  await installation.startWeb();
  const { token } = installation.admin("service-token", "--name", "bench", "--role", "administrator") as { token: string };

  say("lists and details, over HTTP, one after another");
  const procedures = await measureProcedures({ url: installation.url, token, size: FULL, calls: Number(flags.calls), only: flags.only, say });

  let pages: Awaited<ReturnType<typeof measurePages>> = [];
  if (!flags["no-browser"]) {
    say("pages, in Chromium with an empty cache");
    // The first nodes of the list as Fleet shows it, so that their rows are on screen; they are of one site.
    const { value } = await query<{ items: { id: string; name: string; site: string }[] }>(installation.url, token, "fleet.nodes", { limit: 20, sort: "site" });
    pages = await measurePages({ url: installation.url, ownerUrl: installation.ownerUrl, sessionToken: await signedIn(), nodes: value.items, runs: Number(flags.runs), say });
  }

  const passed: string[] = [];
  for (const p of procedures) if (p.limited && p.p95Ms > LIMITS.procedureP95Ms) passed.push(`${p.name}: p95 ${p.p95Ms} ms, limit ${LIMITS.procedureP95Ms} ms`);
  for (const p of pages) {
    const kb = p.page === "Fleet" ? LIMITS.fleetKb : LIMITS.topologyKb;
    if (p.javaScriptKb > kb) passed.push(`${p.page}: ${p.javaScriptKb} kB of JavaScript, limit ${kb} kB`);
    if (p.interactiveMs > LIMITS.interactiveMs) passed.push(`${p.page}: interactive after ${p.interactiveMs} ms, limit ${LIMITS.interactiveMs} ms`);
    if (p.firstLiveUpdateMs > LIMITS.firstLiveUpdateMs) passed.push(`${p.page}: first live update after ${p.firstLiveUpdateMs} ms, limit ${LIMITS.firstLiveUpdateMs} ms`);
  }
  say(passed.length === 0 ? "every limit kept" : `limits passed:\n  ${passed.join("\n  ")}`);
  if (flags.json) process.stdout.write(`${JSON.stringify({ bench: "first-load", size: FULL, limits: LIMITS, seedMs, procedures, pages, passed, ok: passed.length === 0 })}\n`);
  process.exitCode = passed.length === 0 ? 0 : 1;
} finally {
  await stop();
}

/** A session of a person: the first administrator, with the one-time password changed. */
async function signedIn(): Promise<string> {
  const call = async <T>(procedure: string, input: unknown, token?: string): Promise<T> => {
    const answer = await fetch(`${installation.url}/api/trpc/${procedure}`, { method: "POST", headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) }, body: JSON.stringify({ json: input }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${procedure}: ${answer.status} ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { result: { data: { json: T } } }).result.data.json;
  };
  const { login, password } = installation.admin("first-admin") as { login: string; password: string };
  const first = await call<{ token: string }>("access.signInToken", { login, password });
  const next = "a long sentence that nobody guesses 7";
  await call("me.changePassword", { current: password, next }, first.token);
  return (await call<{ token: string }>("access.signInToken", { login, password: next })).token;
}
