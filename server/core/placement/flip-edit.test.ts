import { describe, expect, it } from "vitest";
import { placementPolicySpec } from "../manifest/placement-policy";
import { workloadSpec } from "../manifest/workload";
import type { Change } from "./flip";
import { edited } from "./flip-edit";

const workload = workloadSpec.parse({ kind: "service", policy: "p", selector: "true", platform: { arch: ["arm64"] }, template: { engine: { type: "process", command: ["run"] }, resources: { cpuMillis: 900, memory: "2Gi", disk: "100M", devices: { count: 2, model: "X100" } } } });
const policy = placementPolicySpec.parse({ require: [{ rule: "true" }, { rule: "false" }], residency: ["DE"], trustTierMin: "tpm", spread: [{ over: "site", maxSkew: 1 }], prefer: [{ by: "pack", weight: 3 }] });
const both = { workload, policy };
const resources = (change: Change) => edited(change, both)?.workload.template.resources;

// Guarantee: a flip that people can write is written where it belongs, and nothing else of the manifests changes.
describe("a flip as an edit", () => {
  it("asks for less", () => {
    expect(resources({ on: "demand", of: "cpu", steps: 150 })).toEqual({ ...workload.template.resources, cpuMillis: 750 });
    expect(resources({ on: "demand", of: "memory", steps: 512 })?.memory).toBe("1536Mi");
    expect(resources({ on: "demand", of: "memory", steps: 1_024 })?.memory).toBe("1Gi");
    expect(resources({ on: "demand", of: "disk", steps: 1 })?.disk).toBe(String(100_000_000 - 1_048_576));
    expect(resources({ on: "demand", of: "device", steps: 1 })?.devices).toEqual({ count: 1, model: "X100" });
    expect(resources({ on: "model" })?.devices).toEqual({ count: 2 });
  });

  it("does not ask for nothing, which is another wish", () => {
    expect(edited({ on: "demand", of: "cpu", steps: 900 }, both)).toBeNull();
    expect(edited({ on: "demand", of: "memory", steps: 2_048 }, both)).toBeNull();
    expect(edited({ on: "demand", of: "device", steps: 2 }, both)).toBeNull();
  });

  it("asks for less of a device, and for fewer slices of its own profile", () => {
    const asking = (devices: object) => ({ policy, workload: { ...workload, template: { ...workload.template, resources: { ...workload.template.resources, devices } } } }) as typeof both;
    const left = (devices: object, change: Change) => edited(change, asking(devices))?.workload.template.resources;
    const share = { count: 1, model: "X100", shareMillis: 400 };
    expect(left(share, { on: "demand", of: "share", steps: 150 })).toEqual({ ...workload.template.resources, devices: { ...share, shareMillis: 250 } });
    expect(left(share, { on: "demand", of: "share", steps: 400 })).toBeUndefined();
    expect(resources({ on: "demand", of: "share", steps: 1 })).toBeUndefined();
    const slices = { count: 3, slice: "1g.10gb" };
    expect(left(slices, { on: "demand", of: "resource", name: "mig-1g.10gb", steps: 2 })).toEqual({ ...workload.template.resources, devices: { ...slices, count: 1 } });
    expect(left(slices, { on: "demand", of: "resource", name: "mig-1g.10gb", steps: 3 })).toBeUndefined();
    expect(left(slices, { on: "demand", of: "resource", name: "licence", steps: 1 })).toBeUndefined();
    const { devices: _, ...none } = workload.template.resources;
    const bare = { policy, workload: { ...workload, template: { ...workload.template, resources: none } } };
    for (const change of [{ on: "demand", of: "share", steps: 1 }, { on: "demand", of: "device", steps: 1 }, { on: "demand", of: "resource", name: "mig-1g.10gb", steps: 1 }, { on: "model" }] satisfies Change[]) expect(edited(change, bare)).toBeNull();
  });

  it("edits the workload's own rules", () => {
    expect(edited({ on: "selector" }, both)?.workload).not.toHaveProperty("selector");
    expect(edited({ on: "arch", add: "x64" }, both)?.workload.platform).toEqual({ arch: ["arm64", "x64"] });
    expect(edited({ on: "os", add: "linux" }, both)?.workload.platform).toEqual({ arch: ["arm64"], os: ["linux"] });
    const { platform: _, ...anywhere } = workload;
    expect(edited({ on: "arch", add: "x64" }, { policy, workload: anywhere })?.workload.platform).toEqual({ arch: ["x64"] });
    expect(edited({ on: "os", add: "linux" }, { policy, workload: anywhere })?.workload.platform).toEqual({ os: ["linux"] });
  });

  it("drops rules about other units, its own ones only", () => {
    const affinity = { apart: [{ over: "node" as const }], together: [{ with: "cache", over: "site" as const }] };
    const beside = { policy, workload: { ...workload, affinity } };
    expect(edited({ on: "apart", index: 0 }, beside)?.workload.affinity).toEqual({ apart: [], together: affinity.together });
    expect(edited({ on: "together", index: 0 }, beside)?.workload.affinity).toEqual({ apart: affinity.apart, together: [] });
    expect(edited({ on: "together", index: 0 }, { policy, workload: { ...workload, affinity: { ...affinity, apart: [] } } })?.workload).toEqual(workload);
    expect(edited({ on: "apart", index: 1 }, beside)).toBeNull();
    const more = { ...affinity, apart: [{ over: "node" as const }, { over: "site" as const }] };
    expect(edited({ on: "apart", index: 0 }, { policy, workload: { ...workload, affinity: more } })?.workload.affinity).toEqual({ ...more, apart: [{ over: "site" }] });
    const cross = { apart: [{ over: "node" as const }, { over: "site" as const }], together: affinity.together };
    expect(edited({ on: "together", index: 0 }, { policy, workload: { ...workload, affinity: { ...cross, apart: cross.apart.slice(1) } } })?.workload.affinity).toEqual({ apart: cross.apart.slice(1), together: [] });
  });

  it("edits the policy, and only it", () => {
    const changes: [Change, object][] = [
      [{ on: "tolerate", key: "dedicated", value: undefined }, { tolerate: [{ key: "dedicated" }] }],
      [{ on: "tolerate", key: "dedicated", value: "gpu" }, { tolerate: [{ key: "dedicated", value: "gpu" }] }],
      [{ on: "residency", add: "FR" }, { residency: ["DE", "FR"] }],
      [{ on: "trust", to: "software" }, { trustTierMin: "software" }],
      [{ on: "rule", index: 1 }, { require: [{ rule: "true" }] }],
      [{ on: "spread", index: 0, steps: 2 }, { spread: [{ over: "site", maxSkew: 3 }] }],
      [{ on: "weight", index: 0, from: 3_000, steps: -1_250 }, { prefer: [{ by: "pack", weight: 1.75 }] }],
    ];
    const several = { ...policy, spread: [{ over: "site" as const, maxSkew: 1 }, { over: "node" as const, maxSkew: 2 }], prefer: [{ by: "pack" as const, weight: 3 }, { by: "cost" as const, weight: 4 }] };
    expect(edited({ on: "spread", index: 1, steps: 2 }, { workload, policy: several })?.policy?.spread).toEqual([{ over: "site", maxSkew: 1 }, { over: "node", maxSkew: 4 }]);
    expect(edited({ on: "weight", index: 1, from: 4_000, steps: 500 }, { workload, policy: several })?.policy?.prefer).toEqual([{ by: "pack", weight: 3 }, { by: "cost", weight: 4.5 }]);
    const { residency: _, ...free } = policy;
    expect(edited({ on: "residency", add: "FR" }, { workload, policy: free })?.policy?.residency).toEqual(["FR"]);
    for (const [change, part] of changes) expect(edited(change, both)).toStrictEqual({ workload, policy: { ...policy, ...part } });
  });

  it("makes a policy where a taint has to be tolerated and there is none", () => {
    expect(edited({ on: "tolerate", key: "dedicated", value: "gpu" }, { workload, policy: null })?.policy).toEqual(placementPolicySpec.parse({ tolerate: [{ key: "dedicated", value: "gpu" }] }));
    for (const change of [{ on: "residency", add: "FR" }, { on: "trust", to: "none" }, { on: "rule", index: 0 }, { on: "spread", index: 0, steps: 1 }, { on: "weight", index: 0, from: 1, steps: 1 }] satisfies Change[]) expect(edited(change, { workload, policy: null })).toBeNull();
  });

  it("writes nothing for what the fleet has to do", () => {
    for (const change of [{ on: "node", node: "n", to: "active" }, { on: "engine", node: "n" }, { on: "leaving", node: "n" }, { on: "apart", index: 0 }, { on: "together", index: 1 }, { on: "demand", of: "resource", name: "mig", steps: 1 }] satisfies Change[]) expect(edited(change, both)).toBeNull();
  });
});
