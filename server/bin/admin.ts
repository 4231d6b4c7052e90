/**
 * `node dist/server/admin.mjs COMMAND`: what is done on the server itself, by whoever may read its master key and reach
 * its database. Every command is audited. With `--json` the answer is one JSON object. Codes: 0 done, 1 refused or
 * failed, 2 bad usage or configuration.
 */
import { hostname, userInfo } from "node:os";
import { Command, Option } from "commander";
import { createAccess } from "../access";
import { auditedCommand } from "../audit";
import { systemActor } from "../core/access/actor";
import type { Actor } from "../core/access/actor";
import { roles } from "../core/access/permissions";
import type { Role } from "../core/access/permissions";
import { isRefused, refuseNow } from "../core/base/refusal";
import { createIdentity } from "../identity";
import { HOLDFAST_VERSION, adminEnv, createLogger, readEnvOrExit, sealerFrom, systemClock } from "../platform";
import { RETENTION_SETTING, openStore, projects, readRetention, retentionSettings, writeRetention } from "../store";
import { resealEverything } from "./admin-reseal";

/** What a command says: `json` is the object, `text` the lines for people. */
interface Answer {
  json: Record<string, unknown>;
  text: string;
}

/** The person at the machine, as far as the machine knows: in the audit log this is "root at server-1". */
function personHere(): Actor {
  const account = (() => {
    try {
      return userInfo().username;
    } catch {
      return "somebody"; // An account without a name, as in some containers.
    }
  })();
  return systemActor("server-command-line", `${account} at ${hostname()}`);
}

function open() {
  const env = readEnvOrExit(adminEnv);
  const log = createLogger({ process: "admin", level: env.LOG_LEVEL === "info" ? "warn" : env.LOG_LEVEL, destination: { write: (line) => void process.stderr.write(line) } });
  const store = openStore({ url: env.DATABASE_URL, log, max: 3, name: "holdfast admin" });
  const deps = { store, clock: systemClock, log, env };
  // Sealing needs the master key, which not every command does.
  return { env, log, store, actor: personHere(), access: () => createAccess({ ...deps, seal: sealerFrom(env) }), identity: () => createIdentity({ ...deps, seal: sealerFrom(env) }) };
}
type Opened = ReturnType<typeof open>;

async function run(options: { json?: boolean }, work: (o: Opened) => Promise<Answer>): Promise<void> {
  const opened = open();
  try {
    const answer = await work(opened);
    process.stdout.write(options.json ? `${JSON.stringify(answer.json)}\n` : `${answer.text}\n`);
  } catch (error) {
    if (isRefused(error)) {
      const { code, message, remedy } = error.holdfastRefusal;
      process.stderr.write(options.json ? `${JSON.stringify({ refusal: { code, message, remedy } })}\n` : `${message} ${remedy}\n`);
    } else process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    await opened.store.close();
  }
}

async function projectOf(o: Opened, name: string) {
  return (await projects.byName(o.store.read.client, name)) ?? refuseNow("not_found", `There is no project '${name}'.`, "Check the name.");
}

const program = new Command("admin").description("Holdfast on the server").version(HOLDFAST_VERSION).showHelpAfterError();
program.exitOverride((e) => process.exit(e.exitCode === 0 ? 0 : 2));
const json = () => new Option("--json", "print one JSON object");

program
  .command("first-admin")
  .description("make the first administrator, with a one-time password; does nothing when there is one")
  .option("--login <login>", "login name", "admin")
  .addOption(json())
  .action((options: { login: string; json?: boolean }) =>
    run(options, async (o) => {
      const made = await o.access().commands.createFirstAdministrator(o.actor, { login: options.login });
      return { json: { ...made }, text: made.created ? `login ${made.login}\none-time password ${made.password ?? ""}` : `there is an administrator already: ${made.login}` };
    }),
  );

program
  .command("recover-password")
  .description("set a one-time password for somebody, and end all their sessions")
  .requiredOption("--login <login>", "whose")
  .addOption(json())
  .action((options: { login: string; json?: boolean }) =>
    run(options, async (o) => {
      const made = await o.access().commands.recoverPassword(o.actor, options.login);
      return { json: { ...made }, text: `login ${made.login}\none-time password ${made.password}` };
    }),
  );

