import { createHash } from "node:crypto";
import { refuseNow } from "../../core/base/refusal";
import { HIDDEN_VALUE, manifestDigest, readManifests, templateDigest } from "../../core/manifest";
import type { Manifest, QuotaManifest, SiteManifest, WorkloadManifest } from "../../core/manifest";
import { quotaFactsOf } from "../../core/placement";
import { goalFrom } from "./read";
import type { ProjectRows, WorkloadRows } from "./read";

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/** What is asked "what if" of; several at once are one change. */
export interface Change {
  text?: string | undefined;
  drainSite?: string | undefined;
  drainNode?: string | undefined;
  /** Gone for good, with all that ran there. */
  loseSite?: string | undefined;
  loseNode?: string | undefined;
  loseLink?: { a: string; b: string } | undefined;
  price?: { site: string; cpuHour?: number | undefined; memoryGiBHour?: number | undefined; egressGiB?: number | undefined } | undefined;
}
export interface Changed {
  rows: ProjectRows;
  /** Workloads that the change touches by name; those on changed nodes are found from the rows. */
  due: string[];
  /** What the change is, in words. */
  what: string[];
}

/** The rows as they would be stored after the change. Refuses what can't be read, or names what is not there. */
export function applyChange(before: ProjectRows, change: Change, project: string, nowMs: number): Changed {
  let c: Changed = { rows: before, due: [], what: [] };
  if (change.text !== undefined) {
    const read = readManifests(change.text, project);
    const [first] = read.errors;
    if (first) return refuseNow("invalid_input", first.message, first.remedy, read.errors);
    for (const { manifest } of read.manifests) c = withManifest(c, manifest, nowMs);
  }
  if (change.drainSite !== undefined) {
    const site = siteNamed(c.rows, change.drainSite);
    c = { ...c, rows: { ...c.rows, nodes: c.rows.nodes.map((n) => (n.site.name === site && n.desiredState !== "draining" ? { ...n, desiredState: "draining" as const } : n)) }, what: [...c.what, `site ${site} is drained`] };
  }
  if (change.drainNode !== undefined) {
    const node = nodeNamed(c.rows, change.drainNode);
    c = { ...c, rows: { ...c.rows, nodes: c.rows.nodes.map((n) => (n === node ? { ...n, desiredState: "draining" as const } : n)) }, what: [...c.what, `node ${node.name} is drained`] };
  }
  if (change.loseSite !== undefined) {
    const site = siteNamed(c.rows, change.loseSite);
    c = without(c, (n) => n.site.name === site, `site ${site} is lost`);
  }
  if (change.loseNode !== undefined) {
    const node = nodeNamed(c.rows, change.loseNode);
    c = without(c, (n) => n === node, `node ${node.name} is lost`);
  }
  if (change.loseLink) {
    const [a, b] = [siteNamed(c.rows, change.loseLink.a), siteNamed(c.rows, change.loseLink.b)];
    const links = c.rows.links.filter((l) => !((l.siteA === a && l.siteB === b) || (l.siteA === b && l.siteB === a)));
    if (links.length === c.rows.links.length) return refuseNow("not_found", `There is no link between ${a} and ${b}.`, "Links are declared in the manifests of sites.");
    c = { ...c, rows: { ...c.rows, links }, what: [...c.what, `the link between ${a} and ${b} is lost`] };
  }
  if (change.price) {
    const { site: name, ...rates } = change.price;
    const site = c.rows.sites.find((s) => s.name === siteNamed(c.rows, name));
    const spec = { ...(site?.spec as object), rates: { ...(site?.spec as { rates?: object } | undefined)?.rates, ...Object.fromEntries(Object.entries(rates).filter(([, v]) => v !== undefined)) } };
    c = { ...c, rows: withSiteSpec(c.rows, name, spec, {}), what: [...c.what, `prices of site ${name} change`] };
  }
  return c;
}

function siteNamed(rows: ProjectRows, name: string): string {
  return rows.sites.some((s) => s.name === name) ? name : refuseNow("not_found", `There is no site "${name}" in this project.`, "Look it up in Sites.");
}

function nodeNamed(rows: ProjectRows, name: string): ProjectRows["nodes"][number] {
  return rows.nodes.find((n) => n.name === name) ?? refuseNow("not_found", `There is no node "${name}" in this project.`, "Look it up in Fleet.");
}

/** Nodes and what was to run on them written off, as decommissioning does it. */
function without(c: Changed, which: (n: ProjectRows["nodes"][number]) => boolean, what: string): Changed {
  const gone = new Set(c.rows.nodes.filter(which).map((n) => n.id));
  const hit = c.rows.workloads.filter((w) => w.units.some((u) => gone.has(u.nodeId)));
  const workloads = c.rows.workloads.map((w) => (hit.includes(w) ? { ...w, units: w.units.filter((u) => !gone.has(u.nodeId)) } : w));
  return { rows: { ...c.rows, nodes: c.rows.nodes.filter((n) => !gone.has(n.id)), workloads }, due: [...c.due, ...hit.map((w) => w.object.id)], what: [...c.what, what] };
}

