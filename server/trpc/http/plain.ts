import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import type { z } from "zod";
import type { Actor, ProjectRef } from "../../core/access/actor";
import type { Permission } from "../../core/access/permissions";
import { refuse } from "../../core/base/refusal";
import type { healthView } from "../../core/views";
import { refusalOfIssues } from "../errors";
import { inputs } from "../inputs";
import type { Input } from "../inputs";
import { answerJson, answerRefusal, answerText } from "./answer";
import { addressOf, foreignOrigin } from "./origin";
import type { Site } from "./origin";
import { authorise } from "./server";
import type { Caller } from "./server";

type ProcessSeen = { id: string; name: string; version: string; state: string; sinceMs: number; ageMs: number; details: Record<string, unknown> };
export type AuditExportInput = Pick<Input<"auditList">, "actor" | "action" | "object" | "outcome" | "fromMs" | "toMs"> & { format: "csv" | "jsonl" };

export type PlainDeps = {
  site: Site;
  version: string;
  callerOf(request: IncomingMessage, requestId: string): Promise<Caller | null>;
  project(name: string): Promise<ProjectRef | null>;
  processes(): Promise<ProcessSeen[]>;
  /** Of this process alone. */
  ready(): Promise<{ ready: boolean; details: Record<string, unknown> }>;
  metrics(): Promise<{ type: string; text: string }>;
  /** The agent's bundle; absent in an installation that was built without it. */
  agentFile: string;
  schema(): unknown;
  exportAudit(actor: Actor, project: ProjectRef, input: AuditExportInput): Promise<AsyncIterable<string>>;
  uploadArtifact(request: IncomingMessage, response: ServerResponse, actor: Actor, project: ProjectRef): Promise<void>;
};

/** Processes that must be ready for the installation to be; the pilot counts too wherever there is one. */
const REQUIRED = ["web", "scheduler", "gateway"] as const;

/** The state of the installation from the rows of its processes. */
export function healthOf(version: string, processes: readonly ProcessSeen[]): z.infer<typeof healthView> {
  const readyOf = (name: string) => processes.some((p) => p.name === name && p.state === "ready");
  const pilots = processes.filter((p) => p.name === "pilot");
  const ready = REQUIRED.every(readyOf) && pilots.every((p) => p.state === "ready");
  return {
    status: ready ? "ready" : "notReady",
    version,
    processes: processes.map((p) => ({ id: p.id, name: p.name, version: p.version, state: p.state, since: new Date(p.sinceMs).toISOString(), ageMs: p.ageMs, details: p.details })),
  };
}

/** The digest of the agent's bundle, taken again only when the file has changed. */
export function agentDigests(file: string): () => Promise<string | null> {
  let known: { mtimeMs: number; size: number; hex: string } | null = null;
  return async () => {
    if (!existsSync(file)) return null;
    const { mtimeMs, size } = statSync(file);
    if (!known || known.mtimeMs !== mtimeMs || known.size !== size) known = { mtimeMs, size, hex: createHash("sha256").update(await readFile(file)).digest("hex") };
    return known.hex;
  };
}

