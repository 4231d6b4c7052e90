/**
 * Configuration: one schema per process, read once at start, passed in. The only place that reads `process.env`.
 * Units stand in the names, floors in the types, and dangerous switches default to off.
 */
import { z } from "zod";

const port = z.coerce.number().int().min(0).max(65_535);
const flag = z.enum(["0", "1", "true", "false"]).transform((v) => v === "1" || v === "true");
const text = z.string().trim().min(1);
/** An empty variable counts as one that is not set, as in compose files with `${X:-}`. */
const blankIsUnset = (source: Record<string, string | undefined>) => Object.fromEntries(Object.entries(source).filter(([, v]) => v !== undefined && v !== ""));

/** What every process with a database needs. */
export const baseEnv = z.object({
  DATABASE_URL: text.describe("PostgreSQL 15 to 18, as a member of holdfast_app that does not own the tables: postgresql://user:password@host:5432/database"),
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(200).default(10).describe("Connections this process may open."),
  HOLDFAST_MASTER_KEY: text.optional().describe("Master key (base64, 32 bytes; several with commas, the sealing one first). Prefer the file."),
  HOLDFAST_MASTER_KEY_FILE: text.optional().describe("File with the master key, one key a line, the sealing one first."),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  /** A node that has said nothing for this long is silent. */
  AGENT_SILENT_AFTER_MS: z.coerce.number().int().min(1_000).default(45_000),
  HOLDFAST_ARTIFACT_STORE: z.string().regex(/^(postgres|dir:\/.+|s3:.+)$/, "write postgres, dir:/an/absolute/path or s3:https://host/bucket").default("postgres"),
  HOLDFAST_ARTIFACT_MAX_BYTES: z.coerce.number().int().positive().default(268_435_456).describe("Largest artifact that is kept in PostgreSQL."),
  AWS_ACCESS_KEY_ID: text.optional(),
  AWS_SECRET_ACCESS_KEY: text.optional(),
  AWS_REGION: text.default("us-east-1"),
  /** Told to agents and put in the gateway's certificate: host:port by which agents reach a gateway. */
  GATEWAY_PUBLIC_ADDRESS: z.string().regex(/^.+:\d+$/, "write host:port, such as gateway.example.org:7443").default("127.0.0.1:7443"),
  /** Where people open the console. Links in commands and the sign-in flow are made from it. */
  HOLDFAST_PUBLIC_URL: z.url({ protocol: /^https?$/, error: "write an http or https address such as https://holdfast.example.org" }).default("http://localhost:7070"),
  HOOKS_ALLOW_PRIVATE: z.stringbool().default(false).describe("Whether webhooks may go to addresses of this machine and of private networks."),
});

export const webEnv = baseEnv.extend({
  PORT: port.default(7070),
  HOST: text.default("127.0.0.1"),
  HOLDFAST_TLS_CERT: text.optional().describe("PEM file: the console then speaks TLS itself."),
  HOLDFAST_TLS_KEY: text.optional(),
  HOLDFAST_TRUST_PROXY: flag.default(false).describe("Believe X-Forwarded-For and X-Forwarded-Proto. Only behind a proxy that sets them."),
  OIDC_ISSUER: z.url().optional(),
  OIDC_CLIENT_ID: text.optional(),
  OIDC_CLIENT_SECRET: text.optional(),
  OIDC_NAME: text.optional().describe("What the sign-in button says, such as `Example University`."),
  AGENT_BUNDLE_FILE: text.optional().describe("The agent that /download/agent serves; dist/agent/holdfast-agent.cjs by default."),
  HOLDFAST_SCREENS: flag.default(true).describe("0: serve the API only, without the screens; needs no `next build`."),
  SESSION_HOURS: z.coerce.number().min(1).max(720).default(12),
});

export const schedulerEnv = baseEnv.extend({
  OPS_PORT: port.default(0).describe("Port of /metrics, /live and /ready; 0 is off."),
  OPS_HOST: text.default("127.0.0.1"),
  SCHEDULER_RESYNC_MS: z.coerce.number().int().min(1_000).default(60_000).describe("How often every key is looked at although nothing nudged."),
  RETENTION_EVERY_MS: z.coerce.number().int().min(10_000).default(600_000),
});

