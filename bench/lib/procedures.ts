/** Lists and details as a client calls them: one HTTP request each, through the web process, with a service token. */
import { nameOfNode, nameOfSite, nameOfWorkload } from "./large-fleet";
import type { FleetSize } from "./large-fleet";
import { median, quantile, round } from "./numbers";

export interface Measured {
  name: string;
  /** False for what is neither a list nor a detail of the store, but looks at the whole fleet: measured beside the limit. */
  limited: boolean;
  p50Ms: number;
  p95Ms: number;
  calls: number;
  bytes: number;
}

type Input = Record<string, unknown>;
interface Page {
  items: unknown[];
  nextCursor: string | null;
}

/** Calls a query; throws with what the server said when it refuses. */
export async function query<T>(url: string, token: string, procedure: string, input: Input): Promise<{ value: T; bytes: number }> {
  const answer = await fetch(`${url}/api/trpc/${procedure}?input=${encodeURIComponent(JSON.stringify({ json: { project: "default", ...input } }))}`, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${procedure} ${JSON.stringify(input)}: ${answer.status} ${text.slice(0, 400)}`);
  return { value: (JSON.parse(text) as { result: { data: { json: T } } }).result.data.json, bytes: text.length };
}

/** A list: its first page, then page after page by its own cursors, from the start again at the end. */
const pages = (procedure: string, input: Input = {}) => ({ procedure, next: (i: number, last: Page | undefined): Input => ({ limit: 50, ...input, ...(last?.nextCursor && i % 10 !== 0 ? { cursor: last.nextCursor } : {}) }) });
/** A detail: another thing each time, spread over all there are. */
const details = (procedure: string, of: (i: number) => Input) => ({ procedure, next: (i: number): Input => of(i) });

/** What is measured, by the name in the report. */
function plan(size: FleetSize): Record<string, { procedure: string; next: (i: number, last: Page | undefined) => Input }> {
  const spread = (i: number, n: number) => (i * 7_919) % n;
  const unit = (i: number) => `${nameOfWorkload(spread(i, size.workloads))}-${spread(i, Math.floor(size.units / size.workloads))}`;
  return {
    "home": details("home.get", () => ({})),
    "topology": details("fleet.topology", () => ({})),
    "search": details("search.find", (i) => ({ q: nameOfNode(spread(i, size.nodes)) })),
    "sites list": details("fleet.sites", () => ({})),
    "site detail": details("fleet.site", (i) => ({ name: nameOfSite(spread(i, size.sites)) })),
    "nodes list": pages("fleet.nodes"),
    "nodes list by site": pages("fleet.nodes", { sort: "site" }),
    "nodes list by state": pages("fleet.nodes", { sort: "state" }),
    "nodes list silent": pages("fleet.nodes", { state: "silent" }),
    "nodes list text": pages("fleet.nodes", { q: "node-0999" }),
    "node detail": details("fleet.node", (i) => ({ name: nameOfNode(spread(i, size.nodes)) })),
    "units list": pages("fleet.units"),
    "units list of a workload": pages("fleet.units", { workload: nameOfWorkload(3) }),
    "units list failing": pages("fleet.units", { state: "failing" }),
    "unit detail": details("fleet.unit", (i) => ({ assignmentId: `assignment-${unit(i)}` })),
    "workloads list": pages("workloads.list"),
    "workload detail": details("workloads.get", (i) => ({ name: nameOfWorkload(spread(i, size.workloads)) })),
    "workload revisions": details("workloads.revisions", (i) => ({ name: nameOfWorkload(spread(i, size.workloads)) })),
    "decisions list": pages("placement.decisions"),
    "decisions of a workload": pages("placement.decisions", { workload: nameOfWorkload(5) }),
    "decision detail": details("placement.decision", (i) => ({ id: `decision-${unit(i)}` })),
    "decision explained": details("placement.explain", (i) => ({ unit: unit(i) })),
    "rollouts list": pages("rollouts.list"),
    "rollouts list open": pages("rollouts.list", { open: true }),
    "rollout detail": details("rollouts.get", (i) => ({ number: 1 + spread(i, size.rollouts) })),
    "approvals list": pages("approvals.list"),
    "approvals list pending": pages("approvals.list", { state: "pending" }),
    "approval detail": details("approvals.get", (i) => ({ id: `approval-${spread(i, size.rollouts)}` })),
    "audit list": pages("audit.list"),
    "audit list by actor": pages("audit.list", { actor: "ada-4" }),
    "audit list by object": pages("audit.list", { object: "object-77" }),
    "audit list refused": pages("audit.list", { outcome: "refused" }),
    "audit detail": details("audit.get", (i) => ({ seq: String(1 + spread(i, size.auditEntries)) })),
  };
}

/** Overviews, and the one answer that judges every node of the fleet anew. */
const wholeFleet = new Set(["home", "topology", "search", "decision explained"]);

/** Measures each list and detail (those whose name has `only`, or is it after `=`): a few calls to warm up, then `calls` of them, one after another. */
export async function measureProcedures(o: { url: string; token: string; size: FleetSize; calls: number; only?: string | undefined; say: (line: string) => void }): Promise<Measured[]> {
  const found: Measured[] = [];
  for (const [name, { procedure, next }] of Object.entries(plan(o.size))) {
    if (o.only && (o.only.startsWith("=") ? name !== o.only.slice(1) : !name.includes(o.only))) continue;
    const times: number[] = [];
    let bytes = 0;
    let last: Page | undefined;
    for (let i = -3; i < o.calls; i++) {
      const input = next(i + 3, last);
      const startedMs = performance.now();
      const answer = await query<Page>(o.url, o.token, procedure, input);
      if (i >= 0) times.push(performance.now() - startedMs);
      bytes = Math.max(bytes, answer.bytes);
      last = answer.value;
      // A last page that was full is followed by an empty one; an empty first page would measure nothing.
      if (!input["cursor"] && Array.isArray(last.items) && last.items.length === 0) throw new Error(`${name}: ${JSON.stringify(input)} gave an empty page, which measures nothing`);
    }
    const measured = { name, limited: !wholeFleet.has(name), p50Ms: round(median(times)), p95Ms: round(quantile(times, 0.95)), calls: times.length, bytes };
    found.push(measured);
    o.say(`  ${name.padEnd(28)} p50 ${String(measured.p50Ms).padStart(7)} ms   p95 ${String(measured.p95Ms).padStart(7)} ms   ${(bytes / 1_000).toFixed(0).padStart(5)} kB`);
  }
  return found;
}
