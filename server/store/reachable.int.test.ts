import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import pg from "pg";
import { createLogger } from "../platform";
import { passesByItself, whenReachable } from "./reachable";

const log = createLogger({ process: "test", level: "silent" });

/** An error as PostgreSQL sends it before it has finished starting. */
function starting(code: string): Buffer {
  const fields = `SFATAL\0C${code}\0Mthe database system is starting up\0\0`;
  const body = Buffer.from(fields, "utf8");
  const head = Buffer.alloc(5);
  head.write("E", 0);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

describe("a process that starts before its database", () => {
  // Guarantee: "starting up" and "nobody listens" are waited out; the first answer ends the wait.
  it("waits while the database says that it is starting", async () => {
    let asked = 0;
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(starting(++asked < 3 ? "57P03" : "28P01")));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const ask = async () => {
      const client = new pg.Client({ host: "127.0.0.1", port, user: "x", password: "y", database: "z" });
      client.on("error", () => undefined);
      await client.connect();
    };
    // The third answer is a refusal that does not pass by itself: it is thrown, and not asked again.
    await expect(whenReachable(ask, { log })).rejects.toMatchObject({ code: "28P01" });
    expect(asked).toBe(3);
    server.close();
    await expect(ask()).rejects.toSatisfy(passesByItself);
  });

  it("gives the answer once there is one", async () => {
    let asked = 0;
    const answer = await whenReachable(() => (++asked < 4 ? Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" })) : Promise.resolve("yes")), { log });
    expect({ answer, asked }).toEqual({ answer: "yes", asked: 4 });
  });
});
