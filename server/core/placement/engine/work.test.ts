import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/seed";
import type { Ask } from "../ask";
import { noLoad } from "../demand";
import { demand, nodeOf, policy, shape } from "../testing";
import { Cells } from "./cells";
import { ClassReasons } from "./class-reasons";
import { ClassTops } from "./class-tops";
import { columnsOf } from "./columns";
import { NodeOrder } from "./node-order";
import { Planner } from "./planner";

const SITES = 20;
const NODES = 1_200;

function fleet() {
  const random = seededRandom(5);
  const upTo = (n: number) => Math.floor(random() * (n + 1));
  return Array.from({ length: NODES }, (_, i) => nodeOf({ name: `n${i}`, site: `s${i % SITES}`, arch: i % 3 ? "x64" : "arm64", capacity: { cpuMillis: i % 2 ? 4_000 : 8_000, memoryBytes: 40_000, diskBytes: 40_000, devices: i % 5 ? {} : { A: 4 }, ...(i % 7 ? {} : { extra: { licence: 2 } }) }, load: { ...noLoad, cpuMillis: upTo(5) * 500 } }));
}

/** How often each of some methods is called while `run` runs. */
function calls(methods: Record<string, [object, string]>, run: () => void): Record<string, number> {
  const counts: Record<string, number> = {};
  const undo = Object.entries(methods).map(([as, [of, name]]) => {
    const real = Object.getOwnPropertyDescriptor(of, name) as PropertyDescriptor;
    const value = real.value as (...args: unknown[]) => unknown;
    counts[as] = 0;
    Object.defineProperty(of, name, { ...real, value: function (this: unknown, ...args: unknown[]) {
      counts[as] = (counts[as] as number) + 1;
      return value.apply(this, args);
    } });
    return () => void Object.defineProperty(of, name, real);
  });
  try {
    run();
  } finally {
    for (const u of undo) u();
  }
  return counts;
}

const watched: Record<string, [object, string]> = {
  "cells searched": [Cells.prototype, "best"],
  "nodes tried": [NodeOrder.prototype, "allows"],
  "amounts compared": [NodeOrder.prototype, "within"],
  "nodes judged": [ClassReasons.prototype, "codeNow"],
  "sites looked into": [ClassTops.prototype, "refine"],
  "searches of a site": [ClassTops.prototype, "bestOf"],
  "classes made anew": [ClassReasons.prototype, "fillCodes"],
};

/** What plans cost, per placement, after a start: mean numbers of calls. */
function perPlacement(asks: readonly Ask[], start: number): Record<string, number> {
  const planner = new Planner(columnsOf({ nowMs: 100_000, nodes: fleet() }), { seed: "s", own: [] });
  planner.prepare(asks);
  for (const ask of asks.slice(0, start)) planner.decide(ask);
  const rest = asks.slice(start);
  const counts = calls(watched, () => rest.forEach((ask) => planner.decide(ask)));
  return Object.fromEntries(Object.entries(counts).map(([k, n]) => [k, Math.round((100 * n) / rest.length) / 100]));
}
const turns = (shapes: readonly Ask["shape"][], count: number, groups = 0): Ask[] => Array.from({ length: count }, (_, i) => ({ unit: `u-${i}`, shape: shapes[i % shapes.length] as Ask["shape"], ...(groups ? { group: `g-${i % groups}` } : {}) }));
const some = [1, 2, 3, 4].map((k) => shape({ demand: demand({ cpuMillis: 20 * k, memoryBytes: 10 * k }) }));

// Guarantee: a placement costs some dozens of looks, in a fleet of any size: by counts, which no busy machine changes.
describe("the work of one placement in a fleet of 1,200 nodes", () => {
  it.each<[string, Ask[], Record<string, number>]>([
    ["of shapes that take turns", turns(some, 600, 4), { "cells searched": 2.8, "nodes tried": 6.9, "amounts compared": 0, "nodes judged": 1, "sites looked into": 1.6, "searches of a site": 2.6, "classes made anew": 0 }],
    ["of shapes that pack", turns(some.map((s) => ({ ...s, prefer: [{ by: "pack" as const, weight: 30 }] })), 600, 4), { "cells searched": 2.1, "nodes tried": 11.2, "amounts compared": 0, "nodes judged": 4, "sites looked into": 0.2, "searches of a site": 1.2, "classes made anew": 0 }],
    ["of shapes for devices", turns(some.map((s) => ({ ...s, demand: { ...s.demand, devices: { count: 1, model: "A" } } })), 300, 4), { "cells searched": 3.5, "nodes tried": 31.2, "amounts compared": 0, "nodes judged": 1.4, "sites looked into": 1.9, "searches of a site": 2.9, "classes made anew": 0 }],
    ["of groups that spread over nodes", turns([shape({ policy: policy({ spread: [{ over: "node", maxSkew: 1 }] }) })], 600, 3), { "cells searched": 3, "nodes tried": 10.1, "amounts compared": 0, "nodes judged": 1, "sites looked into": 1.3, "searches of a site": 2.3, "classes made anew": 0 }],
    ["of groups that prefer to spread", turns([shape({ prefer: [{ by: "spread", over: "node", weight: 30 }, { by: "spread", over: "site", weight: 30 }] })], 600, 3), { "cells searched": 2.9, "nodes tried": 10.1, "amounts compared": 0, "nodes judged": 1, "sites looked into": 1.4, "searches of a site": 2.4, "classes made anew": 0 }],
    ["of more groups than are kept", turns([shape()], 600, 90), { "cells searched": 2.1, "nodes tried": 3.2, "amounts compared": 0, "nodes judged": 1, "sites looked into": 11.4, "searches of a site": 12.4, "classes made anew": 0 }],
    ["of shapes that come once", Array.from({ length: 600 }, (_, i) => ({ unit: `u-${i}`, group: `g-${i}`, shape: shape({ demand: demand({ memoryBytes: 10 + i }) }) })), { "cells searched": 5.9, "nodes tried": 8.9, "amounts compared": 5.9, "nodes judged": 0, "sites looked into": 0, "searches of a site": 0, "classes made anew": 0 }],
    ["of shapes that come once and pack", Array.from({ length: 300 }, (_, i) => ({ unit: `u-${i}`, group: `g-${i}`, shape: shape({ demand: demand({ memoryBytes: 10 + i }), prefer: [{ by: "pack", weight: 30 }] }) })), { "cells searched": 26.2, "nodes tried": 150.2, "amounts compared": 142, "nodes judged": 0, "sites looked into": 0, "searches of a site": 0, "classes made anew": 0 }],
    ["of shapes that come once, for what few nodes have", Array.from({ length: 200 }, (_, i) => ({ unit: `u-${i}`, group: `g-${i}`, shape: shape({ demand: demand({ memoryBytes: 10 + i, extra: { licence: 1 } }) }) })), { "cells searched": 23.6, "nodes tried": 109.1, "amounts compared": 105, "nodes judged": 0, "sites looked into": 0, "searches of a site": 0, "classes made anew": 0 }],
  ])("%s is limited", (_what, asks, most) => {
    const found = perPlacement(asks, asks.length / 2);
    for (const [what, n] of Object.entries(most)) expect(found[what], what).toBeLessThanOrEqual(n);
  });
});
