import { cn } from "@/components/ui/cn";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { Tooltip } from "@/components/ui/tooltip";
import type { DecisionDetail } from "@/server/core/views";
import { partRows, scoreText, signed, weightUnit, type PartRow } from "./score";

type Candidate = DecisionDetail["candidates"][number];

/** The scores of a few nodes part by part, as bars with their figures; the first is the one that the others are held against. */
export function ScoreParts({ candidates }: { candidates: readonly { what: string; candidate: Candidate }[] }) {
  const rows = partRows(candidates.map((c) => c.candidate));
  if (rows.length === 0) return <p className="px-3 py-2 text-sm text-muted-foreground">No preference applies: equals are chosen among by the workload&apos;s seed.</p>;
  return (
    <Table stacked label="Score by parts">
      <thead>
        <tr>
          <Th>Part</Th>
          {candidates.map(({ what, candidate }) => (
            <Th key={`${what} ${candidate.node}`} className="min-w-40">
              {candidate.node} <span className="font-normal">({what})</span>
            </Th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Tr key={row.key}>
            <Td className="whitespace-nowrap">
              <Tooltip content={`Weight ${row.weight}: ${row.weight} ${weightUnit(row)}.`}>
                <span tabIndex={0} className="underline decoration-dotted underline-offset-2">
                  {row.name}
                </span>
              </Tooltip>{" "}
              <span className="tnum text-xs text-muted-foreground">× {row.weight}</span>
            </Td>
            {row.cells.map((cell, i) => (
              <Td key={i} label={candidates[i]?.candidate.node} className="py-1 max-sm:w-full">
                <Bar cell={cell} />
              </Td>
            ))}
          </Tr>
        ))}
        <Tr className="font-medium">
          <Td>Score</Td>
          {candidates.map(({ what, candidate }) => (
            <Td key={`${what} ${candidate.node}`} label={candidate.node} className="tnum max-sm:w-full">
              {candidate.score === null ? <span className="font-normal text-muted-foreground">none: it cannot take the unit</span> : scoreText(candidate.score)}
            </Td>
          ))}
        </Tr>
      </tbody>
    </Table>
  );
}

function Bar({ cell }: { cell: PartRow["cells"][number] }) {
  if (!cell) return <span className="text-muted-foreground">–</span>;
  return (
    <span className="flex min-w-0 flex-1 flex-col gap-0.5">
      <span className="flex items-center gap-2">
        <span className="tnum w-12 shrink-0 text-right">{signed(cell.adds)}</span>
        <span aria-hidden className="h-2 min-w-16 flex-1 overflow-hidden rounded-sm bg-secondary">
          <span className={cn("block h-full rounded-sm", cell.adds < 0 ? "hatched border border-muted-foreground" : "bg-muted-foreground/70")} style={{ width: `${Math.round(cell.share * 100)}%` }} />
        </span>
      </span>
      <span className="pl-14 text-xs text-muted-foreground">{cell.text}</span>
    </span>
  );
}
