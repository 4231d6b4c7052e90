import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/seed";
import type { Ask } from "../ask";
import { noLoad } from "../demand";
import { demand, nodeOf, selectorOf, shape } from "../testing";
import { Checked } from "./testing";

const MIB = 2 ** 20;

describe("shapes that come once", () => {
  // Guarantee: what the search leaves out could not have won, whatever was taken and given back before.
  it.each([1, 2, 3, 4, 5, 6].flatMap((seed) => [["of any kind", seed], ["that pack", seed]] as const))("%s go where the definitions send them, in a fleet of many small cells (%i)", (kind, seed) => {
    const random = seededRandom(seed);
    const upTo = (n: number) => Math.floor(random() * (n + 1));
    const nodes = Array.from({ length: 90 }, (_, i) =>
      nodeOf({ name: `n${i}`, site: `s${i % 23}`, labels: { rack: `r${upTo(2)}` }, arch: upTo(5) ? "x64" : "arm64", capacity: { cpuMillis: upTo(1) ? 4_000 : 8_000, memoryBytes: 4_096 * MIB, diskBytes: 4_096 * MIB, devices: i % 4 ? {} : { A: 2 }, ...(i % 3 ? { extra: { licence: upTo(2) } } : {}) }, load: { ...noLoad, cpuMillis: upTo(3) * 1_000 } }),
    );
    const asks = Array.from({ length: 160 }, (_, i): Ask => ({
      unit: `u-${i}`,
      group: `g-${i}`,
      shape: shape({
        demand: demand({ cpuMillis: 100 + upTo(9) * 100, memoryBytes: (64 + i) * MIB, devices: upTo(4) ? null : { count: 1, model: "A" }, ...(upTo(3) ? {} : { extra: { licence: upTo(1) } }) }),
        arch: upTo(kind === "that pack" ? 40 : 4) ? null : ["x64"],
        prefer: kind === "that pack" && i % 10 ? [{ by: "pack" as const, weight: 30 }] : [[], [], [{ by: "rule" as const, selector: selectorOf('node.labels["rack"] == "r1"'), weight: 20 }], [{ by: "pack" as const, weight: 30 }], [{ by: "cost" as const, weight: 40 }], [{ by: "spread" as const, over: "site" as const, weight: 10 }]][upTo(5)] ?? [],
      }),
    }));
    const checked = new Checked(nodes, asks);
    let placed = 0;
    for (const ask of asks) {
      if (checked.decide(ask) >= 0) placed++;
      if (upTo(3) === 0 && checked.running.length > 0) checked.release(upTo(checked.running.length - 1));
    }
    expect(placed).toBeGreaterThan(100);
  });
});
