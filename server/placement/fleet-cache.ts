import type { FleetNode, FleetSnapshot } from "../core/placement";
import { livenessOf } from "../core/fleet";
import { schedulerSnapshot } from "../store";
import type { PlacementDeps } from "./deps";
import { fleetNodesOf } from "./fleet-snapshot";

type Row = schedulerSnapshot.FleetNodeRow;

/** Beyond so many changed nodes the whole fleet is read again. */
const MANY = 500;
/**
 * How old what is known of contact may be, in ms: heartbeats leave no change pointer, so it is asked for anew after some
 * seconds, or after a part of the time by which a node counts as silent.
 */
export const contactFreshMs = (silentAfterMs: number): number => Math.min(5_000, silentAfterMs / 6);
/** Fleets kept: one of 10,000 nodes takes some 20 MB. */
const KEPT = 4;

interface Known {
  cursor: string;
  contactAtMs: number;
  rows: Map<string, Row>;
  nodes: Map<string, FleetNode>;
}

/**
 * The living fleet of a project for questions of people: kept between questions, and brought up to date by the change
 * pointers, so that only what changed is read again. The scheduler does not use it: what it plans is held against versions.
 */
export function fleetCache(deps: PlacementDeps): { read(projectId: string, o: { nowMs: number; silentAfterMs: number; warmFor: readonly string[] }): Promise<FleetSnapshot> } {
  const db = deps.store.read.client;
  const known = new Map<string, Promise<Known>>();

  const whole = async (projectId: string, o: { nowMs: number; silentAfterMs: number }): Promise<Known> => {
    // The cursor comes first: what changes while the fleet is read is found changed the next time.
    const cursor = await deps.store.changesNow();
    const rows = await schedulerSnapshot.fleetNodes(db, projectId);
    const nodes = fleetNodesOf(rows, o);
    return { cursor, contactAtMs: o.nowMs, rows: new Map(rows.map((r) => [r.id, r])), nodes: new Map(nodes.map((n) => [n.id, n])) };
  };
  const refreshed = async (k: Known, projectId: string, o: { nowMs: number; silentAfterMs: number }): Promise<Known> => {
    const batch = await deps.store.changesSince(k.cursor, 2 * MANY, projectId);
    // Pointers that can't be given yet may be about anything.
    if (batch.gap || batch.held || batch.items.length >= 2 * MANY || batch.items.some((i) => i.topic === "site" || i.topic === "object")) return whole(projectId, o);
    const keys = (topic: string) => batch.items.flatMap((i) => (i.topic === topic ? [i.key] : []));
    const touched = [...new Set([...keys("node"), ...(await schedulerSnapshot.nodesOfAssignments(db, keys("assignment")))])];
    if (touched.length > MANY) return whole(projectId, o);
    const next: Known = { ...k, cursor: batch.cursor };
    if (touched.length > 0) {
      const rows = await schedulerSnapshot.fleetNodes(db, projectId, touched);
      const living = rows.filter((r) => r.desiredState !== "decommissioned");
      for (const id of touched) {
        next.rows.delete(id);
        next.nodes.delete(id);
      }
      fleetNodesOf(living, o).forEach((n, i) => {
        next.rows.set(n.id, living[i] as Row);
        next.nodes.set(n.id, n);
      });
    }
    if (o.nowMs - k.contactAtMs > contactFreshMs(o.silentAfterMs)) {
      for (const [id, contact] of await schedulerSnapshot.contacts(db, projectId)) Object.assign(next.rows.get(id) ?? {}, contact);
      next.contactAtMs = o.nowMs;
    }
    return next;
  };

  return {
    async read(projectId, o) {
      const had = known.get(projectId);
      const now = (had ? had.then((k) => refreshed(k, projectId, o)) : whole(projectId, o)).catch((error: unknown) => {
        known.delete(projectId);
        throw error;
      });
      known.delete(projectId);
      known.set(projectId, now);
      for (const id of known.keys()) if (known.size > KEPT) known.delete(id);
      const [k, warm] = await Promise.all([now, schedulerSnapshot.warmNodes(db, projectId, o.warmFor, o.nowMs)]);
      const nodes = [...k.nodes.values()].map((n) => {
        const row = k.rows.get(n.id) as Row;
        const { contact } = livenessOf({ connected: row.connected, lastSeenMs: row.lastSeenMs, nowMs: o.nowMs, silentAfterMs: o.silentAfterMs });
        const held = warm.get(n.id);
        return contact === n.contact && row.lastSeenMs === n.lastSeenMs && !held ? n : { ...n, contact, lastSeenMs: row.lastSeenMs, ...(held ? { warm: held } : {}) };
      });
      return { nowMs: o.nowMs, nodes };
    },
  };
}
