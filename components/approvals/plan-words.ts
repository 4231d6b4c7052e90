import type { ApprovalView } from "@/server/core/views";

type Plan = ApprovalView["plan"];
type Change = Plan["changes"][number];

/** The artifact that a change of a field is about: `spec.template.artifacts[model].digest` is about `model`. */
const artifactOf = (c: Change): string | null => /artifacts\[([^\]]+)\]\.digest$/.exec(c.path)?.[1] ?? null;

/** What the new revision brings, and what of it stays: "model becomes digits-v2; serve stays as it is". */
export function whatText(plan: Pick<Plan, "artifacts" | "changes">): string {
  const changed = new Set(plan.changes.map(artifactOf).filter((name) => name !== null));
  const news = plan.artifacts.filter((a) => changed.has(a.name)).map((a) => `${a.name} becomes ${a.title}`);
  const same = plan.artifacts.filter((a) => !changed.has(a.name)).map((a) => a.title);
  if (news.length === 0) return same.length === 0 ? "A new revision" : `A new revision with the same ${same.join(", ")}`;
  return `${news.join(", ")}${same.length > 0 ? `; ${same.join(", ")} ${same.length === 1 ? "stays as it is" : "stay as they are"}` : ""}`;
}

/** Changes that `whatText` does not already say. */
export const furtherChanges = (plan: Pick<Plan, "artifacts" | "changes">): Change[] => {
  const known = new Set(plan.artifacts.map((a) => a.name));
  return plan.changes.filter((c) => !known.has(artifactOf(c) ?? ""));
};

/** What goes on once this gate is passed: the rest of its wave, then the waves after it as far as the next gate. */
export function thenText(plan: Pick<Plan, "waves" | "gate">): string {
  const at = plan.waves.findIndex((w) => plan.gate.startsWith(`${w.name}: `));
  const wave = plan.waves[at];
  if (!wave) return "The rollout goes on by its plan.";
  const name = plan.gate.slice(wave.name.length + 2);
  const step = wave.steps.findIndex((s) => s === `Approval: ${name}` || s.startsWith(`Approval: ${name} (`));
  const rest = wave.steps.slice(step + 1).map((s) => `${wave.name}: ${lower(s)}`);
  const later = plan.waves.slice(at + 1).map((w) => (w.steps[0] ? `wave ${w.name}: ${lower(w.steps[0])}` : `wave ${w.name}`));
  const all = [...rest, ...later];
  if (all.length === 0) return "The rollout ends, and the new revision stays.";
  return `${upper(all.slice(0, 3).join("; then "))}${all.length > 3 ? `; and ${all.length - 3} more ${all.length === 4 ? "step" : "steps"}` : ""}.`;
}

const lower = (s: string): string => s.charAt(0).toLowerCase() + s.slice(1);
const upper = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);
