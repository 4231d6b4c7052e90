import type { RunOptions } from "../options";
import { Fault } from "../platform/fault";
import type { Log } from "../platform/log";
import { dial, parseAddress } from "./dial";
import { enrol } from "./enrol";
import { Identity } from "./identity";

/** The node's identity: read, or made by enrolling with the flags of a first start. Faults: not_enrolled, and those of enrolling. */
export async function openIdentity(o: Pick<RunOptions, "data" | "gateway" | "token" | "fingerprint" | "name">, log: Log, nowMs: () => number): Promise<Identity> {
  const { data, gateway, token, fingerprint, name } = o;
  const identity = await Identity.open(data);
  if (identity.enrolled === null) {
    if (gateway === null || token === null || fingerprint === null) throw new Fault("not_enrolled", `This node has not been enrolled, and ${gateway === null ? "--gateway" : token === null ? "--token" : "--ca-fingerprint"} is missing.`, "Copy the whole command from Settings, join tokens.");
    await enrol(identity, { gateway, token, fingerprint, nodeName: name ?? undefined, nowMs: nowMs() });
    log.info("agent.enrolled", { node: identity.current.node, site: identity.current.site, project: identity.current.project });
  } else if (gateway !== null && gateway !== identity.enrolled.gateway) {
    // The gateway may move; it is still the same authority that must vouch for it.
    await identity.save((now) => ({ ...(now ?? identity.current), gateway }));
    log.info("agent.gatewayChanged", { gateway });
  }
  return identity;
}

/** A verified connection to the node's gateway, with its certificate; for what is not said in the session. */
export async function dialGateway(identity: Identity, nowMs: number): Promise<{ socket: Awaited<ReturnType<typeof dial>>; host: string }> {
  const { gateway, authority, certificate } = identity.current;
  const address = parseAddress(gateway);
  if (!address) throw new Fault("usage", `"${gateway}" is no address.`, "Start the agent with --gateway HOST:PORT.");
  return { socket: await dial(address, { authority, client: { certificate, key: identity.keyPem } }, nowMs), host: gateway };
}
