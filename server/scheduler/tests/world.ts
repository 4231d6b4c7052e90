/** An empty fleet before each test, and worlds of sites and nodes that obey until nothing changes any more. */
import { beforeEach } from "vitest";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";
import { fleetOf, site } from "./fleet";

export function emptyWorld() {
  const db = testDatabase();
  const clock = testClock();
  beforeEach(async () => {
    await db.asOwner("truncate assignments, observations, decisions, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  });
  const world = async (sites: Record<string, number>, o: { cpu?: number } = {}) => {
    const f = fleetOf(db, clock);
    for (const [name, nodes] of Object.entries(sites)) {
      await f.apply(site(name));
      for (let i = 1; i <= nodes; i++) await f.node(`${name}-${i}`, name, o);
    }
    const s = f.scheduler();
    /** Reconciles and obeys until nothing changes any more. */
    const settle = async (obey: Parameters<typeof f.obey>[0] = {}) => {
      for (let i = 0; i < 40; i++) {
        await s.loop.resync();
        await s.loop.drain();
        const before = JSON.stringify(await db.asOwner("select * from assignments order by id"));
        await f.obey(obey);
        await s.loop.resync();
        await s.loop.drain();
        if (JSON.stringify(await db.asOwner("select * from assignments order by id")) === before) return;
      }
      throw new Error("it does not settle");
    };
    return { f, s, settle };
  };
  return { db, clock, world };
}
