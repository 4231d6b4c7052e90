import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { roles } from "../../server/core/access/permissions";
import type { Role } from "../../server/core/access/permissions";
import { refusal as refusalSchema } from "../../server/core/base/refusal";
import { refusedWith } from "../client";
import { Ended, exitCodes, usage } from "../io";
import { age, bytes, showList, time } from "../output";
import { confirm, sessionOf } from "../session";
import type { Context, Session } from "../session";
import { kindNamed } from "./kinds";

/** `token …`, `secret …`, `artifact …`. */
export function accessCommands(program: Command, ctx: Context): void {
  const { io } = ctx;

  const token = program.command("token").description("service tokens: how programs act here");
  token
    .command("create")
    .description("make a token; it is shown once")
    .argument("<name>")
    .requiredOption("--role <role>", `what it may do: ${roles.join(", ")}`)
    .option("--expires-in-days <n>", "for how long", "90")
    .action(async (name: string, o: { role: string; expiresInDays: string }, command: Command) => {
      if (!(roles as readonly string[]).includes(o.role)) throw usage(`'${o.role}' is no role. Use ${roles.join(", ")}.`);
      const expiresInDays = Number(o.expiresInDays);
      if (!Number.isInteger(expiresInDays)) throw usage(`'${o.expiresInDays}' is no number of days.`);
      const s = sessionOf(ctx, command);
      const t = await s.api.tokens.create.mutate({ project: s.project, name, role: o.role as Role, expiresInDays });
      if (s.format !== "table") return io.out(`${JSON.stringify(t, null, 2)}\n`);
      io.out(`${t.token}\n`);
      io.err(`Token '${t.name}' is ${t.role} in ${s.project} until ${time(t.expiresAtMs) ?? ""}. It is not shown again.\n`);
    });
  token
    .command("ls")
    .description("service tokens; never the tokens themselves")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.tokens.list.query({ project: s.project });
      showList(io, s.format, [{ title: "id", of: (r) => r.id }, { title: "name", of: (r) => r.name }, { title: "role", of: (r) => r.role }, { title: "state", of: (r) => r.state }, { title: "until", of: (r) => time(r.expiresAtMs) }, { title: "used", of: (r) => age(io.nowMs(), r.lastUsedMs) }, { title: "by", of: (r) => r.createdBy }], rows, "There are no service tokens.");
    });
  token
    .command("revoke")
    .description("end a token at once")
    .argument("<name-or-id>")
    .action(async (which: string, _o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const active = (await s.api.tokens.list.query({ project: s.project })).find((t) => t.id === which || (t.name === which && t.state === "active"));
      if (!active) throw new Ended(exitCodes.notFound, `There is no active token '${which}' in project ${s.project}.`);
      const { message } = await s.api.tokens.revoke.mutate({ project: s.project, id: active.id });
      io.out(`${message}\n`);
    });

  const secret = program.command("secret").description("secrets that workloads get as environment variables; values can be set and never read");
  secret
    .command("set")
    .description("set a secret; the value is asked for, or read from standard input or a file")
    .argument("<name>")
    .option("--from-file <file>", "read the value from a file; - is standard input")
    .action(async (name: string, o: { fromFile?: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const value = o.fromFile === undefined ? await io.ask("Value: ", true) : o.fromFile === "-" ? (await io.readInput()).replace(/\r?\n$/, "") : readOrRefuse(o.fromFile).toString("utf8");
      if (!value) throw usage("The value is empty. Without a terminal, give it with --from-file.");
      const { message } = await s.api.secrets.set.mutate({ project: s.project, name, value });
      io.out(`${message}\n`);
    });
  secret
    .command("ls")
    .description("names of secrets, and which workloads use them")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const rows = await s.api.secrets.list.query({ project: s.project });
      showList(io, s.format, [{ title: "name", of: (r) => r.name }, { title: "version", of: (r) => r.version }, { title: "changed", of: (r) => age(io.nowMs(), r.updatedAtMs) }, { title: "by", of: (r) => r.updatedBy }, { title: "used by", of: (r) => r.usedBy.join(",") }], rows, "There are no secrets.");
    });
  secret
    .command("rm")
    .description("remove a secret; refused while a workload uses it")
    .argument("<name>")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, o: { yes?: boolean }, command: Command) => {
      const s = sessionOf(ctx, command);
      await confirm(s, o.yes, `Remove secret ${name} from project ${s.project}?`);
      const { message } = await s.api.secrets.remove.mutate({ project: s.project, name });
      io.out(`${message}\n`);
    });

  const artifact = program.command("artifact").description("models, data and programs, by digest");
  artifact
    .command("push")
    .description("store a file; prints its digest, by which manifests name it")
    .argument("<file>")
    .option("--name <name>", "what people call it; the file's name by default")
    .option("--media-type <type>", "what it is", "application/octet-stream")
    .action(async (file: string, o: { name?: string; mediaType: string }, command: Command) => {
      const s = sessionOf(ctx, command);
      const body = readOrRefuse(file);
      const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
      await push(s, { digest, body, name: o.name ?? path.basename(file), mediaType: o.mediaType });
      if (s.format === "table") {
        io.out(`${digest}\n`);
        io.err(`${o.name ?? path.basename(file)} is stored (${bytes(body.length) ?? ""}).\n`);
      } else io.out(`${JSON.stringify(await s.api.artifacts.get.query({ project: s.project, digest }), null, 2)}\n`);
    });
  artifact
    .command("ls")
    .description("artifacts of the project")
    .action(async (_o: unknown, command: Command) => {
      const s = sessionOf(ctx, command);
      const k = kindNamed("artifacts");
      showList(io, s.format, k.columns(io.nowMs()) as never, (await k.list(s, {})) as never[], "There are no artifacts.");
    });
}

function readOrRefuse(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw usage(`${file} can't be read: ${(error as Error).message}`);
  }
}

/** Uploads by the plain path beside tRPC; refusals come in the same shape. */
async function push(s: Session, a: { digest: string; body: Buffer; name: string; mediaType: string }): Promise<void> {
  const query = new URLSearchParams({ project: s.project, name: a.name, mediaType: a.mediaType });
  const response = await fetch(`${s.target.server}/api/artifacts/${a.digest}?${query}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${s.target.token ?? ""}`, "content-type": "application/octet-stream" },
    body: new Uint8Array(a.body),
    redirect: "error",
  });
  if (response.ok) return;
  const answer = (await response.json().catch(() => null)) as { error?: { refusal?: unknown } } | null;
  const refusal = refusalSchema.safeParse(answer?.error?.refusal);
  throw refusal.success ? refusedWith(refusal.data) : new Ended(exitCodes.failure, `The server answered ${response.status}.`);
}
