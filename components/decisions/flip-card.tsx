"use client";

import Link from "@/components/ui/link";
import { ManifestDiff } from "@/components/diff";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { buttonStyle } from "@/components/ui/button-style";
import { Button } from "@/components/ui/button";
import type { WhyNotView } from "@/server/core/views";

type Flip = NonNullable<WhyNotView["flip"]>;

/** What would change the verdict: the sentence, and where it is an edit, the difference with the way into the editor; where it is a deed on a node, the way to that node. */
export function FlipCard({ view, node }: { view: WhyNotView; node: string | null }) {
  if (!view.flip) return view.noFlip ? <p className="text-sm text-muted-foreground">{view.noFlip}</p> : null;
  return (
    <div className="flex flex-col gap-2 rounded-md border bg-background p-3" role="group" aria-label="The smallest change that turns it round">
      <p className="text-sm">
        <span className="font-medium">{node === null ? "The closest way out: " : "What would send it there: "}</span>
        {view.flip.text}
      </p>
      {view.here ? <p className="text-xs text-muted-foreground">{view.unit} runs on {view.here.node}, and what runs is not moved for a better place: the change decides where it goes when it is placed anew.</p> : null}
      <FlipDeed view={view} flip={view.flip} node={node} />
    </div>
  );
}

function FlipDeed({ view, flip, node }: { view: WhyNotView; flip: Flip; node: string | null }) {
  const { project, why } = useProject();
  if (flip.act) {
    const { node: at, what } = flip.act;
    return (
      <div className="flex flex-wrap items-center gap-2">
        <Link href={routes.node(project, at)} className={buttonStyle()}>
          {what === "activate" ? `Open ${at} to let it take units again` : what === "reconnect" ? `Open ${at} to see since when it is away` : `Open ${at} to see its engines`}
        </Link>
        <span className="text-xs text-muted-foreground">It is no change of a manifest.</span>
      </div>
    );
  }
  if (flip.edits.length === 0) return <p className="text-xs text-muted-foreground">The newest revision is not the one that runs, so the edit has to be made by hand.</p>;
  const blocked = why("manifests.apply");
  return (
    <>
      {flip.edits.map((e) => (
        <div key={`${e.kind} ${e.name}`} className="min-w-0">
          <p className="mb-1 text-xs text-muted-foreground">
            {e.kind === "Workload" ? "Workload" : e.beforeYaml === null ? "New placement policy" : "Placement policy"} {e.name}
          </p>
          <ManifestDiff before={e.beforeYaml ?? ""} after={e.afterYaml} label={`${e.kind} ${e.name}`} className="max-h-56" />
        </div>
      ))}
      {flip.alsoBinds.length > 0 ? (
        <p className="text-xs text-muted-foreground">
          The policy also binds {flip.alsoBinds.slice(0, 5).join(", ")}
          {flip.alsoBinds.length > 5 ? ` and ${flip.alsoBinds.length - 5} more` : ""}: the editor shows what would move.
        </p>
      ) : null}
      <div className="flex flex-wrap items-center gap-2">
        {blocked ? (
          <Button disabledReason={blocked}>Open in the editor</Button>
        ) : (
          <Link href={routes.workloadChange(project, view.workload, { unit: view.unit, ...(node === null ? {} : { node }) })} className={buttonStyle()}>
            Open in the editor
          </Link>
        )}
        <span className="text-xs text-muted-foreground">Nothing is written before you apply it there.</span>
      </div>
    </>
  );
}
