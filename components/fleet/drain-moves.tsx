import { Skeleton } from "@/components/ui/skeleton";
import type { RouterOutputs } from "@/server/trpc";

/** Where each unit of a node would go, before it is drained. Units without a place are said first. */
export function DrainMoves({ preview, loading, error }: { preview: RouterOutputs["fleet"]["drainPreview"] | undefined; loading: boolean; error: string | null }) {
  if (error) return <p role="alert" className="text-sm text-failing">What would move could not be worked out: {error}</p>;
  if (loading || !preview) {
    return (
      <div className="flex flex-col gap-2" role="status" aria-label="Working out what would move">
        <Skeleton className="w-64" />
        <Skeleton className="w-48" />
      </div>
    );
  }
  if (preview.moves.length === 0) return <p className="text-sm text-muted-foreground">No unit runs here, so nothing moves.</p>;
  const stuck = preview.moves.filter((move) => move.to === null).length;
  return (
    <div className="text-sm">
      <p className={stuck > 0 ? "font-medium text-degraded" : "text-muted-foreground"}>
        {preview.moves.length} {preview.moves.length === 1 ? "unit moves" : "units move"}
        {stuck > 0 ? `; ${stuck} of them ${stuck === 1 ? "has" : "have"} no other place now` : ""}.
      </p>
      <ul className="mt-1 max-h-40 divide-y divide-border overflow-y-auto rounded-md border">
        {[...preview.moves]
          .sort((a, b) => Number(a.to !== null) - Number(b.to !== null))
          .map((move) => (
            <li key={move.unit} className="flex flex-wrap items-baseline gap-x-2 px-2 py-1">
              <span className="font-medium">{move.unit}</span>
              <span className={move.to === null ? "text-degraded" : "text-muted-foreground"}>{move.to === null ? "has no other place" : `to ${move.to}`}</span>
              <span className="min-w-0 text-xs text-muted-foreground">{move.because}</span>
            </li>
          ))}
      </ul>
    </div>
  );
}
