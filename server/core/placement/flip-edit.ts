/** A flip as an edit: what the change is called in the manifests that people write. */
import { parseBytes } from "../manifest/common";
import type { PlacementPolicySpec } from "../manifest/placement-policy";
import type { WorkloadSpec } from "../manifest/workload";
import type { Change } from "./flip";
import { sliceName } from "./shares";

/** What a unit's place is decided by, as it is written: its workload, and the policy that the workload names. */
export interface Written {
  workload: WorkloadSpec;
  policy: PlacementPolicySpec | null;
}

const MIB = 1_048_576;

/**
 * Both manifests with a change made. Null for changes of the fleet (a node made active, an engine offered), for what no
 * manifest says, and where nothing of what is asked for would be left. A policy that was not there and is needed comes
 * with the change alone in it; the caller names it.
 */
export function edited(change: Change, now: Written): Written | null {
  const { workload, policy } = now;
  const resources = (part: Partial<WorkloadSpec["template"]["resources"]>): Written => ({ ...now, workload: { ...workload, template: { ...workload.template, resources: { ...workload.template.resources, ...part } } } });
  const bound = (part: Partial<PlacementPolicySpec>): Written | null => (policy ? { ...now, policy: { ...policy, ...part } } : null);
  const asked = workload.template.resources;
  switch (change.on) {
    case "demand":
      switch (change.of) {
        case "cpu": return asked.cpuMillis > change.steps ? resources({ cpuMillis: asked.cpuMillis - change.steps }) : null;
        case "memory": return lessOf(asked.memory, change.steps, (memory) => resources({ memory }));
        case "disk": return lessOf(asked.disk, change.steps, (disk) => resources({ disk }));
        case "device": return asked.devices && asked.devices.count > change.steps ? resources({ devices: { ...asked.devices, count: asked.devices.count - change.steps } }) : null;
        case "share": return asked.devices?.shareMillis !== undefined && asked.devices.shareMillis > change.steps ? resources({ devices: { ...asked.devices, shareMillis: asked.devices.shareMillis - change.steps } }) : null;
        case "resource": return asked.devices?.slice !== undefined && change.name === sliceName(asked.devices.slice) && asked.devices.count > change.steps ? resources({ devices: { ...asked.devices, count: asked.devices.count - change.steps } }) : null;
      }
      break;
    case "model": return asked.devices ? resources({ devices: { ...asked.devices, model: undefined } }) : null;
    case "selector": {
      const { selector: _, ...rest } = workload;
      return { ...now, workload: rest };
    }
    case "arch": return { ...now, workload: { ...workload, platform: { ...workload.platform, arch: [...(workload.platform?.arch ?? []), change.add] } } };
    case "os": return { ...now, workload: { ...workload, platform: { ...workload.platform, os: [...(workload.platform?.os ?? []), change.add] } } };
    case "tolerate": {
      const taint = { key: change.key, ...(change.value === undefined ? {} : { value: change.value }) };
      return policy ? bound({ tolerate: [...policy.tolerate, taint] }) : { ...now, policy: { require: [], tolerate: [taint], prefer: [], spread: [] } };
    }
    case "residency": return bound({ residency: [...(policy?.residency ?? []), change.add] });
    case "trust": return bound({ trustTierMin: change.to as PlacementPolicySpec["trustTierMin"] });
    case "rule": return bound({ require: (policy?.require ?? []).filter((_, i) => i !== change.index) });
    case "spread": return bound({ spread: (policy?.spread ?? []).map((s, i) => (i === change.index ? { ...s, maxSkew: s.maxSkew + change.steps } : s)) });
    case "weight": return bound({ prefer: (policy?.prefer ?? []).map((p, i) => (i === change.index ? { ...p, weight: (change.from + change.steps) / 1_000 } : p)) });
    case "apart":
    case "together": {
      const { affinity } = workload;
      // A rule of another workload stands in the other's manifest.
      if (!affinity || change.index >= affinity[change.on].length) return null;
      const left = { ...affinity, [change.on]: affinity[change.on].filter((_, i) => i !== change.index) };
      const { affinity: _, ...rest } = workload;
      return { ...now, workload: left.apart.length + left.together.length === 0 ? rest : { ...rest, affinity: left } };
    }
    case "node":
    case "engine":
    case "leaving":
      return null;
  }
}

/** A size less some MiB, in the largest unit that says it exactly; null when nothing would be left. */
function lessOf(size: string, mib: number, then: (size: string) => Written): Written | null {
  const bytes = parseBytes(size) - mib * MIB;
  if (!(bytes > 0)) return null;
  const unit = ([["Gi", 2 ** 30], ["Mi", MIB], ["Ki", 1_024]] as const).find(([, n]) => bytes % n === 0);
  return then(unit ? `${bytes / unit[1]}${unit[0]}` : String(bytes));
}
