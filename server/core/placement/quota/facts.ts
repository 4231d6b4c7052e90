import { parseBytes } from "../../manifest/common";
import type { QuotaAmounts, QuotaSpec } from "../../manifest/quota";
import type { Amounts } from "./amounts";
import type { QuotaFacts } from "./tree";

/** A Quota manifest as the tree takes it. */
export function quotaFactsOf(name: string, spec: QuotaSpec): QuotaFacts {
  return {
    name,
    parent: spec.parent ?? null,
    nominal: readAmounts(spec.nominal),
    borrowingLimit: spec.borrowingLimit ? readAmounts(spec.borrowingLimit) : null,
    lendingLimit: spec.lendingLimit ? readAmounts(spec.lendingLimit) : null,
    weight: spec.weight ?? 1,
    reclaim: spec.reclaim ?? "lowerPriority",
  };
}

function readAmounts(a: QuotaAmounts): Amounts {
  return {
    ...(a.cpuMillis === undefined ? {} : { cpuMillis: a.cpuMillis }),
    ...(a.memory === undefined ? {} : { memoryBytes: parseBytes(a.memory) }),
    ...(a.disk === undefined ? {} : { diskBytes: parseBytes(a.disk) }),
    ...(a.devices === undefined ? {} : { devices: a.devices }),
    ...Object.fromEntries(Object.entries(a.models ?? {}).map(([model, n]) => [`devices/${model}`, n])),
  };
}
