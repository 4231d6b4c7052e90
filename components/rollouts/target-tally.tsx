import type { RolloutRow } from "@/server/core/views";

/** How far a rollout is, in one line: updated of all, and apart from them what fails and what is silent. */
export function TargetTally({ targets: t }: { targets: RolloutRow["targets"] }) {
  return (
    <span className="tnum whitespace-nowrap">
      {t.updated} of {t.total} updated
      {t.failing > 0 ? <span className="text-failing">, {t.failing} failing</span> : null}
      {t.silent > 0 ? <span className="text-silent">, {t.silent} silent</span> : null}
    </span>
  );
}
