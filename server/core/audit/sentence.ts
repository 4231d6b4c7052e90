import { auditActions } from "./actions";

/** What a sentence is made of. */
export interface Told {
  actor: string;
  actorKind: "person" | "token" | "node" | "system";
  action: string;
  object: string;
  outcome: "done" | "refused";
  reason: string | null;
  /** The refusal's message, when it was refused. */
  refusal: string | null;
}

const phrases: Record<string, { done: string; tried: string } | undefined> = auditActions;
const actorWords = { person: "", token: "token ", node: "node ", system: "" } as const;

/**
 * An audit entry as a sentence: who did what to what, and how it ended. Entries of an older version whose action is no
 * longer known are told by their code.
 * `told({actor: "ada", action: "node.drain", object: "fra-1", …})` is "ada began to drain node fra-1: disk is failing."
 */
export function sentenceOf(t: Told): string {
  const phrase = phrases[t.action] ?? { done: `did ${t.action} to {object}`, tried: `do ${t.action} to {object}` };
  const fill = (text: string) => text.split("{object}").join(t.object === "" ? "?" : t.object);
  const who = t.action === "node.enrol" && t.outcome === "done" ? "A machine" : `${actorWords[t.actorKind]}${t.actor}`;
  if (t.outcome === "done") return endWith(`${who} ${fill(phrase.done)}`, t.reason);
  return endWith(`${who} tried to ${fill(phrase.tried)} and was refused`, t.refusal);
}

/** Closes a sentence, with a second part behind a colon when there is one. */
function endWith(sentence: string, more: string | null): string {
  const rest = more?.trim() ?? "";
  if (rest === "") return `${sentence}.`;
  return `${sentence}: ${rest}${/[.!?…]$/.test(rest) ? "" : "."}`;
}
