/** Fleets and shapes for measuring placement: eight dimensions, many kinds of nodes and of work, from a seed. */
import { seededRandom } from "../../server/core/base/seed";
import type { Demand, FleetNode, FleetSnapshot, Shape } from "../../server/core/placement";
import { compileSelector, selectorSubject } from "../../server/core/selector";
import type { Selector } from "../../server/core/selector";

const NOW = 1_700_000_000_000;
const GIB = 2 ** 30;
/** CPU, memory, disk, devices of any model, two models, MIG slices and network bandwidth. */
export const DIMENSIONS = 8;

const makes = [
  { cores: 16, gib: 64, diskGib: 500 },
  { cores: 32, gib: 128, diskGib: 500 },
  { cores: 64, gib: 256, diskGib: 1_000 },
  { cores: 96, gib: 384, diskGib: 2_000 },
  { cores: 64, gib: 512, diskGib: 2_000, device: "A100", count: 8 },
  { cores: 48, gib: 192, diskGib: 1_000, device: "L4", count: 4 },
  { cores: 32, gib: 256, diskGib: 1_000, device: "A100", count: 4, slices: 14 },
  { cores: 8, gib: 32, diskGib: 250 },
] as const;
const kinds = ["cloud-region", "on-prem", "grid", "edge"] as const;
const countries = ["DE", "FR", "FI", "US-CA"] as const;

/** Nodes over sites; memory differs by some megabytes from node to node, as it does. */
export function fleetOf(o: { nodes: number; sites: number; seed: number }): FleetSnapshot {
  const random = seededRandom(o.seed);
  const nodes = Array.from({ length: o.nodes }, (_, i): FleetNode => {
    const s = i % o.sites;
    const make = makes[Math.floor(random() * makes.length)] as (typeof makes)[number];
    const device = "device" in make ? make.device : null;
    const devices: Record<string, number> = device && "count" in make ? { [device]: make.count } : {};
    const kind = kinds[s % kinds.length] as string;
    const jurisdiction = countries[s % countries.length] as string;
    const arch = s % 5 === 4 ? "arm64" : "x64";
    const memoryBytes = make.gib * GIB - Math.floor(random() * 64) * 2 ** 20;
    const name = `node-${String(i).padStart(6, "0")}`;
    return {
      id: name, name, site: `site-${s}`, siteTitle: `Site ${s}`, jurisdiction, desiredState: random() < 0.01 ? "cordoned" : "active", contact: random() < 0.01 ? "silent" : "live", lastSeenMs: NOW - 1_000, trustTier: s % 3 === 0 ? "tpm" : "software", taints: random() < 0.03 ? [{ key: "maintenance" }] : [], arch, os: "linux", engines: ["process"],
      subject: selectorSubject({ name: `site-${s}`, title: `Site ${s}`, kind, jurisdiction, uplink: "fiber", metered: false, place: "", timeZone: "UTC", labels: {} }, { name, labels: { rack: `r${i % 7}` }, arch, os: "linux", cpuMillis: make.cores * 1_000, memoryMiB: make.gib * 1_024, diskMiB: make.diskGib * 1_024, trustTier: "software", engines: ["process"], devices: [] }),
      capacity: { cpuMillis: make.cores * 1_000, memoryBytes, diskBytes: make.diskGib * GIB, devices, extra: { bandwidthMbit: 10_000, ...("slices" in make ? { "mig-1g.10gb": make.slices } : {}) } },
      load: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: {} },
      rates: { currency: "EUR", cpuHour: 0.02 + (s % 9) * 0.004, memoryGiBHour: 0.003 }, warm: new Set<string>(), version: 1, desiredGeneration: 0,
    };
  });
  return { nowMs: NOW, nodes };
}

const selector = (text: string): Selector => {
  const r = compileSelector(text);
  if (!r.ok) throw new Error(r.error.message);
  return r.value;
};

function demandOf(random: () => number, i: number): Demand {
  const kind = i % 8;
  return {
    cpuMillis: 250 * (1 + Math.floor(random() * 12)),
    memoryBytes: 256 * 2 ** 20 * (1 + Math.floor(random() * 24)) + (random() < 0.5 ? 0 : Math.floor(random() * 2 ** 20)),
    diskBytes: GIB * (1 + Math.floor(random() * 8)),
    devices: kind === 3 ? { count: 1, model: i % 16 === 3 ? "A100" : "L4" } : kind === 7 && i % 16 === 7 ? { count: 1, model: null } : null,
    extra: { bandwidthMbit: 10 * (1 + Math.floor(random() * 10)), ...(i % 32 === 5 ? { "mig-1g.10gb": 1 } : {}) },
  };
}

/** Rules and preferences as policies have them: none, regional, by kind, packing, by price, by rack. `packing` off leaves every shape spreading. */
function rulesOf(i: number, packing: boolean): Pick<Shape, "policy" | "prefer" | "arch" | "selector"> {
  const policy = { name: `p${i % 8}`, require: [], residency: null, trustTierMin: null, tolerate: [], spread: [] };
  switch (i % 8) {
    case 1: return { arch: ["x64"], selector: null, policy: { ...policy, residency: ["DE", "FR"] }, prefer: [] };
    case 2: return { arch: null, selector: selector('site.kind != "edge"'), policy: null, prefer: [] };
    case 4: return { arch: null, selector: null, policy, prefer: packing ? [{ by: "pack", weight: 20 }] : [] };
    case 5: return { arch: ["x64"], selector: null, policy, prefer: [{ by: "cost", weight: 100 }] };
    case 6: return { arch: null, selector: null, policy: { ...policy, trustTierMin: "tpm" }, prefer: [{ by: "rule", selector: selector('node.labels["rack"] == "r3"'), weight: 5 }] };
    default: return { arch: null, selector: null, policy: null, prefer: [] };
  }
}

export function shapesOf(o: { count: number; seed: number; packing?: boolean }): Shape[] {
  const random = seededRandom(o.seed);
  return Array.from({ length: o.count }, (_, i): Shape => ({ demand: demandOf(random, i), engine: "process", os: null, artifacts: [], ...rulesOf(i, o.packing ?? true) }));
}
