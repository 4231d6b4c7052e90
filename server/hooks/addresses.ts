import { lookup as resolve } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Addresses that are not of the public Internet (IANA special-purpose registries, RFC 6890 and RFC 4193): a webhook to
 * one of them would let whoever may set webhooks reach machines that only this server can.
 */
const inside = new BlockList();
for (const [net, bits] of [["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4]] as const) inside.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [["::", 128], ["::1", 128], ["64:ff9b::", 96], ["64:ff9b:1::", 48], ["100::", 64], ["2001:db8::", 32], ["2002::", 16], ["fc00::", 7], ["fe80::", 10], ["ff00::", 8]] as const) inside.addSubnet(net, bits, "ipv6");

/** Is it an address of this machine, a private network, or otherwise not of the public Internet? */
export function isInside(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  return inside.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Thrown by the guarded look-up; its message is for people. */
export class NotPublic extends Error {
  override name = "NotPublic";
}

/**
 * A look-up for sockets that gives only public addresses. It is the one look-up of the connection, so a name cannot
 * resolve to something else between the check and the connection (DNS rebinding).
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, "", 0);
    const list = Array.isArray(addresses) ? addresses : [];
    const open = list.filter((a) => !isInside(a.address));
    const [first] = open;
    if (!first) return callback(new NotPublic(`${hostname} is not a public address. An administrator of the server can allow private ones (HOOKS_ALLOW_PRIVATE).`), "", 0);
    if (options.all) return callback(null, open);
    callback(null, first.address, first.family);
  });
};

/** Why a URL cannot be an endpoint; null when it can. Names are looked up when something is sent. */
export function urlFault(text: string, allowPrivate: boolean): { message: string; remedy: string } | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { message: "This is not an address.", remedy: "Write one such as https://example.com/hooks." };
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return { message: "Only http and https addresses can be called.", remedy: "Write one that begins with https://." };
  if (url.username || url.password) return { message: "A password in the address would be shown to everybody who may see it.", remedy: "Leave it out; receivers check the signature." };
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!allowPrivate && (host === "localhost" || (isIP(host) > 0 && isInside(host)))) return { message: `${host} is not a public address.`, remedy: "Give a public one, or have an administrator of the server allow private ones (HOOKS_ALLOW_PRIVATE=true)." };
  return null;
}
