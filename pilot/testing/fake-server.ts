import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import superjson from "superjson";
import { parse, stringify } from "yaml";
import { z } from "zod";

type Refusal = { code: string; message: string; remedy: string };
/** How long after its last word a fake node counts as being in contact. */
const CONTACT_MS = 1_500;

const t = initTRPC.create({
  transformer: superjson,
  errorFormatter: ({ shape, error }) => ({ ...shape, data: { ...shape.data, refusal: (error.cause as { refusal?: Refusal } | undefined)?.refusal ?? null } }),
});

/** The part of the server's public door that the pilot uses, kept in memory, with a gateway that hears fake agents. */
export class FakeServer {
  readonly objects = new Map<string, { text: string; kind: string; name: string }>();
  readonly artifacts = new Map<string, number>();
  readonly tokens: { token: string; site: string }[] = [];
  readonly nodes = new Map<string, { identity: string; unit: number; seenMs: number; site: string }>();
  readonly reports: { state: string; note: string }[] = [];
  readonly applied: string[] = [];
  readonly decommissioned = new Set<string>();
  readonly #triedToDecommission = new Set<string>();
  /** While true every call fails as if the server were being restarted. */
  away = false;
  #http: Server;
  #gateway: TcpServer;

  constructor() {
    const trpc = createHTTPHandler({ router: this.#router(), basePath: "/api/trpc/" });
    this.#http = createServer((request, response) => {
      if (this.away) response.writeHead(502).end("restarting");
      else if (request.headers.authorization !== "Bearer pilot-token") response.writeHead(401).end();
      else if (request.url?.startsWith("/api/artifacts/")) void this.#upload(request, response);
      else trpc(request, response);
    });
    this.#gateway = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        for (const line of bytes.toString().split("\n").filter(Boolean)) this.#hear(line);
      });
    });
  }

  async listen(): Promise<{ url: string; gateway: string }> {
    for (const server of [this.#http, this.#gateway]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`, gateway: `127.0.0.1:${(this.#gateway.address() as AddressInfo).port}` };
  }

  close(): void {
    this.#http.close();
    this.#http.closeAllConnections();
    this.#gateway.close();
  }

  inContact(): string[] {
    return [...this.nodes].filter(([, node]) => Date.now() - node.seenMs < CONTACT_MS).map(([name]) => name);
  }

  #hear(line: string): void {
    const [name = "", identity = "", unit] = line.split(" ");
    const site = this.tokens.find(({ token }) => token === identity)?.site;
    if (site !== undefined) this.nodes.set(name, { identity, unit: Number(unit), seenMs: Date.now(), site });
  }

  async #upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let size = 0;
    for await (const chunk of request) size += (chunk as Buffer).length;
    this.artifacts.set(decodeURIComponent((request.url as string).split("?")[0]?.split("/").at(-1) ?? ""), size);
    response.writeHead(201).end("{}");
  }

  #router() {
    const refused = (status: TRPCError["code"], code: string, message: string): TRPCError =>
      new TRPCError({ code: status, message, cause: Object.assign(new Error(message), { refusal: { code, message, remedy: "" } }) });
    const notFound = (what: string): never => {
      throw refused("NOT_FOUND", "not_found", `there is no ${what}`);
    };
    const call = t.procedure.input(z.record(z.string(), z.unknown()));
    const named = (input: Record<string, unknown>): string => String(input["name"]);
    const count = (min: number, total: number) => ({ min, max: total, total, asOfMs: null });
    return t.router({
      fleet: t.router({
        sites: call.query(() => [...this.objects.values()].filter((object) => object.kind === "Site").map(({ name }) => ({ name, nodes: count(this.inContact().filter((node) => this.nodes.get(node)?.site === name).length, 0) }))),
        node: call.query(({ input }) => (this.nodes.has(named(input)) ? { name: named(input), version: 1, desiredState: this.decommissioned.has(named(input)) ? "decommissioned" : "active", identityRevoked: null } : notFound("node"))),
        createJoinToken: call.mutation(({ input }) => {
          const token = `token-${this.tokens.length + 1}`;
          this.tokens.push({ token, site: String(input["site"]) });
          return { token, authorityFingerprint: "sha256:00" };
        }),
        decommission: call.mutation(({ input }) => {
          // A node's last units take a moment to stop: the first attempt comes too early.
          if (!this.#triedToDecommission.has(named(input))) {
            this.#triedToDecommission.add(named(input));
            throw refused("CONFLICT", "in_use", `node ${named(input)} has a unit`);
          }
          this.decommissioned.add(named(input));
        }),
      }),
      manifests: t.router({
        object: call.query(({ input }) => this.objects.get(`${String(input["kind"])}/${named(input)}`) ?? notFound("object")),
        applyText: call.mutation(({ input }) => {
          const value = parse(String(input["text"])) as { kind: string; metadata: { name: string } };
          const key = `${value.kind}/${value.metadata.name}`;
          this.applied.push(key);
          this.objects.set(key, { text: String(input["text"]), kind: value.kind, name: value.metadata.name });
          return { objects: [{ generation: this.applied.filter((one) => one === key).length, action: "update", consequence: "rolls out", rolloutNumber: 4 }] };
        }),
        remove: call.mutation(({ input }) => (this.objects.delete(`${String(input["kind"])}/${named(input)}`) ? {} : notFound("object"))),
      }),
      workloads: t.router({
        get: call.query(({ input }) => {
          const object = this.objects.get(`Workload/${named(input)}`) ?? notFound("workload");
          return { manifestYaml: stringify(parse(object.text)), units: count(this.inContact().length, 9) };
        }),
      }),
      artifacts: t.router({ get: call.query(({ input }) => (this.artifacts.has(String(input["digest"])) ? { complete: true } : notFound("artifact"))) }),
      pilot: t.router({ report: call.mutation(({ input }) => void this.reports.push(input as { state: string; note: string })) }),
    });
  }
}
