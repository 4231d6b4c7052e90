import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import type { FieldError } from "../../core/base/refusal";
import { ageText, counted } from "../../core/fleet";
import { readManifests } from "../../core/manifest";
import { nodeReasons, policyShape, previewShape } from "../../core/placement";
import type { FleetNode, Shape } from "../../core/placement";
import { compileSelector } from "../../core/selector";
import type { matchPreview } from "../../core/views/workloads";
import type { PlacementDeps } from "../deps";
import { loadFleet } from "../fleet-snapshot";

type Preview = z.infer<typeof matchPreview>;

/** Nodes shown by name; the counts always cover all. Those that match come first. */
const SHOWN = 500;
/** Passing states of a node say nothing about what a selector or a policy means. */
const passing = new Set(["not_active", "silent", "not_connected", "engine"]);

export function matchQueries(deps: PlacementDeps) {
  return {
    /** What a selector, or a policy that is not saved yet, matches in the fleet as it is, node by node with reasons. */
    async matches(project: ProjectRef, input: { selector?: string | undefined; policyText?: string | undefined }): Promise<Preview> {
      const nowMs = deps.clock.nowMs();
      const { shape, errors } = shapeFrom(project, input);
      const fleet = await loadFleet(deps.store.read.client, project.id, { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });
      if (!shape) return { matched: 0, total: fleet.nodes.length, nodes: [], errors, asOfMs: nowMs };
      const judged = fleet.nodes.map((node) => {
        const reasons = nodeReasons(shape, node, nowMs).filter((r) => !passing.has(r.code));
        return { node: node.name, site: node.site, matches: reasons.length === 0, because: reasons.length ? reasons.map((r) => r.text).join(" ") : "Satisfies everything.", state: stateText(node, nowMs) };
      });
      judged.sort((a, b) => Number(b.matches) - Number(a.matches) || (a.node < b.node ? -1 : 1));
      return { matched: judged.filter((j) => j.matches).length, total: judged.length, nodes: judged.slice(0, SHOWN), errors, asOfMs: nowMs };
    },
  };
}

function shapeFrom(project: ProjectRef, input: { selector?: string | undefined; policyText?: string | undefined }): { shape: Shape | null; errors: FieldError[] } {
  if (input.selector !== undefined) {
    const compiled = compileSelector(input.selector);
    if (compiled.ok) return { shape: previewShape({ selector: compiled.value }), errors: [] };
    const before = input.selector.slice(0, compiled.error.start).split("\n");
    return { shape: null, errors: [{ path: "selector", message: compiled.error.message, remedy: compiled.error.remedy, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }] };
  }
  const read = readManifests(input.policyText ?? "", project.name);
  if (read.errors.length > 0) return { shape: null, errors: read.errors };
  const policies = read.manifests.flatMap((m) => (m.manifest.kind === "PlacementPolicy" ? [m.manifest] : []));
  const [policy] = policies;
  if (!policy || policies.length > 1) return { shape: null, errors: [{ path: "kind", message: `The text has ${counted(policies.length, "placement policy", "placement policies")}.`, remedy: "Preview one PlacementPolicy at a time.", line: 1, column: 1 }] };
  return { shape: previewShape({ policy: policyShape(policy.metadata.name, policy.spec) }), errors: [] };
}

function stateText(node: FleetNode, nowMs: number): string {
  if (node.contact === "never") return "not connected yet";
  if (node.contact === "silent") return `silent for ${ageText(nowMs - (node.lastSeenMs ?? nowMs))}`;
  return node.desiredState === "active" ? "in contact" : `in contact, ${node.desiredState}`;
}
