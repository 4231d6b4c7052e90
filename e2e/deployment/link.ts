import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP link that can be blackholed: bytes stop both ways and no socket is closed, as when a cable is cut. */
export class Link {
  #cut = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number) {
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
      this.#pass(near, far);
      this.#pass(far, near);
    });
  }
  static async to(target: number): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve) => link.#server.listen(0, "127.0.0.1", resolve));
    return link;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("error", () => to.destroy());
    // While the link is cut nothing passes, not even the end of a connection; what was under way is lost.
    from.on("data", (bytes) => {
      if (!this.#cut && to.writable && !to.write(bytes)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => {
      if (!this.#cut) to.end();
    });
    from.on("close", () => {
      this.#sockets.delete(from);
      if (!this.#cut) to.destroy();
    });
  }

  /** Stops all bytes, in connections that are open and in new ones. */
  cut(): void {
    this.#cut = true;
  }
  /** Lets new connections through; those from before lost bytes and are reset. */
  heal(): void {
    this.#cut = false;
    for (const s of this.#sockets) s.destroy();
  }
  async close(): Promise<void> {
    for (const s of this.#sockets) s.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
