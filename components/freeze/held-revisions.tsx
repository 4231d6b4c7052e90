"use client";

import { useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import Link from "@/components/ui/link";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";

/** Revisions that may not come back, whoever applies them; each is lifted on its workload's page, where what it changes stands. */
export function HeldRevisions() {
  const { project } = useProject();
  const trpc = useTRPC();
  const holds = useQuery(trpc.rollouts.holds.queryOptions({ project }));
  return (
    <Section title="Held revisions" hint="Refused when applied again, from Git and from hand" flush>
      {holds.isError ? (
        <p className="p-3 text-sm text-failing">{explain(holds.error).message}</p>
      ) : holds.data && holds.data.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">No revision is held.</p>
      ) : (
        <Table label="Held revisions" stacked>
          <thead>
            <tr>
              <Th>Workload</Th>
              <Th>Revision</Th>
              <Th>Why</Th>
              <Th>Digest</Th>
            </tr>
          </thead>
          <tbody>
            {holds.data?.map((h) => (
              <Tr key={`${h.workload}${h.generation}`}>
                <Td>
                  <Link href={routes.workload(project, h.workload, { tab: "revisions" })} className="link">
                    {h.workload}
                  </Link>
                </Td>
                <Td label="Revision" className="tnum">r{h.generation}</Td>
                <Td label="Why" className="py-1.5">{h.reason}</Td>
                <Td label="Digest">
                  <code className="text-xs text-muted-foreground" title={h.digest}>{h.digest.slice(0, 19)}…</code>
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  );
}
