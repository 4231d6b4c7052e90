import type { z } from "zod";
import { nearest, orList } from "../base/nearest";
import { knownFieldsAt } from "./schema";
import { manifestKinds } from "./kinds";

type Issue = z.core.$ZodIssue;
export interface Problem {
  path: (string | number)[];
  /** Whether the key is wrong, and not its value. */
  of: "key" | "value";
  message: string;
  remedy: string;
}

/** Turns zod's issues into sentences with a remedy, one for each wrong field. */
export function problemsOf(issues: readonly Issue[], input: unknown): Problem[] {
  return issues.flatMap((issue) => problems(issue, input));
}

function problems(issue: Issue, input: unknown): Problem[] {
  const path = issue.path.filter((p): p is string | number => typeof p !== "symbol");
  const value = valueAt(input, path);
  const one = (message: string, remedy: string): Problem[] => [{ path, of: "value", message, remedy }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const known = knownFieldsAt(path, input);
        const meant = nearest(key, known);
        return { path: [...path, key], of: "key", message: `There is no field "${key}"${path.length ? ` in ${dotted(path)}` : ""}.`, remedy: meant ? `Did you mean ${meant}?` : known.length ? `It has ${known.join(", ")}.` : "Leave it out." };
      });
    case "invalid_type":
      if (value === undefined) return one(`${last(path)} is missing.`, `Write ${last(path)}: ${example(issue.expected)}.`);
      return one(`${last(path)} is ${aOf(value)}, and should be ${article(issue.expected)}.`, issue.expected === "string" ? `Put it in quotes: "${String(typeof value === "object" ? "…" : value)}".` : `Write ${example(issue.expected)}.`);
    case "invalid_value": {
      const options = issue.values.map(String);
      if (value === undefined) return one(`${last(path)} is missing.`, `Write ${orList(options)}.`);
      if (value === null) return one(`${last(path)} is empty.`, `Write ${orList(options)}.`);
      const meant = typeof value === "string" ? nearest(value, options) : null;
      return one(`${last(path)} can't be ${JSON.stringify(value)}.`, meant ? `Did you mean ${meant}?` : options.length === 1 ? `Write ${options[0]}.` : `It is one of ${orList(options)}.`);
    }
    case "invalid_union": {
      if (issue.discriminator !== undefined) return discriminator(issue.discriminator, path, input);
      if (path.includes("env")) return one(`${last(path)} is ${aOf(value)}; an environment value is a text or a secret.`, typeof value === "number" || typeof value === "boolean" ? `Put it in quotes: "${String(value)}".` : "Write a text in quotes, or {secret: NAME}.");
      if (path.at(-1) === "lostAfter") return one(`lostAfter can't be ${JSON.stringify(value)}.`, 'Write "never", or a duration such as 10m.');
      return one(`${last(path)} is of none of the forms it may have.`, issue.errors[0]?.[0]?.message ?? "See the JSON Schema.");
    }
    case "too_small":
      return one(`${last(path)} is too ${issue.origin === "string" || issue.origin === "array" ? "short" : "small"}.`, issue.origin === "string" ? "Write something." : issue.origin === "array" ? `Give at least ${String(issue.minimum)}.` : `Write ${issue.inclusive === false ? "more than" : "at least"} ${String(issue.minimum)}.`);
    case "too_big":
      return one(`${last(path)} is too ${issue.origin === "string" || issue.origin === "array" ? "long" : "large"}.`, issue.origin === "string" ? `Keep it within ${String(issue.maximum)} characters.` : issue.origin === "array" ? `Give at most ${String(issue.maximum)}.` : `Write at most ${String(issue.maximum)}.`);
    case "invalid_key":
      return [{ path, of: "key", message: `The key "${last(path)}" can't be used.`, remedy: path.includes("env") ? "Names of environment variables have letters, digits and _, and don't start with a digit." : "Use letters, digits and . _ / -, starting and ending with a letter or digit." }];
    default:
      return one(`${last(path)} can't be ${short(value)}.`, remedyOf(issue.message, path));
  }
}

function discriminator(field: string, path: (string | number)[], input: unknown): Problem[] {
  const at = path.at(-1) === field ? path : [...path, field];
  const given = valueAt(input, at);
  const options = field === "kind" && at.length === 1 ? [...manifestKinds] : (optionsOf[field] ?? []);
  if (given === undefined) return [{ path: at, of: "value", message: `${field} is missing.`, remedy: `Write ${field}: ${orList(options)}.` }];
  if (given === null) return [{ path: at, of: "value", message: `${field} is empty.`, remedy: `Write ${field}: ${orList(options)}.` }];
  const meant = typeof given === "string" ? nearest(given, options) : null;
  return [{ path: at, of: "value", message: `There is no ${field} ${JSON.stringify(given)}.`, remedy: meant ? `Did you mean ${meant}?` : `It is one of ${orList(options)}.` }];
}
const optionsOf: Record<string, string[]> = { do: ["update", "pause", "approval", "analysis"], by: ["rule", "cost", "latency", "spread", "pack", "balance", "fragmentation", "warm"], type: ["http", "tcp", "exec"], judge: ["thresholds", "sequential", "kayenta", "argo", "flagger"], from: ["measured", "prometheus"] };

const remedyOf = (message: string, path: (string | number)[]): string => {
  const text = message.replace(/^Invalid string: .*$/, path.at(-1) === "digest" ? "Write sha256: and 64 lower-case hex digits." : "See the JSON Schema for its form.");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
};

/** "spec.template.artifacts[0].digest" */
export function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>((t, p) => (typeof p === "number" ? `${t}[${p}]` : t ? `${t}.${p}` : p), "");
}
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((v, p) => (typeof v === "object" && v !== null ? (v as Record<string | number, unknown>)[p] : undefined), value);
}
const last = (path: readonly (string | number)[]): string => {
  const name = path.at(-1);
  return name === undefined ? "The document" : typeof name === "number" ? `Item ${name + 1} of ${dotted(path.slice(0, -1))}` : name;
};
const aOf = (v: unknown): string => (v === null ? "empty" : Array.isArray(v) ? "a list" : typeof v === "object" ? "a mapping" : typeof v === "number" ? "a number" : typeof v === "boolean" ? "true or false" : "a text");
const article = (expected: string): string => ({ string: "a text", number: "a number", int: "a whole number", boolean: "true or false", array: "a list", object: "a mapping", record: "a mapping" })[expected] ?? expected;
const example = (expected: string): string => ({ string: "a text", number: "a number such as 0.5", int: "a whole number such as 3", boolean: "true or false", array: "a list, one item a line after a dash", object: "its fields below it, indented", record: "names and values below it, indented" })[expected] ?? `a value of type ${expected}`;
const short = (v: unknown): string => {
  const t = JSON.stringify(v) ?? "nothing";
  return t.length > 60 ? `${t.slice(0, 57)}…` : t;
};