function withSiteSpec(rows: ProjectRows, name: string, spec: object, facts: Partial<ProjectRows["nodes"][number]["site"]>): ProjectRows {
  return {
    ...rows,
    sites: rows.sites.map((s) => (s.name === name ? { ...s, spec } : s)),
    nodes: rows.nodes.map((n) => (n.site.name === name ? { ...n, site: { ...n.site, ...facts, spec } } : n)),
  };
}

function withManifest(c: Changed, m: Manifest, nowMs: number): Changed {
  const { name } = m.metadata;
  const binds = (test: (spec: WorkloadManifest["spec"]) => boolean) => c.rows.workloads.filter((w) => test(w.object.spec as WorkloadManifest["spec"])).map((w) => w.object.id);
  switch (m.kind) {
    case "PlacementPolicy":
      return { rows: { ...c.rows, policies: new Map(c.rows.policies).set(name, { digest: manifestDigest(m, sha256), spec: m.spec }) }, due: [...c.due, ...binds((s) => s.policy === name)], what: [...c.what, `placement policy ${name}`] };
    case "Quota":
      return { rows: { ...c.rows, quotas: [...c.rows.quotas.filter((q) => q.name !== name), quotaOf(m)] }, due: [...c.due, ...binds((s) => s.quota !== undefined)], what: [...c.what, `quota ${name}`] };
    case "Site":
      return { ...c, rows: withSite(c.rows, m), what: [...c.what, `site ${name}`] };
    case "Workload": {
      const old = c.rows.workloads.find((w) => w.object.name === name && !w.object.removed);
      const made = withRevision(old, m, nowMs);
      return { rows: { ...c.rows, workloads: [...c.rows.workloads.filter((w) => w !== old), made] }, due: [...c.due, made.object.id], what: [...c.what, `workload ${name}`] };
    }
    case "RolloutStrategy":
    case "AnalysisTemplate":
      return c;
  }
}
const quotaOf = (m: QuotaManifest) => quotaFactsOf(m.metadata.name, m.spec);

function withSite(rows: ProjectRows, m: SiteManifest): ProjectRows {
  const { name, title, labels } = m.metadata;
  const { kind, jurisdiction, timeZone, links } = m.spec;
  const known = withSiteSpec(rows, name, m.spec, { kind, jurisdiction, timeZone, title: title ?? name, labels: labels ?? {} });
  const own = links.map((l) => ({ siteA: name, siteB: l.to, latencyMs: l.latencyMs }));
  const declared = (l: { siteA: string; siteB: string }) => own.some((o) => (l.siteA === o.siteA && l.siteB === o.siteB) || (l.siteA === o.siteB && l.siteB === o.siteA));
  return { ...known, sites: known.sites.some((s) => s.name === name) ? known.sites : [...known.sites, { id: `site-${name}`, projectId: "", name, title: title ?? name, kind, jurisdiction, timeZone, spec: m.spec }], links: [...known.links.filter((l) => !declared(l)), ...own] };
}

/** A workload with one revision more, as applying the manifest would store it. */
function withRevision(old: WorkloadRows | undefined, m: WorkloadManifest, nowMs: number): WorkloadRows {
  const generation = (old?.object.generation ?? 0) + 1;
  const id = old?.object.id ?? `workload-${m.metadata.name}`;
  const digest = manifestDigest(m, sha256);
  const goal = old ? goalFrom(old) : null;
  const running = old?.revisions.find((r) => r.generation === goal?.generation)?.templateDigest ?? null;
  // Values of the environment that the console hides are those that are stored: such a template is compared without them.
  const key = hidesValues(m) && goal && sameButEnvironment(m, old?.manifests.get(goal.generation)?.manifest) && running !== null ? running : templateDigest(m.spec, sha256);
  const gated = m.spec.rollout !== undefined && goal !== null && key !== running && (old?.units.length ?? 0) > 0;
  const object = { id, projectId: old?.object.projectId ?? "", kind: "Workload" as const, name: m.metadata.name, title: null, labels: {}, version: 0, createdAtMs: nowMs, updatedAtMs: nowMs, ...old?.object, removed: false, generation, digest, spec: m.spec };
  return {
    units: [], open: null, pieces: [], successes: [], ...old,
    object,
    revisions: [...(old?.revisions ?? []), { objectId: id, generation, digest, templateDigest: key, heldReason: null, gated, createdAtMs: nowMs }],
    manifests: new Map(old?.manifests ?? []).set(generation, { manifest: m, digest, key }),
  };
}
const hidesValues = (m: WorkloadManifest): boolean => Object.values(m.spec.template.env).includes(HIDDEN_VALUE);
const sameButEnvironment = (a: WorkloadManifest, b: WorkloadManifest | undefined): boolean => b !== undefined && a.spec.kind === b.spec.kind && templateDigest({ ...a.spec, template: { ...a.spec.template, env: {} } }, sha256) === templateDigest({ ...b.spec, template: { ...b.spec.template, env: {} } }, sha256);
