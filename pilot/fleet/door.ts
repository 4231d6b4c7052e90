import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sentence } from "./api";
import type { DoorLine } from "./commands";
import type { PilotFleet } from "./fleet";
import { SITES } from "./plan";

type Behind = Pick<PilotFleet, "cut" | "heal" | "status" | "applyModel" | "remove">;
type Answer = { readonly status: number; readonly body: unknown };

/**
 * How `npm run pilot -- …` reaches a running pilot: HTTP on a port of 127.0.0.1, with a secret that stands in a file
 * only its owner can read. `GET /status`, `POST /cut/SITE`, `/heal/SITE`, `/model/NAME`, and `/remove`, which answers
 * line by line while it works. The pilot acts with its own token; who asks never sees it.
 */
export function openDoor(fleet: Behind, secret: string, onRemoved: () => void): Server {
  return createServer((request, response) => {
    request.resume();
    if (request.headers.authorization !== `Bearer ${secret}`) return send(response, { status: 401, body: problem("unauthenticated", "the secret is missing or wrong", "use npm run pilot as the account that runs the pilot") });
    if (`${request.method} ${request.url}` === "POST /remove") return void remove(fleet, response).then((removed) => (removed ? onRemoved() : undefined));
    handle(request, fleet).then(
      (answer) => send(response, answer),
      (error: unknown) => send(response, { status: 500, body: problem("internal", sentence(error), "look into the pilot's log") }),
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

async function handle(request: IncomingMessage, fleet: Behind): Promise<Answer> {
  const [, command = "", argument = ""] = (request.url ?? "").split("/");
  if (request.method === "GET" && command === "status") return { status: 200, body: await fleet.status() };
  if (request.method === "POST" && command === "model") return { status: 200, body: await fleet.applyModel(argument) };
  if (request.method !== "POST" || (command !== "cut" && command !== "heal")) return { status: 404, body: problem("not_found", `there is no ${request.method} ${request.url}`, "use status, cut, heal, model or remove") };
  if (!SITES.includes(argument)) return { status: 404, body: problem("not_found", `the pilot has no site "${argument}"`, `name one of ${SITES.join(", ")}`) };
  if (command === "cut") await fleet.cut(argument);
  else await fleet.heal(argument);
  return { status: 200, body: await fleet.status() };
}

/** Answers with one JSON object a line; resolves with whether it was removed. */
async function remove(fleet: Behind, response: ServerResponse): Promise<boolean> {
  const line = (value: DoorLine): void => void response.write(`${JSON.stringify(value)}\n`);
  response.writeHead(200, { "content-type": "application/x-ndjson", connection: "close" });
  try {
    await fleet.remove((text) => line({ say: text }));
  } catch (error) {
    line({ error: { message: sentence(error), remedy: "try it again; what is gone already is passed over" } });
    response.end();
    return false;
  }
  line({ done: true });
  await new Promise<void>((resolve) => response.end(resolve));
  return true;
}

const problem = (code: string, message: string, remedy: string): unknown => ({ error: { code, message, remedy } });

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}
