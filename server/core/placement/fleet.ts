import type { Contact } from "../fleet/liveness";
import type { SelectorSubject } from "../selector/attributes";
import type { Capacity, Load } from "./demand";
import type { Mix } from "./fragmentation/mix";

/** A node as placement sees it. `version` and `desiredGeneration` are what a plan was made against. */
export interface FleetNode {
  id: string;
  name: string;
  site: string;
  siteTitle: string;
  jurisdiction: string;
  desiredState: "active" | "cordoned" | "draining" | "decommissioned";
  contact: Contact;
  lastSeenMs: number | null;
  trustTier: string;
  taints: readonly { key: string; value?: string | undefined }[];
  arch: string;
  os: string;
  engines: readonly string[];
  subject: SelectorSubject;
  capacity: Capacity;
  /** What live assignments of all workloads take, stopping ones included: they hold it until the agent says otherwise. */
  load: Load;
  /** Of the site's rate card, in its currency. */
  rates: { currency: string; cpuHour: number; memoryGiBHour: number; /** For what leaves the site; absent: nothing. */ egressGiB?: number };
  /** Digests of artifacts that the node is known to have used lately. */
  warm: ReadonlySet<string>;
  version: number;
  desiredGeneration: number;
}

/** Everything a placement may see. Frozen: nothing in it changes while a plan is made. */
export interface FleetSnapshot {
  nowMs: number;
  nodes: readonly FleetNode[];
  /** What units are wanted, as shapes of accelerators: what the preference `fragmentation` goes by; absent where nobody asks. */
  mix?: Mix;
}
