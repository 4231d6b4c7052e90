import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { rolesFrom } from "../../core/access/actor";
import type { Actor } from "../../core/access/actor";
import type { Role } from "../../core/access/permissions";
import { EventHub, writeEvents } from "./events";
import type { ChangePointer } from "./events";

const pointer = (n: number, topic = "node", key = `n${n}`, projectId: string | null = "p1"): ChangePointer => ({ cursor: `${n}.0`, topic, key, projectId });
const actor = (role: Role, id = "person-1"): Actor => ({ kind: "person", id, name: "Ada", roles: rolesFrom([{ projectId: "p1", role }]) });

/** An answer to a browser: keeps what was written; `behind` bytes were not taken by the reader. */
class FakeResponse extends EventEmitter {
  text = "";
  writes = 0;
  behind = 0;
  destroyed = false;
  get writableLength(): number {
    return this.behind;
  }
  writeHead(): this {
    return this;
  }
  write(chunk: string): boolean {
    this.text += chunk;
    this.writes++;
    return true;
  }
  end(chunk = ""): this {
    this.text += chunk;
    this.destroyed = true;
    this.emit("close");
    return this;
  }
  destroy(): this {
    this.destroyed = true;
    this.emit("close");
    return this;
  }
  get response(): ServerResponse {
    return this as unknown as ServerResponse;
  }
}

/** A hub over a list of pointers that a test adds to. */
function hubOver() {
  const log: ChangePointer[] = [];
  let reads = 0;
  /** True while an older transaction runs: pointers are there and not given yet. */
  const older = { running: false };
  const faults: unknown[] = [];
  const rights = new Map<string, Actor | null>();
  const hub = new EventHub({
    changesSince: async (cursor, limit) => {
      reads++;
      const from = Number(cursor.split(".")[0]);
      if (older.running) return { items: [], cursor, gap: false, held: log.length > 0 };
      const items = log.filter((i) => Number(i.cursor.split(".")[0]) > from).slice(0, limit);
      return { items, cursor: items.at(-1)?.cursor ?? cursor, gap: false, held: false };
    },
    latestCursor: async () => log.at(-1)?.cursor ?? "0.0",
    recheck: async (token) => rights.get(token) ?? null,
    fault: (e) => faults.push(e),
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const add = async (...items: ChangePointer[]): Promise<void> => {
    log.push(...items);
    hub.nudge();
    await settle();
  };
  const open = async (o: { token?: string; who?: Actor; lastEventId?: string | null } = {}): Promise<FakeResponse> => {
    const response = new FakeResponse();
    const token = o.token ?? "t1";
    const who = o.who ?? actor("viewer");
    rights.set(token, who);
    await hub.open(response.response, { actor: who, token, project: { id: "p1", name: "default" }, lastEventId: o.lastEventId ?? null });
    await settle();
    return response;
  };
  return { hub, add, open, rights, faults, log, older, reads: () => reads };
}

describe("events as text", () => {
  // Guarantee: of many pointers to one thing the last is told, in order; other projects' are not told at all.
  it("keeps the last of each, of this project and of the installation", () => {
    const items = [pointer(1), pointer(2, "node", "n1"), pointer(3, "node", "x", "p2"), pointer(4, "process", "web", null), pointer(5, "secret", "s")];
    expect(writeEvents(items, "p1", (t) => t !== "secret")).toBe('id: 2.0\ndata: {"topic":"node","key":"n1"}\n\nid: 4.0\ndata: {"topic":"process","key":"web"}\n\n');
  });
});

describe("the hub", () => {
  // Guarantee: the change table is read once for all browsers, not once for each.
  it("reads once for many streams", async () => {
    const h = hubOver();
    await h.hub.start();
    const streams = await Promise.all(Array.from({ length: 50 }, (_, i) => h.open({ token: `t${i}`, who: actor("viewer", `p${i}`) })));
    const before = h.reads();
    await h.add(pointer(1));
    expect(h.reads() - before).toBe(1);
    for (const s of streams) expect(s.text).toContain('"key":"n1"');
    h.hub.close();
  });

  // Guarantee: a change that waits for an older transaction is told as soon as that has ended, although nobody nudges then.
  it("looks again by itself while pointers are held back", async () => {
    const h = hubOver();
    await h.hub.start();
    const stream = await h.open();
    h.older.running = true;
    await h.add(pointer(1));
    expect(stream.text).not.toContain('"key":"n1"');
    h.older.running = false;
    await vi.waitFor(() => expect(stream.text).toContain('"key":"n1"'), { timeout: 1_000 });
    h.hub.close();
  });

  // Guarantee: a reader that does not read is dropped, and the others go on.
  it("drops a slow reader", async () => {
    const h = hubOver();
    await h.hub.start();
    const slow = await h.open({ token: "slow" });
    const fine = await h.open({ token: "fine" });
    slow.behind = 2_000_000;
    await h.add(pointer(1));
    expect([slow.destroyed, fine.destroyed, h.hub.size, h.hub.dropped]).toEqual([true, false, 1, 1]);
    expect(fine.text).toContain('"key":"n1"');
    h.hub.close();
  });

  // Guarantee: what changes while a stream catches up is not lost and does not overtake.
  it("holds live pointers back while it replays", async () => {
    const h = hubOver();
    h.log.push(pointer(1), pointer(2));
    await h.hub.start();
    const opening = h.open({ lastEventId: "1.0" });
    await h.add(pointer(3));
    const s = await opening;
    const order = [...s.text.matchAll(/"key":"(n\d)"/g)].map((m) => m[1]);
    expect(order.indexOf("n2")).toBeLessThan(order.lastIndexOf("n3"));
    expect(order).not.toContain("n1");
    h.hub.close();
  });

  // Guarantee: whoever is too far behind is told to read everything again.
  it("resets a stream that is too far behind", async () => {
    const h = hubOver();
    await h.hub.start();
    h.log.push(...Array.from({ length: 6_000 }, (_, i) => pointer(i + 1)));
    const s = new FakeResponse();
    h.rights.set("t", actor("viewer"));
    await h.hub.open(s.response, { actor: actor("viewer"), token: "t", project: { id: "p1", name: "default" }, lastEventId: "0.0" });
    expect(s.text).toContain("id: 6000.0\nevent: reset");
    h.hub.close();
  });

  // Guarantee: a lost role narrows a stream at once, and a lost session ends it.
  it("looks at rights again when people change", async () => {
    const h = hubOver();
    await h.hub.start();
    const s = await h.open({ token: "t", who: actor("auditor") });
    await h.add(pointer(1, "audit", "a1"));
    h.rights.set("t", actor("viewer"));
    await h.add(pointer(2, "person", "x", null));
    await h.add(pointer(3, "audit", "a3"), pointer(4));
    expect([s.text.includes('"a1"'), s.text.includes('"a3"'), s.text.includes('"n4"')]).toEqual([true, false, true]);
    h.rights.set("t", null);
    await h.add(pointer(5, "person", "x", null));
    expect([s.destroyed, s.text.includes("event: ended")]).toEqual([true, true]);
    h.hub.close();
  });

  // Guarantee: one person can't take all the room.
  it("bounds the streams of one actor", async () => {
    const h = hubOver();
    await h.hub.start();
    for (let i = 0; i < 60; i++) await h.open({ token: `t${i}` });
    expect([h.hub.hasRoom("person-1"), h.hub.hasRoom("person-2")]).toEqual([false, true]);
    h.hub.close();
  });
});
