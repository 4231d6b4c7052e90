import { createHash } from "node:crypto";
import { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { readManifests } from "../../core/manifest";
import type { PlacementPolicySpec } from "../../core/manifest/placement-policy";
import { nodeReasons, policyShape, previewShape } from "../../core/placement";
import type { replayView } from "../../core/views/placement";
import { decisionCandidate } from "../../core/views/workloads";
import { queueRead } from "../../store";
import type { PlacementDeps } from "../deps";
import { loadFleet } from "../fleet-snapshot";

/** Of a recorded decision what a replay needs; rows of older versions keep what they have. */
const kept = z.object({ policy: z.string().nullable().default(null), candidates: z.array(decisionCandidate).default([]) });
type Candidate = z.infer<typeof decisionCandidate>;

const digest = (rows: readonly string[]): string => `sha256:${createHash("sha256").update(rows.join("\n")).digest("hex")}`;

export function replayQueries(deps: PlacementDeps) {
  const db = deps.store.read.client;
  return {
    /**
     * Runs a policy over recorded decisions: of the candidates that each has kept, with the values they had then, the one
     * that the policy's weights and rules choose. Without a text every decision is replayed under the weights that it was
     * made by, and the digests are equal: a recorded decision follows from what is recorded.
     */
    async replay(project: ProjectRef, input: { text?: string | undefined; limit: number }): Promise<z.input<typeof replayView>> {
      const nowMs = deps.clock.nowMs();
      const policy = input.text === undefined ? null : policyIn(input.text, project.name);
      const rows = await queueRead.recorded(db, project.id, input.limit);
      const forbidden = policy ? await forbiddenNodes(project.id, policy) : () => null;
      const changed: z.input<typeof replayView>["changed"] = [];
      const [then, now]: [string[], string[]] = [[], []];
      for (const d of rows) {
        const read = kept.safeParse(d.candidates);
        const detail = read.success ? read.data : kept.parse({});
        const weighs = policy && detail.policy === policy.name ? policy.spec : null;
        const would = d.outcome === "unplaced" && !detail.candidates.some((c) => c.feasible) ? null : choose(detail.candidates, d.node, weighs, weighs ? forbidden : () => null);
        then.push(`${d.id} ${d.unit} ${d.node ?? "-"}`);
        now.push(`${d.id} ${d.unit} ${would?.node ?? "-"}`);
        if ((would?.node ?? null) !== d.node) changed.push({ id: d.id, unit: d.unit, was: d.node, would: would?.node ?? null, because: would?.because ?? "The policy allows none of the candidates that were kept." });
      }
      return { decisions: rows.length, same: rows.length - changed.length, changed: changed.slice(0, 500), recordedDigest: digest(then), digest: digest(now), asOfMs: nowMs };
    },
  };

  /** What the policy itself forbids of the nodes as they are; a node that is gone is not judged. */
  async function forbiddenNodes(projectId: string, policy: { name: string; spec: PlacementPolicySpec }): Promise<(node: string) => string | null> {
    const nowMs = deps.clock.nowMs();
    const fleet = await loadFleet(db, projectId, { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });
    const shape = previewShape({ policy: policyShape(policy.name, policy.spec) });
    const codes = new Set(["trust", "residency", "taint", "rule"]);
    const byName = new Map(fleet.nodes.map((n) => [n.name, n]));
    return (name) => {
      const node = byName.get(name);
      return node ? (nodeReasons(shape, node, nowMs).find((r) => codes.has(r.code))?.text ?? null) : null;
    };
  }
}

/** The candidate with the highest score; of equal ones the one that was chosen. With `policy`, scores are made by its weights. */
function choose(candidates: readonly Candidate[], chosen: string | null, policy: PlacementPolicySpec | null, forbids: (node: string) => string | null): { node: string; because: string } | null {
  const weightOf = (name: string, was: number): number => {
    if (!policy) return was;
    const found = policy.prefer.find((p) => name === (p.by === "spread" ? `spread over ${p.over}s` : p.by));
    return found ? found.weight : ["room", "spread over nodes", "spread over sites"].includes(name) ? was : 0;
  };
  let best: { node: string; score: number } | null = null;
  for (const c of candidates) {
    if (!c.feasible || forbids(c.node) !== null) continue;
    const score = Math.round(c.parts.reduce((sum, p) => sum + p.value * weightOf(p.name, p.weight), 0) * 1e6);
    if (best === null || score > best.score || (score === best.score && c.node === chosen)) best = { node: c.node, score };
  }
  const lost = chosen === null ? null : forbids(chosen);
  return best && { node: best.node, because: lost ?? `${best.node} would score ${(best.score / 1e6).toFixed(2)}.` };
}

function policyIn(text: string, project: string): { name: string; spec: PlacementPolicySpec } {
  const read = readManifests(text, project);
  const [error] = read.errors;
  if (error) return refuseNow("invalid_input", error.message, error.remedy, read.errors);
  const found = read.manifests.flatMap((m) => (m.manifest.kind === "PlacementPolicy" ? [m.manifest] : []))[0];
  return found ? { name: found.metadata.name, spec: found.spec } : refuseNow("invalid_input", "The text has no placement policy.", "Replay one PlacementPolicy.");
}
