import { Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { ASTNode, ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js";
import { nearest, orList } from "../base/nearest";
import { err, ok } from "../base/result";
import type { Result } from "../base/result";
import { CelDevice, CelNode, CelSite, attributes, deviceAttributes } from "./attributes";
import type { SelectorSubject } from "./attributes";
import { mentionsOf } from "./mentions";
import type { Mention } from "./mentions";

/** What is wrong with a selector, and where: character offsets (0-based) into its text. */
export interface SelectorError {
  message: string;
  remedy: string;
  start: number;
  end: number;
}

export interface SelectorVerdict {
  matches: boolean;
  /** Why it does not match, when that is not simply "false": such as a label that the node does not have. */
  note: string | null;
}

/** A selector that was type-checked. */
export interface Selector {
  text: string;
  /** All that the answer can depend on. */
  mentions: readonly Mention[];
  test(subject: SelectorSubject): SelectorVerdict;
}

export const MAX_SELECTOR_CHARS = 2_000;
/** Loops (`exists`, `all`, `map`, `filter` …) may stand in one another this deep: bounds the work to entries². */
const MAX_LOOP_DEPTH = 2;
const loops = new Set(["all", "exists", "exists_one", "existsOne", "map", "filter"]);
/* `matches` backtracks for minutes on a hostile pattern; the others build ever larger values or read outside the subject. */
const refusedCalls: Record<string, string> = {
  matches: "Regular expressions can be made to run for minutes. Use startsWith, endsWith, contains or a list: node.name in [\"a\", \"b\"].",
};

const typeOfFields = (fields: Record<string, { type: string }>) => Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, f.type]));

function makeEnvironment(): Environment {
  return new Environment({ unlistedVariablesAreDyn: false, limits: { maxAstNodes: 300, maxDepth: 24, maxListElements: 64, maxMapEntries: 16, maxCallArguments: 8 } })
    .registerType("Device", { ctor: CelDevice, fields: { ...deviceAttributes } })
    .registerType("Site", { ctor: CelSite, fields: typeOfFields(attributes.site) })
    .registerType("Node", { ctor: CelNode, fields: typeOfFields(attributes.node) })
    .registerVariable("site", "Site")
    .registerVariable("node", "Node");
}
const environment = makeEnvironment();

/** Type-checks a selector over `site` and `node`. The error points at the characters that are wrong. */
export function compileSelector(text: string): Result<Selector, SelectorError> {
  if (text.trim() === "") return err({ message: "The selector is empty.", remedy: 'Write a condition such as site.kind == "edge", or leave the field out.', start: 0, end: text.length });
  if (text.length > MAX_SELECTOR_CHARS) return err({ message: `The selector has ${text.length} characters.`, remedy: `Keep it under ${MAX_SELECTOR_CHARS}, for example by labelling nodes and asking for the label.`, start: MAX_SELECTOR_CHARS, end: text.length });
  let parsed: ReturnType<Environment["parse"]>;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    return err(explain(error as ParseError, text));
  }
  const refused = refuseShape(parsed.ast, 0);
  if (refused) return err(refused);
  const checked = parsed.check();
  if (!checked.valid) return err(checked.error ? explain(checked.error, text) : { message: "The selector is not valid.", remedy: "See docs/placement.md for what selectors may say.", start: 0, end: text.length });
  if (checked.type !== "bool") return err({ message: `The selector gives a ${checked.type}, not yes or no.`, remedy: "Compare it with something, such as node.cpuMillis >= 2000.", start: 0, end: text.length });
  return ok({ text, mentions: mentionsOf(parsed.ast), test: (subject) => test(parsed, subject) });
}

function test(run: (context: SelectorSubject) => unknown, subject: SelectorSubject): SelectorVerdict {
  try {
    return { matches: run(subject) === true, note: null };
  } catch (error) {
    // A question about what is not there (a label, a list item) is answered with no.
    if (error instanceof EvaluationError || (error instanceof Error && "summary" in error)) return { matches: false, note: noteOf(error as EvaluationError) };
    throw error;
  }
}

function noteOf(error: EvaluationError): string {
  const key = /No such key: (.+)$/.exec(error.summary)?.[1];
  return key ? `it has no "${key}"` : error.summary;
}

