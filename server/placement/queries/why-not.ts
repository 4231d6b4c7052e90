import { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import { API_VERSION, manifestYaml } from "../../core/manifest";
import type { Manifest } from "../../core/manifest";
import { placementPolicyManifest } from "../../core/manifest/placement-policy";
import type { PlacementPolicyManifest } from "../../core/manifest/placement-policy";
import { workloadManifest } from "../../core/manifest/workload";
import { edited, evaluate, flipAmong, place, shapeOf } from "../../core/placement";
import type { Flip, Judged, Problem } from "../../core/placement";
import type { WhyNotView } from "../../core/views/placement";
import { objects } from "../../store";
import type { PlacementDeps } from "../deps";
import { loadNetwork } from "../workload-snapshot";
import type { createJudge, JudgedUnit } from "./judge";

type Answer = NonNullable<WhyNotView["flip"]>;

const aboutNodes = z.object({ counts: z.array(z.unknown()).min(1) });

export function whyNotQueries(deps: PlacementDeps, judge: ReturnType<typeof createJudge>) {
  const db = deps.store.read.client;

  /** The newest revision of an object, as it is written. */
  async function written(project: ProjectRef, kind: "Workload" | "PlacementPolicy", name: string): Promise<unknown> {
    const object = await objects.byName(db, project.id, kind, name);
    return object && (await objects.revision(db, object.id, object.generation))?.manifest;
  }

  /** The manifests in which a flip is written, held to the same outcome: placed again by what the edited manifests say. */
  async function editsOf(project: ProjectRef, found: JudgedUnit, problem: Problem, flip: Flip): Promise<Pick<Answer, "edits" | "alsoBinds">> {
    const none = { edits: [], alsoBinds: [] };
    const now = workloadManifest.safeParse(await written(project, "Workload", found.loaded.object.name));
    if (!now.success) return none;
    const bound = now.data.spec.policy;
    const policy = bound === undefined ? null : placementPolicyManifest.safeParse(await written(project, "PlacementPolicy", bound));
    if (policy && !policy.success) return none;
    const next = edited(flip.change, { workload: now.data.spec, policy: policy?.data.spec ?? null });
    if (!next) return none;
    const users = bound === undefined ? [] : (await objects.usedBy(db, project.id)).filter((u) => u.kind === "PlacementPolicy" && u.name === bound).map((u) => u.user);
    // A policy that is needed and not there is named after the workload; one of that name may be there already.
    const name = bound ?? (await freeName(project, found.loaded.object.name));
    const workload: Manifest = { ...now.data, spec: { ...next.workload, ...(next.policy ? { policy: name } : {}) } };
    const rules: PlacementPolicyManifest | null = next.policy && { ...(policy?.data ?? { apiVersion: API_VERSION, kind: "PlacementPolicy" as const, metadata: { name, project: now.data.metadata.project } }), spec: next.policy };
    const weighed = rules && { name, spec: rules.spec };
    const then = found.beside(shapeOf(workload.metadata.name, workload.spec, weighed, await loadNetwork(db, project.id, weighed)));
    if (place(problem.snapshot, [{ ...problem.ask, shape: then.shape }], { ...problem.options, groups: then.groups }).placements[0]?.node !== flip.to) return none;
    const edit = (kind: "Workload" | "PlacementPolicy", of: string, before: Manifest | null, after: Manifest) => ({ kind, name: of, beforeYaml: before && manifestYaml(before), afterYaml: manifestYaml(after) });
    const edits = [...(rules ? [edit("PlacementPolicy", name, policy?.data ?? null, rules)] : []), edit("Workload", workload.metadata.name, now.data, workload)].filter((e) => e.beforeYaml !== e.afterYaml);
    return { edits, alsoBinds: edits.some((e) => e.kind === "PlacementPolicy") ? users.flatMap((u) => (u.startsWith("workload ") && u !== `workload ${found.loaded.object.name}` ? [u.slice("workload ".length)] : [])) : [] };
  }

  async function freeName(project: ProjectRef, workload: string): Promise<string> {
    const taken = new Set((await objects.ofKinds(db, project.id, ["PlacementPolicy"])).map((o) => o.name));
    const base = `${workload.slice(0, 50)}-places`;
    for (let i = 1; ; i++) if (!taken.has(i === 1 ? base : `${base}-${i}`)) return i === 1 ? base : `${base}-${i}`;
  }

  return {
    /** Why a unit is not on one node, or nowhere at all, in the fleet as it is now; with the smallest single change after which it is, and its edit. */
    async whyNot(project: ProjectRef, input: { unit: string; node?: string | undefined }): Promise<WhyNotView> {
      const found = await judge(project, input.unit);
      if (!found) return refuseNow("not_found", `There is no unit "${input.unit}" in this project.`, "Units are called WORKLOAD-NUMBER; list them with holdfast get units. One that waits is known once the scheduler has looked at it.");
      const { loaded, own, newest, nowMs } = found;
      const nodes = found.problem.snapshot.nodes;
      const asked = input.node === undefined ? null : nodes.find((n) => n.name === input.node);
      if (asked === undefined) return refuseNow("not_found", `There is no node "${input.node ?? ""}" in this project.`, "List them with holdfast get nodes.");
      // A daemon's units are bound to their nodes: another node never stands for this one.
      const daemon = loaded.snapshot.kind === "daemon";
      const problem: Problem = daemon && asked ? { ...found.problem, ask: { ...found.problem.ask, only: asked.id } } : found.problem;
      const judged = problem === found.problem ? found.judged : evaluate(problem.snapshot, problem.ask, problem.options);
      const byName = new Map(judged.map((j) => [j.node.name, j]));
      const bestName = place(problem.snapshot, [problem.ask], problem.options).placements[0]?.node ?? null;
      const best = bestName === null ? null : (byName.get(bestName) ?? null);
      const target = asked && (byName.get(asked.name) ?? null);
      const here = own ? (byName.get(own.node.name) ?? null) : null;
      const feasible = judged.filter((j) => j.score !== null).length;
      const waitsFor = own ? null : (newest?.because ?? null);
      // What holds it where that is not the nodes: a quota, its gang, a reservation. A decision that counts nodes is about nodes.
      const held = !own && newest?.outcome === "unplaced" && found.judged.some((j) => j.score !== null) && !aboutNodes.safeParse(newest.candidates).success ? waitsFor : null;
      // Where some node can take it, it is not the nodes that a unit waits for: its newest decision says what is.
      const settled = target ? target === best || held !== null : own !== undefined || feasible > 0;
      const flip = settled ? null : flipAmong(problem, judged, target?.node.id);
      const answer: Answer | null = flip && { text: flip.text, goesTo: flip.to, ...(await editsOf(project, found, problem, flip)), act: actOf(flip, nodes) };
      return {
        workload: loaded.object.name, unit: input.unit, here: here && candidate(here), best: best && candidate(best), target: target && candidate(target), reasons: target?.reasons ?? [], feasible, nodes: judged.length,
        sentence: target ? `${aboutNode(input.unit, target, here, best)}${held === null ? "" : ` It is not this node that it waits for. The newest decision says: ${held}`}` : aboutAll(input.unit, here, best, feasible, judged.length, waitsFor),
        flip: answer, noFlip: answer ? null : noFlip(input.unit, target, settled, waitsFor, held), asOfMs: nowMs,
      };
    },
  };
}

const candidate = (j: Judged): NonNullable<WhyNotView["target"]> => ({ node: j.node.name, site: j.node.site, feasible: j.score !== null, reason: j.reasons[0] ?? null, score: j.score, parts: j.score === null ? [] : j.parts() });

function actOf(flip: Flip, nodes: Problem["snapshot"]["nodes"]): Answer["act"] {
  const { change } = flip;
  if (change.on !== "node" && change.on !== "engine") return null;
  const node = nodes.find((n) => n.id === change.node)?.name ?? "";
  return { node, what: change.on === "engine" ? "engine" : change.to === "active" ? "activate" : "reconnect" };
}

const score = (j: Judged): string => (j.score ?? 0).toFixed(2);
const also = (reasons: Judged["reasons"]): string => reasons.slice(1).map((r) => ` Also: ${r.text}`).join("");

function aboutNode(unit: string, target: Judged, here: Judged | null, best: Judged | null): string {
  const name = target.node.name;
  if (target.reasons[0]) return `${name} refuses ${unit}: ${target.reasons[0].text}${also(target.reasons)}`;
  if (target === here) return target === best ? `${unit} runs on ${name}, and would be put there again.` : `${unit} runs on ${name}. ${best ? `${best.node.name} would score higher now (${score(best)} against ${score(target)}), but` : "Units"} units that run are not moved for a better place.`;
  if (target === best) return here ? `${name} can take ${unit} and would be chosen if it were placed anew (${score(target)}). It stays on ${here.node.name}: units that run are not moved for a better place.` : `${name} can take ${unit} and would be chosen now (${score(target)}).`;
  return `${name} can take ${unit}, but ${best?.node.name ?? "another node"} scores ${best ? score(best) : "higher"} against ${score(target)}${best ? difference(best, target) : "."}`;
}

/** The part of the score that costs a node the most against another. */
function difference(best: Judged, target: Judged): string {
  if (best.score === target.score) return ": equal, and equals are chosen among by the workload's seed.";
  const mine = target.parts();
  const [most] = best
    .parts()
    .map((p, i) => ({ p, mine: mine[i], ahead: p.value * p.weight - (mine[i]?.value ?? 0) * (mine[i]?.weight ?? 0) }))
    .sort((a, b) => b.ahead - a.ahead);
  return most?.mine ? `, most of it by ${most.p.name} (${most.ahead.toFixed(2)}): ${lower(most.mine.text)}` : ".";
}
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function aboutAll(unit: string, here: Judged | null, best: Judged | null, feasible: number, nodes: number, waitsFor: string | null): string {
  if (here) return best === null || best === here ? `${unit} runs on ${here.node.name}, and would ${best ? "be put there again" : "find no node now"}.` : `${unit} runs on ${here.node.name}. If it were placed anew it would go to ${best.node.name}, but units that run are not moved for a better place.`;
  if (feasible === 0) return `Nothing fits: none of ${counted(nodes, "node")} can take ${unit}.`;
  return `${counted(feasible, "node")} of ${nodes} can take ${unit} now. ${waitsFor ? `The newest decision says: ${waitsFor}` : "The scheduler has not looked at it yet."}`;
}

function noFlip(unit: string, target: Judged | null, settled: boolean, waitsFor: string | null, held: string | null): string {
  if (held !== null && target) return `The nodes are not what ${unit} waits for: no change for this node alone would place it.`;
  if (settled) return target ? "Nothing of this node stands in the way." : waitsFor ? `The nodes are not what ${unit} waits for.` : `${unit} has a node.`;
  if (target && target.reasons.length > 1) return `${target.reasons.length} things stand in the way at once, so no single change is enough.`;
  if (target) return `No single change of an amount, a rule or a weight sends ${unit} to ${target.node.name}.`;
  return "On every node more than one thing stands in the way, so no single change is enough.";
}