export const gatewayEnv = baseEnv.extend({
  GATEWAY_PORT: port.default(7443),
  GATEWAY_HOST: text.default("0.0.0.0"),
  AGENT_HEARTBEAT_MS: z.coerce.number().int().min(500).default(15_000),
  GATEWAY_RESYNC_MS: z.coerce.number().int().min(1_000).default(180_000),
  /** For how long after its end a certificate may still be exchanged for a new one. */
  LATE_RENEWAL_DAYS: z.coerce.number().min(0).max(365).default(30),
  CERTIFICATE_MINUTES: z.coerce.number().int().min(1).max(1_440).default(60),
  OPS_PORT: port.default(0),
  OPS_HOST: text.default("127.0.0.1"),
});

/** Migrations run as the owner of the tables. */
export const migrateEnv = z.object({
  DATABASE_OWNER_URL: text.describe("The role that owns the tables; migrations run as it."),
  DATABASE_URL: text.optional().describe("The application's own login: checked to be another role, and made if it can be."),
  MIGRATIONS_DIR: text.optional().describe("Folder of the migrations; prisma/migrations beside the program by default."),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

/** The command line on the server. */
export const adminEnv = baseEnv.extend({ DATABASE_OWNER_URL: text.optional() });

/** Backup and restore read and write as the owner, because the application may not see everything it keeps. */
export const backupEnv = z.object({
  DATABASE_OWNER_URL: text,
  DATABASE_URL: text.optional(),
  MIGRATIONS_DIR: text.optional(),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

/** The command-line client of people. */
export const cliEnv = z.object({
  HOLDFAST_SERVER: z.url({ protocol: /^https?$/ }).optional(),
  HOLDFAST_TOKEN: text.optional(),
  HOLDFAST_PROJECT: text.optional(),
  XDG_CONFIG_HOME: text.optional(),
  HOME: text.optional(),
  NO_COLOR: z.string().optional(),
});

/** Switches of test runs. */
export const testEnv = z.object({
  HOLDFAST_TEST_DATABASE_URL: text.optional().describe("A superuser's address: integration tests then use this PostgreSQL."),
  HOLDFAST_LONG: flag.default(false).describe("Exhaustive runs."),
});

export type WebEnv = z.infer<typeof webEnv>;
export type SchedulerEnv = z.infer<typeof schedulerEnv>;
export type GatewayEnv = z.infer<typeof gatewayEnv>;
export type MigrateEnv = z.infer<typeof migrateEnv>;
export type AdminEnv = z.infer<typeof adminEnv>;

/** Configuration that can't be used; the message names each variable, what is wrong and what to write. */
export class BadEnvironment extends Error {
  override name = "BadEnvironment";
}

/** Reads and checks a process's configuration. Tests pass a plain object as `source`. */
export function readEnv<S extends z.ZodType>(schema: S, source: Record<string, string | undefined> = process.env): z.infer<S> {
  const parsed = schema.safeParse(blankIsUnset(source));
  if (parsed.success) return parsed.data;
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? "?");
    const missing = !(name in blankIsUnset(source));
    const help = shape[name]?.description;
    return `  ${name}: ${missing ? "is not set" : issue.message}${help ? ` (${help})` : ""}`;
  });
  throw new BadEnvironment(`These environment variables need a look:\n${lines.join("\n")}`);
}

/** As `readEnv`, for entry files: prints the sentence and ends with code 2 instead of throwing a stack at people. */
export function readEnvOrExit<S extends z.ZodType>(schema: S): z.infer<S> {
  try {
    return readEnv(schema);
  } catch (error) {
    if (!(error instanceof BadEnvironment)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** Next and React choose their production code by NODE_ENV, at the moment they are loaded; the programs in dist are that. */
export function runAsProduction(): void {
  const env: Record<string, string | undefined> = process.env;
  env.NODE_ENV ??= "production";
}