/** Paths beside tRPC and the screens. Each answers, or says that the path is not its own. */
export function plainPaths(deps: PlainDeps) {
  const digest = agentDigests(deps.agentFile);

  /** Caller and project of a request that needs a permission; answers and gives null when it may not. */
  async function admit(request: IncomingMessage, response: ServerResponse, requestId: string, url: URL, permission: Permission, changes: boolean): Promise<{ caller: Caller; project: ProjectRef } | null> {
    const caller = await deps.callerOf(request, requestId);
    const foreign = foreignOrigin(request, deps.site, changes && caller?.by === "cookie");
    if (foreign) {
      answerRefusal(response, refuse("forbidden", foreign, `Open the console at ${deps.site.publicOrigin}.`), requestId);
      return null;
    }
    const project = caller ? await deps.project(url.searchParams.get("project") ?? "") : null;
    const no = authorise(caller, project, permission);
    if (no || !caller || !project) {
      answerRefusal(response, no ?? refuse("unauthenticated", "You are not signed in.", "Sign in."), requestId);
      return null;
    }
    return { caller, project };
  }

  async function auditExport(request: IncomingMessage, response: ServerResponse, requestId: string, url: URL): Promise<void> {
    const admitted = await admit(request, response, requestId, url, "audit.read", false);
    if (!admitted) return;
    const q = Object.fromEntries([...url.searchParams].filter(([, value]) => value !== ""));
    const parsed = inputs.auditList.safeParse({ ...q, limit: undefined, cursor: undefined, ...(q.fromMs ? { fromMs: Number(q.fromMs) } : {}), ...(q.toMs ? { toMs: Number(q.toMs) } : {}) });
    const format = q.format ?? "jsonl";
    if (!parsed.success) return answerRefusal(response, refusalOfIssues(parsed.error.issues), requestId);
    if (format !== "csv" && format !== "jsonl") return answerRefusal(response, refuse("invalid_input", "There is no such format.", "Use format=csv or format=jsonl.", [{ path: "format", message: "unknown", remedy: "Use csv or jsonl." }]), requestId);
    const { actor, action, object, outcome, fromMs, toMs } = parsed.data;
    const text = await deps.exportAudit(admitted.caller.actor, admitted.project, { actor, action, object, outcome, fromMs, toMs, format });
    response.writeHead(200, { "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson; charset=utf-8", "cache-control": "no-store", "content-disposition": `attachment; filename="holdfast-audit-${admitted.project.name}.${format}"` });
    await pipeline(Readable.from(text), response);
  }

  async function download(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (path === "/download/schema.json") {
      response.writeHead(200, { "content-type": "application/schema+json; charset=utf-8", "cache-control": "no-cache" }).end(`${JSON.stringify(deps.schema(), null, 2)}\n`);
      return true;
    }
    if (path !== "/download/agent" && path !== "/download/agent.sha256") return false;
    const hex = await digest();
    if (hex === null) {
      answerRefusal(response, refuse("not_found", "This installation was built without the agent.", "Build it with `npm run build`, or name the file in AGENT_BUNDLE_FILE."));
      return true;
    }
    if (path.endsWith(".sha256")) answerText(response, 200, `${hex}  holdfast-agent.cjs\n`);
    else {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8", "content-length": statSync(deps.agentFile).size, "content-disposition": 'attachment; filename="holdfast-agent.cjs"', etag: `"${hex}"`, "cache-control": "no-cache" });
      if (request.method === "HEAD") response.end();
      else await pipeline(createReadStream(deps.agentFile), response);
    }
    return true;
  }

  /** Metrics are not public: the same machine may read them, or whoever has a token. */
  async function metrics(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const address = request.socket.remoteAddress ?? "";
    const local = /^(::1|::ffff:127\.|127\.)/.test(address) && request.headers["x-forwarded-for"] === undefined;
    if (!local && !(await deps.callerOf(request, requestId))) return answerRefusal(response, refuse("unauthenticated", `Metrics are not public (you are ${addressOf(request, deps.site.trustProxy) ?? "unknown"}).`, "Send a service token: Authorization: Bearer …"), requestId);
    const { type, text } = await deps.metrics();
    response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(text);
  }

  return async function answer(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): Promise<boolean> {
    const readOnly = request.method === "GET" || request.method === "HEAD";
    const url = new URL(request.url ?? "/", "http://here");
    if (path.startsWith("/api/artifacts/")) {
      if (request.method !== "PUT") {
        answerRefusal(response, refuse("invalid_input", "An artifact is stored with PUT.", "PUT /api/artifacts/sha256:…?project=NAME&name=NAME"), requestId);
        return true;
      }
      const admitted = await admit(request, response, requestId, url, "artifacts.write", true);
      if (admitted) await deps.uploadArtifact(request, response, admitted.caller.actor, admitted.project);
      else request.resume();
      return true;
    }
    if (!readOnly) return false;
    switch (path) {
      case "/api/health": {
        const health = healthOf(deps.version, await deps.processes());
        answerJson(response, health.status === "ready" ? 200 : 503, health);
        return true;
      }
      case "/api/health/live":
        answerJson(response, 200, { live: true, version: deps.version });
        return true;
      case "/api/health/ready": {
        const self = await deps.ready();
        answerJson(response, self.ready ? 200 : 503, { ...self, version: deps.version });
        return true;
      }
      case "/metrics":
        await metrics(request, response, requestId);
        return true;
      case "/api/audit/export":
        await auditExport(request, response, requestId, url);
        return true;
      default:
        return path.startsWith("/download/") ? download(request, response, path) : false;
    }
  };
}
