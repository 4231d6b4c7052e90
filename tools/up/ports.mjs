/** Which ports an installation uses. Chosen once and kept, because agents know the gateway by its port. */
import net from "node:net";
import path from "node:path";
import { readJson, writeJson } from "./instance.mjs";

/** @typedef {{ web: number, gateway: number, schedulerOps: number, gatewayOps: number }} Ports */

/** Is this port free on this address? @param {number} port @param {string} host @returns {Promise<number>} the port, or 0 */
const free = (port, host) =>
  new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(0));
    probe.listen({ port, host, exclusive: true }, () => {
      const { port: got } = /** @type {net.AddressInfo} */ (probe.address());
      probe.close(() => resolve(got));
    });
  });

/** A port somebody asked for is in use. */
export class PortTaken extends Error {
  name = "PortTaken";
}

/**
 * The ports of this start: those of the last one where they are still free, otherwise other free ones. A port that was
 * asked for by number is never silently replaced.
 * @param {{ folder: string, host: string, asked: number | undefined, say: (text: string) => void }} o
 * @returns {Promise<Ports>}
 */
export async function choosePorts({ folder, host, asked, say }) {
  const file = path.join(folder, "ports.json");
  /** @type {Partial<Ports>} */
  const kept = readJson(file) ?? {};
  /** @type {Set<number>} */
  const used = new Set();
  const claim = async (/** @type {number} */ wanted, /** @type {string} */ at) => {
    for (const candidate of [wanted, wanted + 10, wanted + 20, 0]) {
      const got = candidate > 65_535 || used.has(candidate) ? 0 : await free(candidate, at);
      if (!got) continue;
      used.add(got);
      return got;
    }
    throw new PortTaken(`no free port was found on ${at}`);
  };
  if (asked !== undefined && !(await free(asked, host))) {
    throw new PortTaken(`Port ${asked} on ${host} is in use by another program. Choose another with --port, or leave --port out to get a free one.`);
  }
  const web = asked ?? kept.web ?? 7070;
  /** @type {Ports} */
  const ports = {
    web: await claim(web, host),
    gateway: await claim(kept.gateway ?? web + 1, host),
    schedulerOps: await claim(kept.schedulerOps ?? web + 2, "127.0.0.1"),
    gatewayOps: await claim(kept.gatewayOps ?? web + 3, "127.0.0.1"),
  };
  if (kept.gateway && kept.gateway !== ports.gateway) {
    say(`! port ${kept.gateway} is in use by another program: the gateway listens on ${ports.gateway}, and agents on other machines won't find it there`);
  }
  writeJson(file, ports);
  return ports;
}
