/**
 * Answers to random questions, by number, as they were recorded: figures that people can read, and a digest of all the
 * rest, texts included. Who changes what is decided or said on purpose records anew: `npx vitest run -u PATH`.
 */
import { describe, expect, it } from "vitest";
import type { Ask } from "../ask";
import { readCase, runCase } from "../case";
import { columnsOf } from "../engine/columns";
import { RecordedDecision } from "../engine/decision";
import { Planner } from "../engine/planner";
import type { FleetNode } from "../fleet";
import { applied, flipOf, oneLess } from "../flip";
import { place } from "../place";
import { planWorkload } from "../reconcile";
import { whatIf } from "../whatif/compare";
import type { WhatIfWorld } from "../whatif/compare";
import { caseOf, Dice, digestOf, nodesOf, shapeOf, worldOf } from "./testing";

const tens = (groups: number) => Array.from({ length: groups }, (_, g) => g * 10);
const numbers = (from: number) => Array.from({ length: 10 }, (_, i) => from + i);
const recorded = (from: number, line: (seed: number) => string) => expect(numbers(from).map((seed) => `${seed}: ${line(seed)}`).join("\n")).toMatchSnapshot();

// Guarantee: the same question has the same answer, in this version as in the one before: nodes, victims, scores and sentences.
describe("answers as recorded", () => {
  it.each(tens(14))("to cases from %i", (from) => {
    recorded(from, (seed) => {
      const { value, errors } = readCase(caseOf(seed));
      if (!value) return `refused: ${errors.map((e) => `${e.path} ${e.message}`).join(" ")}`;
      const a = runCase(value);
      return `${a.placements.filter((p) => p.node !== null).length} placed, ${a.placements.filter((p) => p.node === null).length} nowhere, ${a.victims.length} victims, ${a.stopped.length} stopped, ${a.reservations.length} reserved, ${a.rounds} rounds; ${digestOf(a)}`;
    });
  });

  it.each(tens(16))("to asks for units from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 50_000);
      const nodes = nodesOf(d, d.upTo(12));
      const shapes = Array.from({ length: d.from(1, 4) }, () => shapeOf(d));
      const somewhere = () => (nodes.length ? d.pick(nodes).id : "nobody");
      const asks = Array.from({ length: d.from(1, 18) }, (_, i): Ask => ({ unit: `u-${i}`, shape: d.pick(shapes), group: d.pick(["", "", "g1", "g2"]), ...(d.is(0.1) ? { avoid: new Set([somewhere()]) } : {}), ...(d.is(0.1) ? { only: somewhere() } : {}) }));
      const options = { seed: `s${seed}`, own: d.some(4, somewhere), groups: new Map([["g1", d.some(3, somewhere)], ["g2", d.some(3, somewhere)]]) };
      const snapshot = { nowMs: 10_000_000, nodes };
      const few = place(snapshot, asks, options).placements;
      // The same with units that leave and nodes that are lost in between.
      const planner = new Planner(columnsOf(snapshot), options);
      planner.prepare(asks);
      const running: { node: number; ask: Ask }[] = [];
      const many = asks.map((ask) => {
        const gone = running.length && d.is(0.25) ? running.splice(d.upTo(running.length - 1), 1)[0] : undefined;
        if (gone) planner.release(gone.node, gone.ask);
        if (d.is(0.08) && nodes.length) planner.lose(d.upTo(nodes.length - 1), "silent");
        const k = planner.decide(ask);
        const node = planner.records.nodeOf(k);
        if (node >= 0) running.push({ node, ask });
        return new RecordedDecision(planner, k, ask);
      });
      return `${few.map((p) => p.node ?? "-").join(" ")}; ${digestOf(few)} ${digestOf(many)}`;
    });
  });

  it.each(tens(10))("to questions for a flip from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 100_000);
      const nodes = nodesOf(d, d.from(1, 4));
      const p = { snapshot: { nowMs: 10_000_000, nodes }, ask: { unit: "u", shape: shapeOf(d), ...(d.is(0.2) ? { avoid: new Set([d.pick(nodes).id]) } : {}) }, options: { seed: "s", own: d.some(3, () => d.pick(nodes).id) } };
      return [undefined, ...nodes.map((n) => n.id)].map((to) => {
        const f = flipOf(p, to);
        if (!f) return "none";
        const less = oneLess(f.change);
        return `${f.text} ${digestOf([f, less, place(applied(p, f.change).snapshot, [applied(p, f.change).ask], applied(p, f.change).options).placements[0]?.node])}`;
      }).join(" | ");
    });
  });

  it.each(tens(14))("to passes over workloads from %i", (from) => {
    recorded(from, (seed) => {
      const w = worldOf(seed + 150_000);
      return w.workloads.map(({ snapshot: s }) => {
        const quota = w.quotas[0] ? { name: "q", facts: w.quotas, used: new Map([["q", { cpuMillis: 500 }]]) } : null;
        const first = planWorkload(s);
        const plan = planWorkload({ ...s, fleet: { nowMs: s.nowMs, nodes: w.nodes }, sets: s.sets && { ...s.sets, quota } });
        return `${plan.place.map((x) => `+${x.unit}@${x.decision.node ?? ""}`).join("")}${plan.stop.map((x) => `-${x.unit}(${x.cause})`).join("")}${plan.move.map((x) => `>${x.unit}`).join("")} ${digestOf([first, plan])}`;
      }).join(" | ");
    });
  });

  it.each(tens(14))("to what would be if, from %i", (from) => {
    recorded(from, (seed) => {
      const before = worldOf(seed + 200_000);
      const d = new Dice(seed + 250_000);
      const all = before.workloads.map((w) => w.snapshot.workloadId);
      const changed = (node: FleetNode, o: Partial<FleetNode>): WhatIfWorld => {
        const now = { ...node, ...o };
        return { ...before, nodes: before.nodes.map((n) => (n === node ? now : n)), workloads: before.workloads.map((w) => ({ ...w, snapshot: { ...w.snapshot, units: w.snapshot.units.map((u) => (u.node === node ? { ...u, node: now } : u)) } })) };
      };
      const after = d.pick<() => WhatIfWorld>([
        () => before,
        () => changed(d.pick(before.nodes), { desiredState: "draining" }),
        () => changed(d.pick(before.nodes), { rates: { currency: "USD", cpuHour: 1, memoryGiBHour: 0.5, egressGiB: 0.1 } }),
        () => ({ ...before, links: before.links.slice(1) }),
        () => ({ ...before, nodes: before.nodes.slice(1) }),
        () => ({ ...before, workloads: before.workloads.map((w) => ({ ...w, snapshot: { ...w.snapshot, replicas: w.snapshot.replicas + 1 } })) }),
        () => ({ ...before, workloads: before.workloads.map((w, i) => (i === 0 ? { ...w, snapshot: { ...w.snapshot, units: w.snapshot.units.slice(1) } } : w)) }),
      ])();
      const was = digestOf([before, after]);
      const { after: end, ...found } = whatIf(before, after, d.is(0.8) ? all : all.slice(0, 1));
      // Guarantee (13): a preview mutates nothing.
      expect(digestOf([before, after])).toBe(was);
      return `${found.moves.length} moves, ${found.added.length} added, ${found.gone.length} gone, ${found.evicted.length} evicted, ${found.impossible.length} impossible, ${found.stays.length} stay, ${found.updates.length} updated, ${found.latency.length} nearer or farther; ${digestOf([found, end.rounds, end.atRest, end.events.map((e) => [e.kind, e.unit, e.nodeId, e.because]), end.behind, end.held, end.units.map((u) => [u.unit, u.nodeId, u.generation]), end.nodes.map((n) => n.load)])}`;
    });
  });
});
