"use client";

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { Arrow } from "@/components/preview/preview-table";
import { shortDigest } from "@/components/preview/rows";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy-button";
import { Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";

const SHOWN = 50;

/** The policy as it stands in the editor, run over recorded decisions: which would have come out otherwise, and why. Asked for by hand. */
export function PolicyReplay({ text, valid }: { text: string; valid: boolean }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [asked, setAsked] = useState<string | null>(null);
  const query = useQuery({ ...trpc.placement.replay.queryOptions({ project, text: asked ?? "-", limit: 1_000 }, { trpc: { abortOnUnmount: true } }), enabled: asked !== null, staleTime: Infinity });
  const r = asked === null ? undefined : query.data;
  const ask = (
    <Button size="sm" busy={query.isFetching} disabledReason={!valid ? "Correct the errors first." : null} onClick={() => (asked === text ? void query.refetch() : setAsked(text))}>
      Replay this text
    </Button>
  );
  return (
    <Section title="Replay over recorded decisions" aside={ask} flush>
      {query.isError ? (
        <Alert tone="error" title="It could not be replayed" className="m-3">
          {explain(query.error).message}
        </Alert>
      ) : asked === null ? (
        <p className="p-3 text-sm text-muted-foreground">What the scheduler decided under this policy, decided again by the text above: among the candidates that each decision has kept, with the values that they had then.</p>
      ) : !r ? (
        <Loading what="the replay">
          <SkeletonRows rows={4} columns={2} />
        </Loading>
      ) : (
        <>
          <div className="flex flex-col gap-1 p-3 text-sm">
            <p className="font-medium">
              {r.decisions === 0 ? "No decision is recorded yet." : r.changed.length === 0 ? `All ${r.decisions} decisions come out as they were made.` : `${r.decisions - r.same} of ${r.decisions} decisions would come out otherwise; ${r.same} as they were made.`}
            </p>
            <p className="flex flex-wrap items-center gap-1 text-xs text-muted-foreground">
              {r.digest === r.recordedDigest ? "The same digest as recorded" : "Digest"} <code title={r.digest}>{shortDigest(r.digest)}</code>
              <CopyButton text={r.digest} what="digest" />
              {r.digest === r.recordedDigest ? null : (
                <>
                  recorded <code title={r.recordedDigest}>{shortDigest(r.recordedDigest)}</code>
                </>
              )}
              <Age at={r.asOfMs} suffix="ago" className="ml-auto min-w-0" />
            </p>
            {asked !== text ? <p className="text-xs text-degraded">This is of an earlier text.</p> : null}
          </div>
          {r.changed.length > 0 ? (
            <div className="border-t">
              <Table label="Decisions that would come out otherwise">
                <thead>
                  <tr>
                    <Th>Unit</Th>
                    <Th>Node</Th>
                  </tr>
                </thead>
                <tbody>
                  {r.changed.slice(0, SHOWN).map((c) => (
                    <Tr key={c.id}>
                      <Td className="py-1.5 align-top [overflow-wrap:anywhere]">
                        <span className="font-medium">{c.unit}</span>
                        <span className="block text-xs text-muted-foreground">{c.because}</span>
                      </Td>
                      <Td className="py-1.5 align-top [overflow-wrap:anywhere]">
                        {c.was ?? "none"}
                        <Arrow />
                        {c.would ?? "none"}
                      </Td>
                    </Tr>
                  ))}
                </tbody>
              </Table>
              {r.decisions - r.same > SHOWN ? <p className="border-t px-3 py-1.5 text-xs text-muted-foreground">The first {Math.min(SHOWN, r.changed.length)} of {r.decisions - r.same} are listed.</p> : null}
            </div>
          ) : null}
        </>
      )}
    </Section>
  );
}
