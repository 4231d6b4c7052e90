import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Relay } from "./relay";

/**
 * The relay's control door on 127.0.0.1: `GET /status`, `POST /blackhole`, `POST /heal`; each answers with the
 * status. Anything else is refused with what there is. With a secret it answers only who shows it as a bearer
 * token, because every account of the machine can reach the port.
 */
export function controlServer(relay: Relay, secret: string | null): Server {
  return createServer((request, response) => {
    request.resume();
    if (secret !== null && request.headers.authorization !== `Bearer ${secret}`) {
      return answer(response, 401, { error: { code: "unauthenticated", message: "the secret is missing or wrong", remedy: "use the pilot's own commands" } });
    }
    const command = `${request.method} ${request.url}`;
    if (command === "POST /blackhole") relay.blackhole();
    else if (command === "POST /heal") relay.heal();
    else if (command !== "GET /status") return answer(response, 404, { error: { code: "not_found", message: `there is no ${command}`, remedy: "use GET /status, POST /blackhole or POST /heal" } });
    answer(response, 200, relay.status());
  });
}

/** Listens on a port of 127.0.0.1; resolves with it, which matters when 0 was asked for. */
export function listenControl(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(value));
}
