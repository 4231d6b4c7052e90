import { describe, expect, it } from "vitest";
import type { PreviewView } from "@/server/core/views";
import { follow, followedWorkloads, type SeenUnit } from "./follow";
import { changeOf, commandOf, questions } from "./what-if";
import { costText, countWord, countsOf, fragmentationText, isQuiet, rowsOf, unsent, updatesText, wayText } from "./rows";

const none = { moves: 0, added: 0, gone: 0, evicted: 0, impossible: 0, asNow: 0, replaces: 0, stays: 0, unitsBefore: 4, unitsAfter: 4 };
const preview = (p: Partial<PreviewView>): PreviewView => ({ sentence: "", moves: [], added: [], gone: [], evicted: [], impossible: [], stays: [], updates: [], counts: none, cost: [], latency: [], fragmentation: null, atRest: true, digest: "sha256:0", tookMs: 1, asOfMs: 1_000, ...p });
const move = (unit: string, from: string, to: string, becomes = unit) => ({ workload: "web", unit, becomes, from, to, because: "it must" });
const seen = (unit: string, node: string, o: { action?: "run" | "stop"; state?: "healthy" | "pending"; sinceMs?: number } = {}): SeenUnit => ({ unit, workload: "web", node, desired: { action: o.action ?? "run", sinceMs: o.sinceMs ?? 2_000 }, state: { state: o.state ?? "healthy", because: "" } });

describe("the rows of a preview", () => {
  // Guarantee: what finds no node is said first, then what is held where it is; who makes way is marked, not listed twice.
  it("name the worst first", () => {
    const p = preview({
      added: [{ workload: "high", unit: "high-1", to: "a", because: "" }],
      gone: [{ workload: "web", unit: "web-3", from: "a", because: "" }],
      moves: [move("web-1", "a", "b"), move("web-2", "a", "c", "web-4")],
      evicted: [{ workload: "web", unit: "web-2", from: "a", because: "" }],
      stays: [{ workload: "web", unit: "web-6", node: "a", because: "" }],
      impossible: [{ workload: "web", unit: "web-5", because: "no room", standing: "new" }, { workload: "web", unit: "web-7", because: "no room", standing: "asNow" }, { workload: "web", unit: "web-8", because: "no room", standing: "replaces" }],
      counts: { ...none, moves: 2, added: 1, gone: 1, evicted: 1, impossible: 43, asNow: 2, replaces: 1, stays: 1 },
    });
    const rows = rowsOf(p);
    expect(rows.map((r) => [r.kind, r.unit, r.becomes, r.makesWay])).toEqual([["impossible", "web-5", null, false], ["stays", "web-6", null, false], ["moves", "web-2", "web-4", true], ["moves", "web-1", null, false], ["gone", "web-3", null, false], ["added", "high-1", null, false], ["waits", "web-7", null, false]]);
    expect(countsOf(p).map((c) => `${c.n} ${c.kind}`)).toEqual(["40 impossible", "1 stays", "2 moves", "1 gone", "1 added", "2 waits"]);
    expect([countWord("stays", 3), countWord("gone", 1), countWord("waits", 2), countWord("impossible", 2)]).toEqual(["stay", "stops", "still wait", "without a node"]);
    expect(unsent(p, rows)).toBe(40);
    // A missing unit whose name another still has is not called by it.
    expect(rowsOf({ ...p, impossible: [{ workload: "web", unit: "web-1", because: "", standing: "new" }] })[0]?.unit).toBe("one more of web");
    expect(isQuiet(p)).toBe(false);
    expect(isQuiet(preview({}))).toBe(true);
    // Guarantee: who waits already is no news of a change.
    expect(isQuiet(preview({ counts: { ...none, impossible: 2, asNow: 2 } }))).toBe(true);
    expect(isQuiet(preview({ updates: [{ workload: "web", units: 1 }] }))).toBe(false);
  });

  it("say before and after, and once what stays as it is", () => {
    expect(costText({ currency: "EUR", before: 1.2, after: 1.3 })).toBe("1.20 to 1.30 EUR an hour (+8.3\u00a0%)");
    expect(costText({ currency: "EUR", before: 0, after: 0.2 })).toBe("0.00 to 0.20 EUR an hour");
    expect(costText({ currency: "EUR", before: 0.00001, after: 0.00002 })).toBe("0.00 EUR an hour, as now");
    expect(wayText({ workload: "web", beforeMs: 12, afterMs: 20, unreachedBefore: 0, unreachedAfter: 2 })).toBe("12 ms to 20 ms; 2 more sites reach none");
    expect(costText({ currency: "EUR", before: 0.5, after: 25.1098 })).toBe("0.50 to 25.11 EUR an hour (+4,922\u00a0%)");
    expect(wayText({ workload: "web", beforeMs: 12, afterMs: null, unreachedBefore: 0, unreachedAfter: 3 })).toBe("12 ms now; no site would reach one");
    expect(wayText({ workload: "web", beforeMs: null, afterMs: 5, unreachedBefore: 3, unreachedAfter: 2 })).toBe("out of reach to 5 ms; 1 more site reaches one");
    expect(fragmentationText({ before: 0.1, after: 0.25 })).toBe("10 % to 25 % of accelerators");
    expect(fragmentationText({ before: 0.1, after: 0.1 })).toBe("10 % of accelerators, as now");
    expect(updatesText([])).toBeNull();
    expect(updatesText([{ workload: "web", units: 1 }, { workload: "api", units: 3 }])).toBe("1 unit of web, 3 of api");
  });
});

