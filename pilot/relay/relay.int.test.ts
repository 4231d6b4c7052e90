import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { controlServer, listenControl } from "./control";
import { Relay } from "./relay";
import type { LinkShape } from "./shape";

const open: LinkShape = { latencyMs: 0, jitterMs: 0, lossPercent: 0, bandwidthMbps: 0 };
const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A TCP server that sends back what it gets and remembers its sockets. */
async function echoServer(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

async function relayTo(port: number, shape: LinkShape = open): Promise<{ relay: Relay; port: number }> {
  const relay = new Relay({ name: "test link", listen: { host: "127.0.0.1", port: 0 }, target: { host: "127.0.0.1", port }, shape, seed: 1 });
  const listening = await relay.listen();
  cleanups.push(() => relay.close());
  return { relay, port: listening };
}

class Peer {
  received = "";
  ended = false;
  closed = false;
  readonly socket: Socket;
  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.socket.on("data", (bytes) => (this.received += bytes.toString("latin1")));
    this.socket.on("end", () => (this.ended = true));
    this.socket.on("close", () => (this.closed = true));
    this.socket.on("error", () => undefined);
    cleanups.push(() => void this.socket.destroy());
  }
  async echo(text: string): Promise<void> {
    const before = this.received.length;
    this.socket.write(text);
    await vi.waitFor(() => expect(this.received.length).toBe(before + text.length), { timeout: 5_000, interval: 2 });
  }
}

/** Twenty round trips over an open link of the same machine: time in which a leaking blackhole would show. */
async function meanwhile(): Promise<void> {
  const { port } = await relayTo((await echoServer()).port, { ...open, latencyMs: 5 });
  const witness = new Peer(port);
  for (let round = 0; round < 20; round += 1) await witness.echo("still here");
}

describe("the relay", () => {
  // Guarantee: every byte arrives, in order, whatever the link's shape, and an end of stream cuts nothing off.
  it.each<[string, LinkShape]>([
    ["an open link", open],
    ["delay, jitter, loss and a narrow band", { latencyMs: 3, jitterMs: 2, lossPercent: 0.2, bandwidthMbps: 200 }],
  ])("forwards a megabyte unchanged over %s", async (_name, shape) => {
    const { port } = await relayTo((await echoServer()).port, shape);
    const peer = new Peer(port);
    const text = Array.from({ length: 100_000 }, (_, number) => String(number).padStart(10, "0")).join("");
    peer.socket.end(text);
    await vi.waitFor(() => expect(peer.closed).toBe(true), { timeout: 15_000, interval: 10 });
    expect(peer.received === text).toBe(true);
  }, 20_000);

  // Guarantee: latency is added each way.
  it("delays each way by the link's latency", async () => {
    const { port } = await relayTo((await echoServer()).port, { ...open, latencyMs: 40 });
    const peer = new Peer(port);
    const startedAt = performance.now();
    await peer.echo("x");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
  });

  // Guarantee: a blackholed link carries nothing, closes nothing and accepts new connections in silence.
  it("falls silent both ways without closing anything, and goes on after the heal", async () => {
    const upstream = await echoServer();
    const { relay, port } = await relayTo(upstream.port);
    const old = new Peer(port);
    await old.echo("before");
    relay.blackhole();
    old.socket.write("during");
    upstream.sockets[0]?.write("down");
    const fresh = new Peer(port);
    fresh.socket.write("hello?");
    await vi.waitFor(() => expect(fresh.socket.readyState).toBe("open"));
    await meanwhile();
    expect([old.received, fresh.received]).toEqual(["before", ""]);
    expect([old.closed, old.ended, fresh.closed, fresh.ended]).toEqual([false, false, false, false]);
    expect(upstream.sockets).toHaveLength(1);
    expect(relay.status()).toMatchObject({ state: "blackholed", simulated: true, connections: 2 });
    relay.heal();
    await vi.waitFor(() => expect(fresh.received).toBe("hello?"));
    await vi.waitFor(() => expect([...old.received].sort().join("")).toBe([..."beforedownduring"].sort().join("")));
    expect(relay.status()).toMatchObject({ state: "open" });
  });

  // Guarantee: while cut off, neither side learns that the other has gone; after the heal both do.
  it("tells nobody of a closed connection until the heal", async () => {
    const upstream = await echoServer();
    const { relay, port } = await relayTo(upstream.port);
    const peer = new Peer(port);
    await peer.echo("x");
    let upstreamEnded = false;
    upstream.sockets[0]?.on("close", () => (upstreamEnded = true));
    relay.blackhole();
    peer.socket.resetAndDestroy();
    await meanwhile();
    expect(upstreamEnded).toBe(false);
    relay.heal();
    await vi.waitFor(() => expect(upstreamEnded).toBe(true));
    await vi.waitFor(() => expect(relay.status().connections).toBe(0));
  });

  // Guarantee: a gateway that is down closes the agent's connection, so that the agent tries again.
  it("closes a connection whose target refuses", async () => {
    const gone = await echoServer();
    await cleanups.pop()?.();
    const { port } = await relayTo(gone.port);
    const peer = new Peer(port);
    await vi.waitFor(() => expect(peer.ended || peer.closed).toBe(true));
  });
});

describe("the relay's control door", () => {
  it("blackholes, heals and reports by HTTP, and names what there is", async () => {
    const { relay } = await relayTo((await echoServer()).port);
    const control = controlServer(relay, null);
    const port = await listenControl(control, 0);
    cleanups.push(() => void control.close());
    const ask = async (method: string, path: string): Promise<{ status: number; body: { state?: string; error?: { code: string } } }> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      return { status: answer.status, body: (await answer.json()) as { state?: string } };
    };
    expect(await ask("POST", "/blackhole")).toMatchObject({ status: 200, body: { state: "blackholed" } });
    expect(await ask("GET", "/status")).toMatchObject({ status: 200, body: { state: "blackholed", simulated: true } });
    expect(await ask("POST", "/heal")).toMatchObject({ status: 200, body: { state: "open" } });
    expect(await ask("POST", "/explode")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  });

  // Guarantee: nobody without the secret cuts a link.
  it("refuses who does not show the secret", async () => {
    const { relay } = await relayTo((await echoServer()).port);
    const control = controlServer(relay, "secret");
    const port = await listenControl(control, 0);
    cleanups.push(() => void control.close());
    const cut = (headers: Record<string, string>): Promise<number> => fetch(`http://127.0.0.1:${port}/blackhole`, { method: "POST", headers }).then((answer) => answer.status);
    expect(await cut({})).toBe(401);
    expect(await cut({ authorization: "Bearer wrong" })).toBe(401);
    expect(relay.status().state).toBe("open");
    expect(await cut({ authorization: "Bearer secret" })).toBe(200);
    expect(relay.status().state).toBe("blackholed");
  });
});
