/**
 * What of a receipt is signed, for both sides: the agent signs it, the gateway verifies it. No cryptography here.
 */
import { canonicalJson } from "../core/base/json";
import type { Receipt } from "./messages";

/** Canonical JSON (RFC 8785) of a receipt without its signature. */
export function signedText({ signature: _signature, ...receipt }: Omit<Receipt, "signature"> & { signature?: string }): string {
  return canonicalJson(receipt);
}
