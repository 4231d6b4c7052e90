import { describe, expect, it } from "vitest";
import { readCase, runCase } from "./index";
import { caseSubject, placementCase } from "./schema";

const node = (name: string, o: object = {}) => ({ name, cpuMillis: 1_000, memory: "1Gi", disk: "1Gi", ...o });
const SELECTORS = "See the selector language in the documentation of manifests.";
const run = (input: object) => {
  const { value, errors } = readCase({ nodes: [node("a")], workloads: [{ name: "w" }], ...input });
  if (!value) throw new Error(JSON.stringify(errors));
  return runCase(value);
};

// Guarantee: a bad case is refused with the field, what is wrong with it, and what to do.
describe("what a case is refused for", () => {
  it.each<[object, { path: string; message: string; remedy: string }[]]>([
    [{}, []],
    [{ nodes: [node("a"), node("a")] }, [{ path: "nodes", message: "Two nodes have one name.", remedy: "Give each its own." }]],
    [{ workloads: [{ name: "w" }, { name: "w" }] }, [{ path: "workloads", message: "Two workloads have one name.", remedy: "Give each its own." }]],
    [{ units: [{ unit: "w-1", workload: "w", node: "a" }, { unit: "x-1", workload: "x", node: "z" }] }, [
      { path: "units.1.node", message: 'There is no node "z" in the case.', remedy: "Add it to nodes." },
      { path: "units.1.workload", message: 'There is no workload "x" in the case.', remedy: "Add it to workloads; replicas 0 if it asks for nothing." },
    ]],
    [{ workloads: [{ name: "w" }, { name: "v", policy: "p", quota: "q", lostAfter: "soon" }] }, [
      { path: "workloads.1.policy", message: 'There is no policy "p" in the case.', remedy: "Add it to policies." },
      { path: "workloads.1.quota", message: 'There is no quota "q" in the case.', remedy: "Add it to quotas." },
      { path: "workloads.1.lostAfter", message: '"soon" is no duration.', remedy: "Write never, or such as 10m." },
    ]],
    [{ workloads: [{ name: "w", lostAfter: "never" }, { name: "v", lostAfter: "10m", quota: "q" }], quotas: { q: {} } }, []],
  ])("%j", (input, errors) => expect(readCase({ nodes: [node("a")], workloads: [{ name: "w" }], ...input }).errors).toEqual(errors));

  it("says of each rule that does not compile where it stands", () => {
    const { errors, value } = readCase({ nodes: [node("a")], workloads: [{ name: "w", selector: "nonsense(" }], policies: { fine: { require: [{ rule: "true" }], prefer: [{ by: "rule", rule: "true", weight: 1 }, { by: "pack", weight: 1 }] }, odd: { require: [{ rule: "odd(" }] }, worse: { prefer: [{ by: "rule", rule: "worse(", weight: 1 }] } } });
    expect(value).toBeNull();
    expect(errors.map((e) => [e.path, e.remedy])).toEqual([["workloads.0.selector", SELECTORS], ["policies.odd", SELECTORS], ["policies.worse", SELECTORS]]);
    for (const e of errors) expect(e.message).toMatch(/\w+.*\./);
  });

  it("names fields of the wrong form, fifty at most", () => {
    expect(readCase({ nodes: [{ name: "a", cpuMillis: -1 }], workloads: [] }).errors).toEqual([{ path: "nodes.0.cpuMillis", message: expect.stringMatching(/^Too small: .*\.$/) as string, remedy: "See holdfast place --schema." }]);
    expect(readCase({ nodes: Array.from({ length: 80 }, () => ({})), workloads: [] }).errors).toHaveLength(50);
  });
});