program
  .command("service-token")
  .description("make a service token; an older one of the same name is revoked")
  .requiredOption("--name <name>", "its name")
  .addOption(new Option("--role <role>", "what it may do").choices(roles).default("viewer"))
  .option("--project <project>", "where", "default")
  .option("--days <days>", "how long it lasts", "365")
  .addOption(json())
  .action((options: { name: string; role: Role; project: string; days: string; json?: boolean }) =>
    run(options, async (o) => {
      const expiresInDays = Number(options.days);
      if (!Number.isInteger(expiresInDays) || expiresInDays < 1 || expiresInDays > 3_650) refuseNow("invalid_input", `${options.days} is no number of days.`, "Write a whole number from 1 to 3650.", [{ path: "days", message: "is out of range", remedy: "Write a whole number from 1 to 3650." }]);
      const made = await o.access().commands.createToken(o.actor, await projectOf(o, options.project), { name: options.name, role: options.role, expiresInDays, replace: true });
      return { json: { ...made }, text: made.token };
    }),
  );

program
  .command("rotate-authority")
  .description("give the embedded certificate authority a new key; nodes move to it as they renew")
  .requiredOption("--reason <reason>", "why, for the audit log")
  .option("--retire-others", "believe no older key any more: every node must enrol again", false)
  .addOption(json())
  .action((options: { reason: string; retireOthers: boolean; json?: boolean }) =>
    run(options, async (o) => {
      const made = await o.identity().authorities.rotate(o.actor, { reason: options.reason, retireOthers: options.retireOthers });
      return { json: { ...made }, text: `new authority ${made.id}, fingerprint ${made.fingerprint}` };
    }),
  );

program
  .command("reseal")
  .description("seal every secret anew with the first master key; older keys may go from the file after it (needs DATABASE_OWNER_URL)")
  .addOption(json())
  .action((options: { json?: boolean }) =>
    run(options, async (o) => {
      if (!o.env.DATABASE_OWNER_URL) refuseNow("invalid_input", "DATABASE_OWNER_URL is not set.", "Set it: only the owner of the tables may change what is sealed in revisions.", [{ path: "DATABASE_OWNER_URL", message: "is not set", remedy: "Set it to the owner's login." }]);
      const asOwner = openStore({ url: o.env.DATABASE_OWNER_URL, log: o.log, max: 2, name: "holdfast reseal" });
      try {
        const seal = sealerFrom(o.env);
        const done = await resealEverything({ store: asOwner, seal, actor: o.actor, resealAuthorities: () => o.identity().authorities.reseal() });
        return { json: { ...done }, text: `sealed with ${done.keyId}: ${done.secrets} secrets, ${done.environments} environments, ${done.authorities} keys of authorities${done.identityProvider ? ", the identity provider's secret" : ""}` };
      } finally {
        await asOwner.close();
      }
    }),
  );

program
  .command("retention")
  .description("show for how long things are kept, or change it: --set historyDays=30")
  .option("--set <name=days...>", "one or several settings")
  .addOption(json())
  .action((options: { set?: string[]; json?: boolean }) =>
    run(options, async (o) => {
      const before = await readRetention(o.store.read.client);
      const asked = Object.fromEntries((options.set ?? []).map((pair) => [pair.split("=")[0], Number(pair.split("=")[1])]));
      const parsed = retentionSettings.strict().safeParse({ ...before, ...asked });
      if (!parsed.success) {
        const fields = parsed.error.issues.map((i) => ({ path: i.path.join(".") || "set", message: i.message, remedy: `Use ${Object.keys(retentionSettings.shape).join(", ")} with a number of days.` }));
        refuseNow("invalid_input", `These settings can't be used: ${fields.map((f) => `${f.path}: ${f.message}`).join("; ")}.`, fields[0]?.remedy ?? "", fields);
      }
      if (options.set) {
        await auditedCommand(o.store, o.actor, { action: "settings.set", objectKind: "setting", objectId: RETENTION_SETTING, object: RETENTION_SETTING, projectId: null }, async (tx, note) => {
          await writeRetention(tx.client, parsed.data);
          note({ before, after: parsed.data });
        });
      }
      return { json: parsed.data, text: Object.entries(parsed.data).map(([name, value]) => `${name} ${value}`).join("\n") };
    }),
  );

await program.parseAsync();