describe("following a saved change", () => {
  const p = preview({ moves: [move("web-1", "a", "b", "web-3")], gone: [{ workload: "web", unit: "web-2", from: "a", because: "" }], added: [{ workload: "web", unit: "web-4", to: "c", because: "" }] });
  const progress = (units: SeenUnit[]) => follow(p, units).list.map((f) => f.progress);

  // Guarantee: a move is done only when the new unit is healthy and the old one is gone.
  it("goes from waiting over under way to done", () => {
    expect(followedWorkloads(p)).toEqual(["web"]);
    const old = [seen("web-1", "a", { sinceMs: 1 }), seen("web-2", "a", { sinceMs: 1 })];
    expect(progress(old)).toEqual(["waiting", "waiting", "waiting"]);
    expect(progress([...old, seen("web-3", "b", { state: "pending" })])).toEqual(["under way", "waiting", "waiting"]);
    expect(progress([seen("web-1", "a", { action: "stop" }), seen("web-2", "a", { action: "stop" }), seen("web-3", "b"), seen("web-4", "c")])).toEqual(["under way", "under way", "done"]);
    const end = follow(p, [seen("web-3", "b"), seen("web-4", "c")]);
    expect(end.done).toBe(3);
    expect(end.others).toEqual([]);
  });

  // Guarantee: what happens and was not in the preview is named.
  it("names what it was not told of", () => {
    const end = follow(p, [seen("web-3", "d"), seen("web-4", "c"), seen("web-9", "b"), seen("web-8", "a", { sinceMs: 10 })]);
    expect(end.list.map((f) => [f.progress, f.words])).toEqual([["elsewhere", "went to d instead"], ["done", "gone from a"], ["done", "runs on c"]]);
    expect(end.others.map((u) => u.unit)).toEqual(["web-9"]);
  });
});

describe("the question what if", () => {
  const all = { site: "kiel", to: "lyon", node: " kiel-1 ", cpu: 0.08, memory: null, egress: 0.02 };
  // Guarantee: the page, the API and the command line ask the same; an incomplete question says what it lacks.
  it("is the same on the page and at the command line", () => {
    expect(questions.map((q) => commandOf(changeOf({ ...all, do: q }).change ?? {}, "p").replace("holdfast preview ", "").replace(" --project p", ""))).toEqual(["--drain-site kiel", "--drain-node kiel-1", "--lose-site kiel", "--lose-node kiel-1", "--lose-link kiel:lyon", "--price-site kiel --cpu-hour 0.08 --egress 0.02"]);
    const empty = { site: "", to: "", node: " ", cpu: null, memory: null, egress: null };
    for (const q of questions) expect(changeOf({ ...empty, do: q })).toEqual({ change: null, missing: expect.stringMatching(/^(Choose|Name) /) as string });
    expect(changeOf({ ...all, cpu: null, egress: null, do: "price" }).missing).toBe("Say what a core or a GiB would cost.");
  });
});
