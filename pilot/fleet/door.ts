import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sentence } from "./api";
import type { PilotFleet } from "./fleet";
import { SITES } from "./plan";

/**
 * How `npm run pilot -- …` reaches a running pilot: HTTP on a port of 127.0.0.1, with a secret that stands in a
 * file only its owner can read. `GET /status`, `POST /cut/SITE`, `POST /heal/SITE`, `POST /stop`.
 */
export function openDoor(fleet: Pick<PilotFleet, "cut" | "heal" | "status">, secret: string, onStop: () => void): Server {
  return createServer((request, response) => {
    request.resume();
    void handle(request, fleet, secret, onStop).then(
      ({ status, body }) => answer(response, status, body),
      (error: unknown) => answer(response, 500, problem("internal", sentence(error), "look into the pilot's log")),
    );
  });
}

/** Listens; resolves with the port. */
export function listenDoor(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function handle(request: IncomingMessage, fleet: Pick<PilotFleet, "cut" | "heal" | "status">, secret: string, onStop: () => void): Promise<{ status: number; body: unknown }> {
  if (request.headers.authorization !== `Bearer ${secret}`) return { status: 401, body: problem("unauthenticated", "the secret is missing or wrong", "use npm run pilot as the account that runs the pilot") };
  const [, command = "", site] = (request.url ?? "").split("/");
  if (request.method === "GET" && command === "status") return { status: 200, body: await fleet.status() };
  if (request.method === "POST" && command === "stop") {
    onStop();
    return { status: 202, body: {} };
  }
  if (request.method !== "POST" || (command !== "cut" && command !== "heal")) return { status: 404, body: problem("not_found", `there is no ${request.method} ${request.url}`, "use status, cut, heal or stop") };
  if (site === undefined || !SITES.includes(site)) return { status: 404, body: problem("not_found", `the pilot has no site "${site ?? ""}"`, `name one of ${SITES.join(", ")}`) };
  if (command === "cut") await fleet.cut(site);
  else await fleet.heal(site);
  return { status: 200, body: await fleet.status() };
}

const problem = (code: string, message: string, remedy: string): unknown => ({ error: { code, message, remedy } });

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}
