import { describe, expect, it } from "vitest";
import { makeNode, makeSite } from "../../testing/fleet-rows";
import { testDatabase } from "../../testing/database";
import { gatewaySessions, gatewaySpells } from "../index";
import { nodes } from "../repos";

const db = testDatabase();

describe("signs of life that are written late", () => {
  // Guarantee: signs that waited while a session ended do not make its node look connected again; signs that waited while it was taken for silent do.
  it.each([["revoked", false], ["silent", true]] as const)("after a session ended as %s leave the node connected: %s", async (why, connected) => {
    const nodeId = await makeNode(db.store, await makeSite(db.store, `site-${why}`), `node-${why}`);
    const atMs = Date.now();
    const sessionId = `session-${why}`;
    await db.store.inTransaction(async (tx) => {
      await tx.client.query("update nodes set session_id = $2, connected = true, last_seen_at = $3 where id = $1", [nodeId, sessionId, new Date(atMs - 60_000)]);
      await tx.client.query("insert into agent_sessions (id, node_id, gateway_id, address, opened_at) values ($1, $2, 'gateway-1', '127.0.0.1', now())", [sessionId, nodeId]);
      if (why === "silent") await gatewaySpells.openSpells(tx.client, { silentSinceMs: atMs - 30_000, at: new Date(atMs), newId: () => `spell-${nodeId}`, limit: 10 });
      else await gatewaySessions.endSession(tx.client, { sessionId, nodeId, reason: why, atMs });
    });
    expect((await nodes.byId(db.store.read.client, nodeId))?.connected).toBe(false);
    await gatewaySessions.recordLife(db.store.read.client, [{ nodeId, sessionId, seenMs: atMs, appliedGeneration: null, journalDepth: null, rttMs: null, observedMs: null }]);
    expect(await nodes.byId(db.store.read.client, nodeId)).toMatchObject({ connected, lastSeenMs: atMs });
  });
});
