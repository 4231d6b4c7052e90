/**
 * Whether a node is in contact: the one place that turns "last seen" into a state. A lost connection alone is not
 * silence: agents reconnect within seconds, and flapping would be shown as an outage.
 */
export interface ContactFacts {
  /** Whether a gateway holds a session of the node now. */
  connected: boolean;
  /** Last message of any kind; null when there never was one. */
  lastSeenMs: number | null;
  nowMs: number;
  /** AGENT_SILENT_AFTER_MS. */
  silentAfterMs: number;
}

export type Contact = "never" | "live" | "silent";

export interface Liveness {
  contact: Contact;
  /** For a silent node: since when it counts as silent (its last message), else null. */
  silentSinceMs: number | null;
  /** When it becomes silent if nothing more is heard; null when it is not live. */
  silentAtMs: number | null;
}

export function livenessOf(f: ContactFacts): Liveness {
  if (f.lastSeenMs === null) return { contact: "never", silentSinceMs: null, silentAtMs: null };
  const silentAtMs = f.lastSeenMs + f.silentAfterMs;
  // A session whose messages stopped (a blackholed socket) is as silent as one that closed.
  if (f.nowMs >= silentAtMs) return { contact: "silent", silentSinceMs: f.lastSeenMs, silentAtMs: null };
  return { contact: "live", silentSinceMs: null, silentAtMs };
}
