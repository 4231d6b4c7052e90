import type { PlacementPolicySpec } from "../manifest/placement-policy";
import type { WorkloadSpec } from "../manifest/workload";
import { compileSelector } from "../selector/compile";
import type { Selector } from "../selector/compile";
import { nowhere, populationOf } from "./clients";
import type { Network, Population } from "./clients";
import { demandOf } from "./demand";
import type { Demand } from "./demand";

export type Preference =
  | { by: "rule"; selector: Selector; weight: number }
  | { by: "cost" | "pack" | "warm" | "balance" | "fragmentation"; weight: number }
  | { by: "latency"; clients: Population; weight: number }
  | { by: "spread"; over: "site" | "node"; weight: number };

/** What units of a shape must not share a site or node with. */
export interface ApartRule {
  /** A group (see `Ask.group`); null: units of its own. */
  from: string | null;
  over: "site" | "node";
  /** It is the other workload whose manifest says so. */
  theirs?: true;
}
/** What units of a shape must share a site or node with. */
export interface TogetherRule {
  /** A workload; null: units of its own. */
  with: string | null;
  over: "site" | "node";
  /** Where they are: names of sites, or ids of nodes. Not judged while it is not there (see `besides` in `affinity`). */
  at?: ReadonlySet<string>;
  /** Nothing of its own runs: where its units start. */
  starts?: true;
}
/** What one unit sends: GiB an hour to a site, or to clients outside the fleet (null). */
export type Sent = { to: string | null; gibPerHour: number };

/** What units of one revision ask of a node: many asks share one shape, and what depends on it alone is found once. */
export interface Shape {
  demand: Demand;
  engine: string;
  arch: readonly string[] | null;
  os: readonly string[] | null;
  selector: Selector | null;
  /** Digests of the artifacts that a unit needs. */
  artifacts: readonly string[];
  policy: { name: string; require: readonly { selector: Selector; because: string | null }[]; residency: readonly string[] | null; trustTierMin: string | null; tolerate: readonly { key: string; value?: string | undefined }[]; spread: readonly { over: "site" | "node"; maxSkew: number }[] } | null;
  prefer: readonly Preference[];
  apart?: readonly ApartRule[];
  together?: readonly TogetherRule[];
  /** What the preference `cost` adds to CPU and memory. */
  sent?: readonly Sent[];
}

/** A manifest that was admitted has selectors that compile; one that doesn't is a bug, or was written past admission. */
export function admitted(text: string): Selector {
  const result = compileSelector(text);
  if (!result.ok) throw new Error(`a stored selector does not compile: ${result.error.message} (${text})`);
  return result.value;
}

/**
 * Whether a shape is weighed by more of what runs on a node than how full it is. The engine keeps nodes in the order of
 * how full they are; such a shape is placed by a look at every node for each unit (see `place`).
 */
export const weighsMixture = (shape: Shape): boolean => shape.prefer.some((p) => p.by === "balance" || p.by === "fragmentation");

/** A preference as the engine weighs it. */
export function preferenceOf(p: PlacementPolicySpec["prefer"][number], network: Network): Preference {
  if (p.by === "rule") return { by: "rule", selector: admitted(p.rule), weight: p.weight };
  return p.by === "latency" ? { by: "latency", clients: populationOf(p.clients, network), weight: p.weight } : p;
}

/** What a workload called `name` says of units beside its own, as the engine reads it. */
export function affinityOf(name: string, { affinity, traffic }: Pick<WorkloadSpec, "affinity" | "traffic">): Pick<Shape, "apart" | "together" | "sent"> {
  const other = (x: string | undefined) => (x === undefined || x === name ? null : x);
  return {
    ...(affinity?.apart.length ? { apart: affinity.apart.map((a) => ({ from: other(a.from), over: a.over })) } : {}),
    ...(affinity?.together.length ? { together: affinity.together.map((t) => ({ with: other(t.with), over: t.over })) } : {}),
    ...(traffic?.length ? { sent: traffic.map((t) => ({ to: t.to ?? null, gibPerHour: t.gibPerHour })) } : {}),
  };
}

/** The shape of a revision of the workload `name` under a policy, in a network of sites. */
export function shapeOf(name: string, spec: WorkloadSpec, policy: { name: string; spec: PlacementPolicySpec } | null, network: Network = nowhere): Shape {
  return {
    demand: demandOf(spec.template),
    engine: spec.template.engine.type,
    arch: spec.platform?.arch ?? null,
    os: spec.platform?.os ?? null,
    selector: spec.selector === undefined ? null : admitted(spec.selector),
    artifacts: spec.template.artifacts.map((a) => a.digest),
    policy: policy && policyShape(policy.name, policy.spec),
    prefer: (policy?.spec.prefer ?? []).map((p) => preferenceOf(p, network)),
    ...affinityOf(name, spec),
  };
}

export function policyShape(name: string, spec: PlacementPolicySpec): NonNullable<Shape["policy"]> {
  return {
    name,
    require: spec.require.map((r) => ({ selector: admitted(r.rule), because: r.because ?? null })),
    residency: spec.residency?.length ? spec.residency : null,
    trustTierMin: spec.trustTierMin ?? null,
    tolerate: spec.tolerate,
    spread: spec.spread,
  };
}

/** A shape that asks for nothing but what is given: for previews of a selector or a policy alone. */
export function previewShape(o: { selector?: Selector; policy?: NonNullable<Shape["policy"]> }): Shape {
  return { demand: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: null }, engine: "process", arch: null, os: null, selector: o.selector ?? null, artifacts: [], policy: o.policy ?? null, prefer: [] };
}
