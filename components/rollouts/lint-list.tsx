import { Info, TriangleAlert } from "lucide-react";
import type { RolloutDetail } from "@/server/core/views";

/** What a strategy leaves open, by field, each with its remedy. None of it stops a rollout; it says what will hurt. */
export function LintList({ findings }: { findings: RolloutDetail["lint"] }) {
  return (
    <ul className="flex flex-col gap-2 text-sm" aria-label="Findings about the strategy">
      {findings.map((f) => (
        <li key={`${f.code}${f.path}`} className="flex gap-2">
          {f.level === "warning" ? <TriangleAlert className="mt-0.5 size-3.5 shrink-0 text-degraded" aria-label="Warning" role="img" /> : <Info className="mt-0.5 size-3.5 shrink-0 text-muted-foreground" aria-label="Note" role="img" />}
          <span className="min-w-0 [overflow-wrap:anywhere]">
            {f.message} <span className="text-muted-foreground">{f.remedy}</span>
            <code className="block text-xs text-muted-foreground">{f.path}</code>
          </span>
        </li>
      ))}
    </ul>
  );
}
