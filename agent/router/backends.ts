import type { Endpoint } from "../../server/protocol/messages";
import type { Instance } from "../units/instance";
import type { Backend } from "./balance";

/** Endpoints of a service's port: this node's instances as they are now, the site's others as last told. */
export function backendsOf(o: { service: string; portName: string; node: string; instances: readonly Pick<Instance, "spec" | "data" | "ready">[]; remote: readonly Endpoint[] }): Backend[] {
  const own = o.instances.flatMap((i) => {
    const port = i.data.ports[o.portName];
    return i.spec.workload === o.service && i.ready && port !== undefined ? [{ id: i.data.id, generation: i.spec.generation, host: "127.0.0.1", port, own: i.spec }] : [];
  });
  const others = o.remote.filter((e) => e.service === o.service && e.portName === o.portName && e.node !== o.node).map((e) => ({ id: `${e.node} ${e.assignmentId} ${e.generation}`, generation: e.generation, host: e.address, port: e.port, own: null }));
  return [...own, ...others];
}
