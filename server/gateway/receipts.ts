import { createPublicKey, verify } from "node:crypto";
import type { Receipt } from "../protocol/messages";
import { signedText } from "../protocol/receipt";
import { receipts as rows } from "../store";
import type { Tx } from "../store";
import type { GatewayDeps } from "./deps";
import type { ReportingNode } from "./ingest";
import type { GatewayMetrics } from "./metrics";

export type ReceiptOutcome = "stored" | "duplicate" | "wrong_node" | "bad_signature" | "foreign_unit" | "number_reused";

/** Whether a receipt was signed with this key (SPKI, DER in base64): ECDSA P-256 with SHA-256 over its canonical JSON without the signature. */
export function isSignedBy(receipt: Receipt, spki: string): boolean {
  const signature = Buffer.from(receipt.signature, "base64");
  // A signature of P-256 in IEEE P1363 form; any other length is none, and the key would not be asked.
  if (signature.length !== 64) return false;
  const key = createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });
  return verify("sha256", Buffer.from(signedText(receipt), "utf8"), { key, dsaEncoding: "ieee-p1363" }, signature);
}

/**
 * Stores the receipts of a report that prove themselves: named after the node that brings them, about a unit of its own,
 * signed with the key of its certificate, and under a number it has not used for anything else. The others are refused:
 * counted and logged, and never stored, because what is stored here is proof.
 */
export async function storeReceipts(tx: Tx, deps: GatewayDeps, metrics: GatewayMetrics, node: ReportingNode, receipts: readonly Receipt[]): Promise<void> {
  if (receipts.length === 0) return;
  const own = await rows.assignmentsOfNode(tx.client, node.id, [...new Set(receipts.map((r) => r.assignmentId))]);
  const judged: { receipt: Receipt; outcome: ReceiptOutcome }[] = [];
  for (const receipt of receipts) judged.push({ receipt, outcome: await judge(receipt) });
  tx.afterCommit(() => {
    for (const { receipt, outcome } of judged) {
      metrics.receipts.inc({ outcome });
      if (outcome === "stored" || outcome === "duplicate") continue;
      deps.log.warn({ nodeId: node.id, node: node.name, code: outcome, number: receipt.number, rollout: receipt.rollout, assignmentId: receipt.assignmentId, what: receipt.what }, "a receipt does not prove what it says and is refused");
    }
  });

  async function judge(receipt: Receipt): Promise<ReceiptOutcome> {
    if (receipt.node !== node.name) return "wrong_node";
    if (!isSignedBy(receipt, node.spki)) return "bad_signature";
    if (!own.has(receipt.assignmentId)) return "foreign_unit";
    const { assignmentId, unit, generation, revisionDigest, artifacts, what, cause, atMs, number, signature, rollout } = receipt;
    const stored = await rows.insertNew(tx.client, { projectId: node.projectId, nodeId: node.id, number, rollout, assignmentId, unit, node: node.name, generation, digest: revisionDigest, artifacts, what, cause, atMs, signature, spkiSha256: node.spkiSha256 });
    if (stored === "stored") tx.changes.add("rollout", rollout, node.projectId);
    return stored === "reused" ? "number_reused" : stored;
  }
}
