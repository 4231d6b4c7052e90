import type { Command } from "commander";
import { stringify } from "yaml";
import { Ended, exitCodes, usage } from "../io";
import { showList } from "../output";
import type { Column } from "../output";
import { sessionOf } from "../session";
import type { Context, Session } from "../session";
import { kindNamed, kinds } from "./kinds";
import type { ListOptions } from "./kinds";

const states = ["healthy", "degraded", "failing", "silent", "pending"];
const kindList = kinds.map((k) => k.names[0]).join(", ");

/** `get` and `describe`: what there is. */
export function objectCommands(program: Command, ctx: Context): void {
  const { io } = ctx;

  program
    .command("get")
    .description(`list things of a kind, or one of them: ${kindList}`)
    .argument("<kind>", "what to list")
    .argument("[name]", "one of them; with -o yaml, the manifest of a workload, policy, strategy, analysis or site")
    .option("--workload <name>", "only of this workload (units, rollouts, decisions, revisions)")
    .option("--node <name>", "only on this node (units)")
    .option("--site <name>", "only at this site (nodes, units)")
    .option("--state <state>", `only in this state (nodes, units): ${states.join(", ")}`)
    .option("-q, --query <text>", "only what matches this text")
    .action(async (kindName: string, name: string | undefined, o: ListOptions, command: Command) => {
      const k = kindNamed(kindName);
      if (o.state !== undefined && !states.includes(o.state)) throw usage(`'${o.state}' is no state. Use ${states.join(", ")}.`);
      const s = sessionOf(ctx, command);
      if (name === undefined) return showList(io, s.format, k.columns(io.nowMs()) as unknown as Column<unknown>[], await k.list(s, o), `There are no ${k.names[0]} in project ${s.project}.`);
      if (s.format === "table") {
        const rows = (await k.list(s, { ...o, ...(k.names.includes("units") ? {} : { query: undefined }) })).filter((row) => k.nameOf(row as never) === name.replace(/^#/, ""));
        if (rows.length === 0) throw new Ended(exitCodes.notFound, `There is no ${k.names[1] ?? k.names[0]} '${name}' in project ${s.project}.`);
        return showList(io, s.format, k.columns(io.nowMs()) as unknown as Column<unknown>[], rows, "");
      }
      const value = await oneOf(s, kindName, name, o);
      const manifest = s.format === "yaml" ? (value as { manifestYaml?: string }).manifestYaml : undefined;
      if (manifest !== undefined) io.out(manifest.endsWith("\n") ? manifest : `${manifest}\n`);
      else io.out(s.format === "yaml" ? stringify(value) : `${JSON.stringify(value, null, 2)}\n`);
    });

  program
    .command("describe")
    .description("everything that is known of one thing")
    .argument("<kind>", `one of: ${kindList}`)
    .argument("<name>", "its name, number or id")
    .option("--workload <name>", "the workload it belongs to (units, revisions)")
    .action(async (kindName: string, name: string, o: ListOptions, command: Command) => {
      const s = sessionOf(ctx, command);
      const value = await oneOf(s, kindName, name, o);
      if (s.format === "json") return io.out(`${JSON.stringify(value, null, 2)}\n`);
      // Facts are easier to read in YAML's shape than in any table; times of the views are written as times.
      io.out(stringify(readable(value), { lineWidth: 0 }));
    });
}

async function oneOf(s: Session, kindName: string, name: string, o: ListOptions): Promise<unknown> {
  const k = kindNamed(kindName);
  if (k.one) return k.one(s, name);
  const found = (await k.list(s, o)).find((row) => k.nameOf(row as never) === name);
  if (found === undefined) throw new Ended(exitCodes.notFound, `There is no ${k.names[1] ?? k.names[0]} '${name}' in project ${s.project}.`);
  return found;
}

/** A view for people: `…Ms` moments become times, nothing is said of what is unknown, and control characters are gone. */
export function readable(value: unknown, key = ""): unknown {
  if (typeof value === "number" && /(At|Seen|Since|since|from|to|at|asOf|last\w*)Ms$/.test(key) && value > 1e12) return new Date(value).toISOString();
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (typeof value === "string") return value.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, " ");
  if (Array.isArray(value)) return value.map((v) => readable(v));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== null && v !== undefined && !(Array.isArray(v) && v.length === 0))
      .map(([k, v]) => [k.replace(/Ms$/, (m) => (typeof v === "number" && v > 1e12 ? "" : m)), readable(v, k)]),
  );
}
