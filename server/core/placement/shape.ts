import type { PlacementPolicySpec } from "../manifest/placement-policy";
import type { WorkloadSpec } from "../manifest/workload";
import { compileSelector } from "../selector/compile";
import type { Selector } from "../selector/compile";
import { demandOf } from "./demand";
import type { Demand } from "./demand";

export type Preference =
  | { by: "rule"; selector: Selector; weight: number }
  | { by: "cost" | "pack" | "warm"; weight: number }
  | { by: "spread"; over: "site" | "node"; weight: number };

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
  /** Must not share a site or node with units of a group (see `Ask.group`); null: of its own. */
  apart?: readonly { from: string | null; over: "site" | "node" }[];
}

/** A manifest that was admitted has selectors that compile; one that doesn't is a bug, or was written past admission. */
function admitted(text: string): Selector {
  const result = compileSelector(text);
  if (!result.ok) throw new Error(`a stored selector does not compile: ${result.error.message} (${text})`);
  return result.value;
}

/** The shape of a workload's revision under a policy. */
export function shapeOf(spec: WorkloadSpec, policy: { name: string; spec: PlacementPolicySpec } | null): Shape {
  return {
    demand: demandOf(spec.template),
    engine: spec.template.engine.type,
    arch: spec.platform?.arch ?? null,
    os: spec.platform?.os ?? null,
    selector: spec.selector === undefined ? null : admitted(spec.selector),
    artifacts: spec.template.artifacts.map((a) => a.digest),
    policy: policy && policyShape(policy.name, policy.spec),
    prefer: (policy?.spec.prefer ?? []).map((p) => (p.by === "rule" ? { by: "rule", selector: admitted(p.rule), weight: p.weight } : p)),
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
