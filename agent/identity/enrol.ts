import type { Result } from "../../server/core/base/result";
import { err, ok } from "../../server/core/base/result";
import { certificateResponse, gatewayError } from "../../server/protocol/messages";
import { Fault, systemCode, textOf } from "../platform/fault";
import { certificateRequest } from "./csr";
import { authorityByFingerprint, dial, parseAddress } from "./dial";
import type { Address } from "./dial";
import { postJson } from "./exchange";
import type { Identity, StoredIdentity } from "./identity";

/** Why a renewal did not work; `refused` by the gateway with its code, or not reached at all. */
export type RenewalFailure = { refused: boolean; code: string; message: string; remedy: string };

/**
 * Enrols this node: finds the authority by its fingerprint, then sends the join token and a certificate request over
 * a connection verified against that authority. Faults: usage, fingerprint_mismatch, enrolment_refused, gateway_unreachable.
 */
export async function enrol(identity: Identity, o: { gateway: string; token: string; fingerprint: string; nodeName?: string; nowMs: number }): Promise<void> {
  const address = addressOf(o.gateway);
  const authority = await reach(o.gateway, () => authorityByFingerprint(address, o.fingerprint));
  const csr = certificateRequest(identity.key, o.nodeName ?? "holdfast-node");
  const answer = await reach(o.gateway, async () => postJson(await dial(address, { authority }, o.nowMs), o.gateway, "/v1/enrol", { token: o.token, csr, ...(o.nodeName === undefined ? {} : { nodeName: o.nodeName }) }));
  const granted = certificateResponse.safeParse(answer.body);
  if (answer.status < 300 && granted.success) {
    const { certificate, node, nodeId, site, project } = granted.data;
    const skewMs = answer.dateMs === null ? 0 : answer.dateMs - o.nowMs;
    await identity.save(() => ({ gateway: o.gateway, certificate, authority: granted.data.authority, node, nodeId, site, project, skewMs }));
    return;
  }
  const refusal = failureFrom(answer);
  throw new Fault("enrolment_refused", `The gateway refused to enrol this node (${refusal.code}): ${refusal.message}`, refusal.remedy);
}

/** Asks for a new certificate with the same key; works with an expired one too. Saves and returns the new identity. */
export async function renew(identity: Identity, nowMs: number): Promise<Result<StoredIdentity, RenewalFailure>> {
  const now = identity.current;
  try {
    const socket = await dial(addressOf(now.gateway), { authority: now.authority, client: { certificate: now.certificate, key: identity.keyPem } }, nowMs);
    const answer = await postJson(socket, now.gateway, "/v1/renew", { csr: certificateRequest(identity.key, now.node) });
    const granted = certificateResponse.safeParse(answer.body);
    if (answer.status >= 300 || !granted.success) return err(failureFrom(answer));
    const { certificate, authority, node, nodeId, site, project } = granted.data;
    await identity.save((before) => ({ ...(before ?? now), certificate, authority, node, nodeId, site, project, skewMs: answer.dateMs === null ? now.skewMs : answer.dateMs - nowMs }));
    return ok(identity.current);
  } catch (error) {
    return err({ refused: false, code: systemCode(error) ?? "unreachable", message: textOf(error), remedy: "Check the network to the gateway; the agent tries again by itself." });
  }
}

function failureFrom(answer: { status: number; body: unknown }): RenewalFailure {
  const told = gatewayError.safeParse(answer.body);
  if (told.success) return { refused: answer.status < 500, code: told.data.error.code, message: told.data.error.message, remedy: told.data.error.remedy };
  return { refused: false, code: `http_${answer.status}`, message: `The gateway answered ${answer.status} without a reason this agent understands.`, remedy: "Check that the address is a Holdfast gateway of a version this agent knows." };
}

function addressOf(gateway: string): Address {
  const address = parseAddress(gateway);
  if (!address) throw new Fault("usage", `--gateway: "${gateway}" is no address.`, "Write it as HOST:PORT, for example --gateway console.example.org:7071.");
  return address;
}

async function reach<T>(gateway: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("gateway_unreachable", `The gateway at ${gateway} cannot be reached: ${textOf(error)}.`, "Check the address, the port, firewalls, and that the gateway runs.");
  }
}
