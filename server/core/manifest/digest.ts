import { digestOf } from "../base/json";
import type { Sha256Hex } from "../base/json";
import type { Manifest } from "./kinds";
import type { WorkloadSpec } from "./workload";

/** Digest of a whole manifest with its defaults filled in: what a revision is known by. Taken before values are sealed. */
export function manifestDigest(manifest: Manifest, sha256: Sha256Hex): string {
  return digestOf(manifest, sha256);
}

/**
 * Digest of what makes units run differently: the kind and the unit template. Two revisions with one template digest
 * need no restart of what runs (a change of replicas, policy or objectives).
 */
export function templateDigest(spec: WorkloadSpec, sha256: Sha256Hex): string {
  return digestOf({ kind: spec.kind, template: spec.template }, sha256);
}
