import { siteKinds, uplinkClasses } from "../manifest/site";

/** What selectors may ask of a site. Unknown texts are "", unknown numbers 0: CEL has no "maybe". */
export interface SiteFacts {
  name: string;
  title: string;
  kind: string;
  jurisdiction: string;
  uplink: string;
  metered: boolean;
  place: string;
  timeZone: string;
  labels: Record<string, string>;
}

export interface DeviceFacts {
  vendor: string;
  model: string;
  memoryMiB: number;
}

/** What selectors may ask of a node. */
export interface NodeFactsForSelectors {
  name: string;
  labels: Record<string, string>;
  arch: string;
  os: string;
  cpuMillis: number;
  memoryMiB: number;
  diskMiB: number;
  trustTier: string;
  engines: string[];
  devices: DeviceFacts[];
}

export const trustTiers = ["none", "software", "tpm"] as const;
export type TrustTier = (typeof trustTiers)[number];

type CelType = "string" | "bool" | "int" | "map<string, string>" | "list<string>" | "list<Device>";
/** Attributes by variable with their CEL type, a sentence for the editor, and the closed list of values if there is one. */
export const attributes = {
  site: {
    name: { type: "string", about: "Name of the site." },
    title: { type: "string", about: "What people call the site." },
    kind: { type: "string", about: "cloud-region, on-prem, grid or edge.", oneOf: siteKinds },
    jurisdiction: { type: "string", about: "ISO 3166 code such as DE or US-CA." },
    country: { type: "string", about: "First part of the jurisdiction, such as US." },
    uplink: { type: "string", about: "Class of the uplink.", oneOf: uplinkClasses },
    metered: { type: "bool", about: "Whether traffic of the uplink is paid for by volume." },
    place: { type: "string", about: "Where it is, in words." },
    timeZone: { type: "string", about: "IANA name such as Europe/Berlin." },
    labels: { type: "map<string, string>", about: "Labels of the Site manifest." },
  },
  node: {
    name: { type: "string", about: "Name of the node." },
    labels: { type: "map<string, string>", about: "Labels of the node." },
    arch: { type: "string", about: "Processor architecture, such as x64 or arm64." },
    os: { type: "string", about: "Operating system, such as linux." },
    cpuMillis: { type: "int", about: "Thousandths of a core that the node offers." },
    memoryMiB: { type: "int", about: "MiB of memory that the node offers." },
    diskMiB: { type: "int", about: "MiB of disk that the node offers." },
    trustTier: { type: "string", about: "none, software or tpm.", oneOf: trustTiers },
    engines: { type: "list<string>", about: 'Engines the agent offers, such as "process".' },
    devices: { type: "list<Device>", about: "Accelerators: vendor, model, memoryMiB." },
  },
} as const satisfies Record<string, Record<string, { type: CelType; about: string; oneOf?: readonly string[] }>>;

export const deviceAttributes = { vendor: "string", model: "string", memoryMiB: "int" } as const;

/* Classes, because the CEL engine tells list items apart by constructor. */
export class CelSite {
  name = "";
  title = "";
  kind = "";
  jurisdiction = "";
  country = "";
  uplink = "";
  metered = false;
  place = "";
  timeZone = "";
  labels: Record<string, string> = {};
}
export class CelDevice {
  vendor = "";
  model = "";
  memoryMiB = 0n;
}
export class CelNode {
  name = "";
  labels: Record<string, string> = {};
  arch = "";
  os = "";
  cpuMillis = 0n;
  memoryMiB = 0n;
  diskMiB = 0n;
  trustTier = "";
  engines: string[] = [];
  devices: CelDevice[] = [];
}

/** A node and its site in the engine's own types; made once a node and asked many times. */
export interface SelectorSubject {
  site: CelSite;
  node: CelNode;
}

const int = (n: number) => BigInt(Number.isFinite(n) ? Math.trunc(n) : 0);

/** Prepares a node for `Selector.matches`. */
export function selectorSubject(site: SiteFacts, node: NodeFactsForSelectors): SelectorSubject {
  return {
    site: Object.assign(new CelSite(), { ...site, country: site.jurisdiction.split("-")[0] ?? "" }),
    node: Object.assign(new CelNode(), {
      ...node,
      cpuMillis: int(node.cpuMillis),
      memoryMiB: int(node.memoryMiB),
      diskMiB: int(node.diskMiB),
      devices: node.devices.map((d) => Object.assign(new CelDevice(), { ...d, memoryMiB: int(d.memoryMiB) })),
    }),
  };
}
