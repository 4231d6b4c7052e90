/** Room for another revision of a workload on the nodes that its units are on already. */
import { fits, heldOn, keepsDevice, withDemand } from "../core/placement";
import { schedulerSets, schedulerSnapshot } from "../store";
import type { Queryable } from "../store";
import { fleetNodesOf } from "./fleet-snapshot";
import { demandOfRow } from "./sets-snapshot";

/**
 * By assignment, of the units for which a revision asks for more, or for other devices, than what they run: why their node
 * can't take it in their place, or null where it can as long as nobody else takes the room. Units that need no more than
 * they have are not in it: of most revisions it is empty, and no node is read. Of the others the nodes are locked until the
 * transaction ends.
 */
export async function roomInPlace(db: Queryable, o: { projectId: string; workloadId: string; generation: number; nowMs: number; silentAfterMs: number }): Promise<Map<string, string | null>> {
  const rows = await schedulerSets.asksForMore(db, o.workloadId, o.generation);
  if (rows.length === 0) return new Map();
  const ids = [...new Set(rows.map((r) => r.nodeId))].sort();
  // Who places something there at the same time waits for this transaction, and then sees what it took.
  await schedulerSets.lockNodes(db, ids);
  const nodes = new Map(fleetNodesOf(await schedulerSnapshot.fleetNodes(db, o.projectId, ids), o).map((n) => [n.id, n]));
  return new Map(
    rows.map((r) => {
      const node = nodes.get(r.nodeId);
      const [now, next] = [demandOfRow(r.now), demandOfRow(r.next)];
      if (!node) return [r.assignmentId, null];
      if (!keepsDevice(now, next, r.on)) return [r.assignmentId, `${node.name} gives its share of another device than r${o.generation} asks for`];
      const has = fits(node.capacity, withDemand(node.load, heldOn(now, r.on), -1), heldOn(next, r.on));
      return [r.assignmentId, has ? null : `${node.name} has less room than r${o.generation} asks for`];
    }),
  );
}