/** Walks the parsed tree for what type checks don't catch: refused functions, deep loops, values outside a closed list. */
function refuseShape(node: ASTNode, loopDepth: number): SelectorError | null {
  let depth = loopDepth;
  if (node.op === "rcall" || node.op === "call") {
    const name = node.args[0];
    const remedy = refusedCalls[name];
    if (remedy) return { message: `The function ${name} is not allowed in selectors.`, remedy, start: node.start, end: node.end };
    if (node.op === "rcall" && loops.has(name)) depth += 1;
    if (depth > MAX_LOOP_DEPTH) return { message: "Loops stand more than two deep in one another.", remedy: "Ask for a label or a list membership instead.", start: node.start, end: node.end };
  }
  const closed = outsideClosedList(node);
  if (closed) return closed;
  for (const child of childrenOf(node.args)) {
    const found = refuseShape(child, depth);
    if (found) return found;
  }
  return null;
}

function* childrenOf(args: unknown): Generator<ASTNode> {
  if (Array.isArray(args)) for (const item of args as unknown[]) yield* childrenOf(item);
  else if (typeof args === "object" && args !== null && "op" in args) yield args as ASTNode;
}

/** `site.kind == "egde"` is well typed and never true: the value is not one of the list. */
function outsideClosedList(node: ASTNode): SelectorError | null {
  if (node.op !== "==" && node.op !== "!=" && node.op !== "in") return null;
  const [left, right] = node.args;
  const values = closedListOf(left) ?? (node.op === "in" ? null : closedListOf(right));
  if (!values) return null;
  const other = closedListOf(left) ? right : left;
  const literals = node.op === "in" && other.op === "list" ? other.args : [other];
  for (const literal of literals) {
    if (literal.op !== "value" || typeof literal.args !== "string") continue;
    const value = literal.args;
    if (values.list.includes(value)) continue;
    const meant = nearest(value, values.list);
    return { message: `${values.name} is never "${value}".`, remedy: meant ? `Did you mean "${meant}"?` : `It is one of ${orList(values.list.map((v) => `"${v}"`))}.`, start: literal.start, end: literal.end };
  }
  return null;
}

function closedListOf(node: ASTNode): { name: string; list: readonly string[] } | null {
  if (node.op !== ".") return null;
  const [object, field] = node.args;
  if (object.op !== "id") return null;
  const variable = (attributes as Record<string, Record<string, { oneOf?: readonly string[] }>>)[object.args];
  const list = variable?.[field]?.oneOf;
  return list ? { name: `${object.args}.${field}`, list } : null;
}

/** Turns the engine's error into a sentence with a remedy and a range. */
function explain(error: ParseError | CelTypeError, text: string): SelectorError {
  const start = Math.min(error.range?.start ?? 0, text.length);
  const end = Math.max(start + 1, error.range?.end ?? start + 1);
  const at = { start, end: Math.min(Math.max(end, start), Math.max(text.length, start + 1)) };
  switch (error.code) {
    case "unknown_variable": {
      const name = /: (.+)$/.exec(error.summary)?.[1] ?? "";
      const field = (["site", "node"] as const).find((v) => Object.hasOwn(attributes[v], name));
      return { ...at, message: `There is no "${name}".`, remedy: field ? `Write ${field}.${name}.` : `Selectors know site and node${nearest(name, ["site", "node"]) ? `: did you mean ${nearest(name, ["site", "node"])}?` : ""}.` };
    }
    case "no_such_key": {
      const name = /: (.+)$/.exec(error.summary)?.[1] ?? "";
      const variable = /(\w+)\s*\.\s*$/.exec(text.slice(0, start))?.[1] ?? "";
      const fields = Object.keys((attributes as Record<string, object>)[variable] ?? deviceAttributes);
      const meant = nearest(name, fields);
      return { ...at, message: `There is no "${name}"${variable ? ` in ${variable}` : ""}.`, remedy: meant ? `Did you mean ${meant}?` : `It has ${fields.join(", ")}.` };
    }
    case "no_such_overload":
      return { ...at, message: `These types don't go together: ${error.summary.replace(/^no such overload: /, "")}.`, remedy: 'Texts stand in quotes ("edge"), numbers don\'t (512).' };
    case "no_matching_overload": {
      const name = /'(?:\w+(?:<.*>)?\.)?(\w+)\(/.exec(error.summary)?.[1] ?? "";
      const known = ["startsWith", "endsWith", "contains", "size", "exists", "all", "exists_one", "filter", "map", "has", "lowerAscii", "upperAscii"];
      const meant = nearest(name, known);
      return { ...at, message: `There is no such function: ${error.summary.replace(/^found no matching overload for /, "")}.`, remedy: meant && meant !== name ? `Did you mean ${meant}?` : `Texts have startsWith, endsWith and contains; lists have size, exists and all.` };
    }
    default:
      return { ...at, message: `${error.summary.replace(/\.$/, "")}.`, remedy: 'Write a condition such as site.kind == "edge" && node.memoryMiB >= 512.' };
  }
}
