import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { seededRandom, type Random } from "../digits/random";
import { Direction, type LinkShape } from "./shape";

export type RelayOptions = {
  /** Which link this is, such as "edge-tromso to gateway". */
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly target: { readonly host: string; readonly port: number };
  readonly shape: LinkShape;
  /** For jitter and loss. */
  readonly seed: number;
};

/** What a relay says of itself. `simulated` is always true: this link is not a network. */
export type RelayStatus = {
  readonly name: string; readonly simulated: true; readonly state: "open" | "blackholed"; readonly sinceMs: number;
  readonly connections: number; readonly bytesUp: number; readonly bytesDown: number; readonly stalls: number;
  readonly shape: LinkShape; readonly port: number;
};

/** Bytes of one direction of one connection that may be under way; beyond it the sender is not read, as with a full TCP window. */
const WINDOW_BYTES = 262_144;

/**
 * A simulated link as an unprivileged TCP relay: whatever connects is forwarded to the target with delay, jitter,
 * loss (as stalls) and limited bandwidth. Blackholed, it forwards nothing either way and passes on no end of a
 * connection, while sockets stay open and new ones are accepted in silence: as with a cut cable, nobody is told.
 */
export class Relay {
  readonly #o: RelayOptions;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #bytes = { up: 0, down: 0 };
  #blackholed = false;
  #sinceMs = Date.now();

  constructor(o: RelayOptions) {
    this.#o = o;
    const random: Random = seededRandom(o.seed);
    this.#up = new Direction(o.shape, random);
    this.#down = new Direction(o.shape, random);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens; resolves with the port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#o.listen.port, this.#o.listen.host, () => resolve(this.#port()));
    });
  }

  /** Stops all forwarding both ways, at once and in silence. */
  blackhole(): void {
    if (this.#blackholed) return;
    this.#blackholed = true;
    this.#sinceMs = Date.now();
    for (const pair of this.#pairs) pair.hold();
  }

  /** Forwards again; what was under way or waiting goes on from where it stopped. */
  heal(): void {
    if (!this.#blackholed) return;
    this.#blackholed = false;
    this.#sinceMs = Date.now();
    for (const pair of this.#pairs) pair.release();
  }

  status(): RelayStatus {
    return {
      name: this.#o.name, simulated: true, state: this.#blackholed ? "blackholed" : "open", sinceMs: this.#sinceMs,
      connections: this.#pairs.size, bytesUp: this.#bytes.up, bytesDown: this.#bytes.down,
      stalls: this.#up.stalls + this.#down.stalls, shape: this.#o.shape, port: this.#port(),
    };
  }

  /** Closes the port and every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const pair of this.#pairs) pair.destroy();
    });
  }

  #port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  #accept(client: Socket): void {
    const { target } = this.#o;
    const pair: Pair = new Pair(client, () => connect({ ...target, allowHalfOpen: true, noDelay: true }), {
      up: this.#up, down: this.#down, count: (way, bytes) => (this.#bytes[way] += bytes), gone: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
    if (!this.#blackholed) pair.release();
  }
}

type PairContext = { readonly up: Direction; readonly down: Direction; readonly count: (way: "up" | "down", bytes: number) => void; readonly gone: () => void };

/** One connection through the link: the client's socket, the target's socket and a flow each way. */
class Pair {
  readonly #client: Socket;
  readonly #dial: () => Socket;
  readonly #context: PairContext;
  #target: Socket | null = null;
  #flows: readonly Flow[] = [];
  #held = true;
  #broken = false;
  #openSockets = 0;

  constructor(client: Socket, dial: () => Socket, context: PairContext) {
    this.#client = client;
    this.#dial = dial;
    this.#context = context;
    this.#watch(client);
  }

  hold(): void {
    this.#held = true;
    for (const flow of this.#flows) flow.hold();
  }

  release(): void {
    this.#held = false;
    if (this.#broken || this.#openSockets === 0) return this.destroy();
    if (this.#target === null) this.#open();
    for (const flow of this.#flows) flow.release();
  }

  destroy(): void {
    for (const flow of this.#flows) flow.drop();
    this.#client.destroy();
    this.#target?.destroy();
    this.#context.gone();
  }

  #open(): void {
    const target = this.#dial();
    const { up, down, count } = this.#context;
    this.#target = target;
    this.#watch(target);
    this.#flows = [
      new Flow(this.#client, target, up, (bytes) => count("up", bytes)),
      new Flow(target, this.#client, down, (bytes) => count("down", bytes)),
    ];
  }

  /**
   * A connection that breaks on one side breaks on the other too, but only once the link carries anything. One
   * that ends in order closes by itself when both ends have been passed on, so that no last bytes are cut off.
   */
  #watch(socket: Socket): void {
    this.#openSockets += 1;
    socket.on("error", () => {
      this.#broken = true;
      if (!this.#held) this.destroy();
    });
    socket.on("close", () => {
      this.#openSockets -= 1;
      if (this.#openSockets === 0 && !this.#held) this.#context.gone();
    });
  }
}

type Piece = { readonly bytes: Buffer | null; readonly atMs: number };

/** One direction of one connection: bytes wait here until their time of arrival. A null piece is the end of the stream. */
class Flow {
  #ended = false;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: Direction;
  readonly #count: (bytes: number) => void;
  readonly #pieces: Piece[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #held = false;
  #full = false;

  constructor(from: Socket, to: Socket, direction: Direction, count: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    this.#count = count;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#take(null));
    to.on("drain", () => {
      this.#full = false;
      this.#look();
    });
    from.pause();
  }

  hold(): void {
    this.#held = true;
    this.#from.pause();
    this.drop();
  }

  release(): void {
    this.#held = false;
    this.#look();
  }

  /** Forgets the timer; pieces stay. */
  drop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #take(bytes: Buffer | null): void {
    const size = bytes?.length ?? 0;
    const atMs = this.#direction.arrivalMs(size, performance.now(), this.#pieces.at(-1)?.atMs ?? 0);
    this.#pieces.push({ bytes, atMs });
    this.#waitingBytes += size;
    this.#look();
  }

  /** Delivers what has arrived, sets the timer for what comes next and reads on while the window has room. */
  #look(): void {
    this.drop();
    if (this.#held || this.#ended) return;
    for (let next = this.#pieces[0]; next !== undefined && next.atMs <= performance.now() && !this.#full; next = this.#pieces[0]) {
      this.#pieces.shift();
      this.#deliver(next);
      if (this.#ended) return;
    }
    if (this.#waitingBytes < WINDOW_BYTES) this.#from.resume();
    else this.#from.pause();
    const next = this.#pieces[0];
    if (next !== undefined && !this.#full) this.#timer = setTimeout(() => this.#look(), Math.max(0, next.atMs - performance.now()));
  }

  #deliver({ bytes }: Piece): void {
    if (bytes === null) {
      this.#ended = true;
      this.#to.end();
      return;
    }
    this.#waitingBytes -= bytes.length;
    this.#count(bytes.length);
    this.#full = !this.#to.write(bytes);
  }
}
