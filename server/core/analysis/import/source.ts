import type { AnalysisArgument, AnalysisTemplateManifest } from "../../manifest/analysis";
import { analysisTemplateManifest } from "../../manifest/analysis";
import { checkAnalysis } from "../../manifest/check-analysis";
import { dotted, problemsOf } from "../../manifest/issues";
import { API_VERSION } from "../../manifest/common";

/** What whoever imports says beside the file. */
export interface ImportOptions {
  /** Name of the Prometheus setting that holds address and credentials. */
  provider: string;
  /** Values of arguments for both revisions, and for either. */
  args: Readonly<Record<string, string>>;
  canaryArgs: Readonly<Record<string, string>>;
  stableArgs: Readonly<Record<string, string>>;
  /** Kayenta: label that tells the scopes apart where a metric names none. */
  scopeLabel?: string | undefined;
}
/** Why something can't be carried over: the field and what to do. */
export interface ImportProblem {
  path: string;
  message: string;
  remedy: string;
}
export interface Imported {
  /** Empty when there is any problem. */
  manifests: AnalysisTemplateManifest[];
  /** What judges nothing and was left out, or is kept elsewhere, each with its path. */
  notes: { path: string; text: string }[];
  problems: ImportProblem[];
}

export type Path = (string | number)[];
export type Fields = Readonly<Record<string, unknown>>;
export const isFields = (v: unknown): v is Fields => typeof v === "object" && v !== null && !Array.isArray(v);

/** Reads one foreign document: every field is taken, noted or refused; none is passed over. */
export class Source {
  readonly notes: Imported["notes"] = [];
  readonly problems: ImportProblem[] = [];
  constructor(private readonly prefix: string) {}

  private at(path: Path): string {
    return `${this.prefix}${dotted(path)}`;
  }
  refuse(path: Path, message: string, remedy: string): undefined {
    this.problems.push({ path: this.at(path), message, remedy });
    return undefined;
  }
  note(path: Path, text: string): void {
    this.notes.push({ path: this.at(path), text });
  }

  /**
   * The members of an object. Those that are neither known nor to be noted are refused by name; `refused` says what to
   * do about the ones that are understood and can't be carried over.
   */
  fields(value: unknown, path: Path, o: { known: readonly string[]; noted?: Readonly<Record<string, string>>; refused?: Readonly<Record<string, string>> }): Fields {
    if (value === undefined || value === null) return {};
    if (!isFields(value)) {
      this.refuse(path, "This is no mapping of fields.", "Write it as in the documentation of the tool it comes from.");
      return {};
    }
    for (const key of Object.keys(value)) {
      const noted = o.noted?.[key];
      if (noted !== undefined) this.note([...path, key], noted);
      else if (!o.known.includes(key)) this.refuse([...path, key], `${key} can't be carried over.`, o.refused?.[key] ?? "Remove the field, or judge it by a metric of your own.");
    }
    return value;
  }

  list(value: unknown, path: Path): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value as unknown[];
    this.refuse(path, "This is no list.", "Write it as in the documentation of the tool it comes from.");
    return [];
  }

  text(value: unknown, path: Path): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    return this.refuse(path, "This is no text.", "Write a text.");
  }

  /** A number, also one written as text. */
  number(value: unknown, path: Path): number | undefined {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    const n = Number(text);
    return text.trim() === "" || !Number.isFinite(n) ? this.refuse(path, `"${text}" is no number.`, "Write a number.") : n;
  }

  flag(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || value === null) return undefined;
    return typeof value === "boolean" ? value : this.refuse(path, "This is neither true nor false.", "Write true or false.");
  }

  choice<T extends string>(value: unknown, path: Path, options: readonly T[]): T | undefined {
    const text = this.text(value, path);
    if (text === undefined) return undefined;
    const found = options.find((x) => x === text);
    return found ?? this.refuse(path, `"${text}" is not known here.`, `Write one of ${options.join(", ")}.`);
  }

  /** An argument's value by what the importer said: for both revisions, or for either. */
  argument(name: string, own: string | undefined, path: Path, o: ImportOptions): AnalysisArgument | undefined {
    const [canary, stable] = [o.canaryArgs[name], o.stableArgs[name]];
    if (canary !== undefined && stable !== undefined) return { name, canary, stable };
    const value = o.args[name] ?? own;
    if (value !== undefined) return { name, value };
    return this.refuse(path, `The argument "${name}" has no value.`, `Give --arg ${name}=VALUE, or --canary-arg ${name}=VALUE and --stable-arg ${name}=VALUE; {{workload}}, {{project}} and {{revision}} may stand in it.`);
  }

  /** The manifest, checked as one that somebody wrote; null with problems. */
  manifest(name: string, title: string | undefined, description: string | undefined, spec: unknown): AnalysisTemplateManifest | null {
    if (this.problems.length > 0) return null;
    const input = { apiVersion: API_VERSION, kind: "AnalysisTemplate", metadata: { name, ...(title === undefined || title === name ? {} : { title: title.slice(0, 120) }), ...(description === undefined ? {} : { description: description.slice(0, 2_000) }) }, spec };
    const parsed = analysisTemplateManifest.safeParse(input);
    if (!parsed.success) {
      for (const p of problemsOf(parsed.error.issues, input)) this.refuse(p.path, p.message, p.remedy);
      return null;
    }
    for (const p of checkAnalysis(parsed.data.spec)) this.refuse(p.path, p.message, p.remedy);
    return this.problems.length > 0 ? null : parsed.data;
  }
}

/** A name that a manifest may have, from any text; names that were taken get a number. */
export function labelOf(text: string, taken: Set<string>): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 50).replace(/-+$/, "");
  const base = /^[a-z]/.test(plain) ? plain : `m-${plain}`.replace(/-$/, "");
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
  taken.add(name);
  return name;
}
