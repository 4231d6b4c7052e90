import { CopyButton } from "@/components/ui/copy-button";
import { StateMark } from "@/components/state";
import type { ApprovalView } from "@/server/core/views";

/** What consent is bound to, leaf by leaf; the one that changed is named. Folded away: the digest stands for all. */
export function Leaves({ approval: a }: { approval: ApprovalView }) {
  const digest = (
    <span className="flex min-w-0 items-center gap-1">
      <code className="truncate text-xs">{a.planDigest}</code>
      <CopyButton text={a.planDigest} what="the plan's digest" />
    </span>
  );
  if (a.leaves.length === 0) {
    return (
      <>
        exactly this plan
        {digest}
      </>
    );
  }
  return (
    <details>
      <summary className="cursor-pointer touch:py-1">exactly this plan, in {a.leaves.length} parts</summary>
      <ul className="mt-1 flex flex-col gap-1">
        {a.leaves.map((l) => (
          <li key={l.name} className="min-w-0">
            <span className="flex items-center gap-2">
              {l.name}
              {l.changed ? <StateMark state="degraded" word="changed" /> : null}
            </span>
            <code className="block truncate text-xs text-muted-foreground" title={l.digest}>{l.digest}</code>
          </li>
        ))}
        <li className="min-w-0">
          Together
          {digest}
        </li>
      </ul>
    </details>
  );
}