describe("what is in a case", () => {
  // Guarantee: rules see a node of a case with the amounts that it was given, in the units of manifests.
  it("is what selectors see of a node", () => {
    const c = placementCase.parse({ nodes: [node("a", { memory: "3Gi", disk: "5Gi", site: "kiel", siteKind: "edge", devices: { A: 2 } })], workloads: [] });
    const subject = JSON.stringify(caseSubject(c.nodes[0] as (typeof c.nodes)[number]), (_k, v: unknown) => (typeof v === "bigint" ? Number(v) : v instanceof Map ? Object.fromEntries(v) : v));
    for (const text of ['"memoryMiB":3072', '"diskMiB":5120', '"metered":false', '"name":"kiel"']) expect(subject).toContain(text);
    const by = (selector: string) => run({ nodes: [node("a", { memory: "3Gi", disk: "5Gi", siteKind: "edge", devices: { A: 2 } })], workloads: [{ name: "w", selector }] }).units.length;
    expect(['node.memoryMiB == 3072', 'node.diskMiB == 5120', 'site.kind == "edge"', "site.metered", "node.devices.size() == 2", 'node.devices.exists(d, d.model == "A")'].map(by)).toEqual([1, 1, 1, 0, 1, 1]);
  });

  it("counts a unit by the number in its name, and one without by its place in the file", () => {
    const asked = (...units: string[]) => run({ workloads: [{ name: "w", replicas: units.length + 1 }], units: units.map((unit) => ({ unit, workload: "w", node: "a" })) }).placements.map((p) => p.unit);
    expect(asked("w-2")).toEqual(["w-1"]);
    expect(asked("w-1", "w-12")).toEqual(["w-2"]);
    expect(asked("w-2", "w-1", "w-13-3")).toEqual(["w-4"]);
    expect(asked("first", "second")).toEqual(["w-3"]);
    expect(asked("w-1b", "w-3")).toEqual(["w-2"]);
  });

  it("is answered in the order of names", () => {
    const nodes = [node("b"), node("a")];
    const units = [["w-2", "b"], ["w-1", "b"], ["w-1", "a"]].map(([unit, at]) => ({ unit, workload: "w", node: at }));
    expect(run({ nodes, units, workloads: [{ name: "w", replicas: 3 }] }).units.map((u) => `${u.unit}@${u.node}`)).toEqual(["w-1@a", "w-1@b", "w-2@b"]);
  });

  it("goes by links to sites that have no node", () => {
    const policies = { near: { prefer: [{ by: "latency", clients: { oslo: 1 }, weight: 50 }] } };
    const links = [{ a: "kiel", b: "oslo", latencyMs: 40 }, { a: "lyon", b: "oslo", latencyMs: 10 }];
    const near = (l: typeof links) => run({ nodes: [node("a", { site: "kiel" }), node("b", { site: "lyon" })], workloads: [{ name: "w", policy: "near" }], policies, links: l }).units[0]?.node;
    expect([near(links), near(links.map((l) => ({ ...l, latencyMs: 50 - l.latencyMs })))]).toEqual(["b", "a"]);
  });

  // Guarantee (11): what says how long it runs is counted with that time, and who waits is told when.
  it("tells when a batch surely has room", () => {
    const batch = (name: string, max: string) => ({ name, kind: "batch", cpuMillis: 1_000, duration: { min: "5m", max } });
    const a = run({ nowMs: 1_000_000, workloads: [batch("first", "20m"), batch("next", "10m")], units: [{ unit: "first-1", workload: "first", node: "a", startedAtMs: 400_000 }] });
    expect(a.reservations).toEqual([{ unit: "next-1", workload: "next", node: "a", fromMs: 400_000 + 1_200_000, because: "waits for what runs there to end" }]);
    expect(a.placements.map((p) => [p.unit, p.node])).toEqual([["next-1", null]]);
  });

  it("takes units of silent nodes for lost only after the time that was given", () => {
    const lost = (lostAfter: string, silentForMs: number) => run({ nodes: [node("a", { silentForMs }), node("b")], workloads: [{ name: "w", lostAfter }], units: [{ unit: "w-1", workload: "w", node: "a" }], nowMs: 5_000_000 }).stopped.length;
    expect([lost("never", 4_000_000), lost("10m", 599_999), lost("10m", 600_000)]).toEqual([0, 0, 1]);
  });
});
