"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { useQuery } from "@tanstack/react-query";
import { parseAsString, useQueryStates } from "nuqs";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ManifestStudio } from "@/components/manifests/manifest-studio";
import { PreviewPanel } from "@/components/preview/preview-panel";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { EmptyState, ErrorState } from "@/components/ui/empty-state";
import { PageBody, PageHead } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";

/** The change that places a unit, or sends it to a node, ready in the editor, with what else it would move beside it. */
export function FlipPage({ workload }: { workload: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [of] = useQueryStates({ unit: parseAsString.withDefault(""), node: parseAsString });
  const answer = useQuery({ ...trpc.placement.whyNot.queryOptions({ project, unit: of.unit, ...(of.node === null ? {} : { node: of.node }) }), enabled: of.unit !== "" });
  // The text is what was proposed when the page was opened: it must not change under the hands of whoever edits it.
  const proposed = answer.data?.flip?.edits.map((e) => e.afterYaml).join("---\n") ?? "";
  const [kept, setKept] = useState<{ text: string; says: string } | null>(null);
  if (kept === null && proposed !== "") setKept({ text: proposed, says: answer.data?.flip?.text ?? "" });
  const back = routes.workload(project, workload, { tab: "decisions", unit: of.unit, ...(of.node === null ? {} : { node: of.node }) });
  return (
    <>
      <PageHead
        title={of.node === null ? `Find ${of.unit || "the unit"} a node` : `Send ${of.unit} to ${of.node}`}
        purpose={kept?.says ?? "The smallest change that turns the decision round, ready to be edited. Nothing is written until you apply it."}
        trail={[{ label: "Workloads", href: routes.workloads(project) }, { label: workload, href: routes.workload(project, workload) }, { label: "Decision", href: back }]}
      />
      <PageBody>
        {kept ? (
          <ManifestStudio
            initial={kept.text}
            beside={(text, valid) => <PreviewPanel change={valid ? { text } : null} hint="What would move stands here as soon as the manifest is valid." />}
            onApplied={() => router.push(back)}
          />
        ) : of.unit === "" ? (
          <EmptyState title="No unit is named">
            <p>Open a decision of {workload} and follow what it proposes.</p>
          </EmptyState>
        ) : answer.isPending ? (
          <Loading what="the change">
            <SkeletonRows rows={10} columns={2} />
          </Loading>
        ) : answer.isError ? (
          <ErrorState title="The change could not be loaded" message={refusalOf(answer.error)?.message ?? explain(answer.error).message} id={explain(answer.error).id} onRetry={() => void answer.refetch()} />
        ) : (
          <EmptyState title={answer.data.flip ? "It is no change of a manifest" : "There is no single change to make"}>
            <p>{answer.data.sentence}</p>
            <p>{answer.data.flip?.text ?? answer.data.noFlip}</p>
          </EmptyState>
        )}
      </PageBody>
    </>
  );
}
