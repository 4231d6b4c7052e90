"use client";

import { useState } from "react";
import { NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { useMutation, useQuery } from "@tanstack/react-query";
import { parseAsStringLiteral, useQueryState } from "nuqs";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList } from "@/components/diff";
import { ManifestStudio } from "@/components/manifests/manifest-studio";
import { FollowChange } from "@/components/preview/follow-change";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toaster";
import { kindWords, placesUnits, policyKinds, starter } from "./kinds";
import { PolicyMatches } from "./matches";
import { PolicyReplay } from "./replay";

const kindParam = parseAsStringLiteral(policyKinds).withDefault("PlacementPolicy");

/** One policy, strategy, template or site: its manifest in the editor, what it matches now, and its revisions. */
export function PolicyPage({ name }: { name: string }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [kind] = useQueryState("kind", kindParam);
  const [removing, setRemoving] = useState(false);
  const query = useQuery(trpc.manifests.object.queryOptions({ project, kind, name }));
  const remove = useMutation(trpc.manifests.remove.mutationOptions({ onSuccess: (done) => (toast.success(done.message), router.push(`${routes.policies(project)}?kind=${kind}`)) }));
  const o = query.data;
  const trail = [{ label: kindWords[kind].plural, href: `${routes.policies(project)}?kind=${kind}` }];
  if (!o) {
    return (
      <>
        <PageHead title={name} trail={trail} />
        {query.isPending ? (
          <PageBody>
            <Loading what={name} className="rounded-md border bg-card">
              <SkeletonRows rows={12} columns={3} />
            </Loading>
          </PageBody>
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no ${kindWords[kind].one} called “${name}”`}>
            <p>It may have been removed: the audit log says when and by whom.</p>
          </EmptyState>
        ) : (
          <NotLoaded title={`${name} could not be loaded`} query={query} />
        )}
      </>
    );
  }
  return (
    <>
      <PageHead
        title={o.title ?? o.name}
        trail={trail}
        purpose={o.summary}
        actions={
          <Button disabledReason={why("manifests.delete") ?? (o.usedBy.length > 0 ? `${o.usedBy.join(", ")} use${o.usedBy.length === 1 ? "s" : ""} it.` : null)} onClick={() => (remove.reset(), setRemoving(true))}>
            Remove
          </Button>
        }
      />
      <PageBody>
        {o.usedBy.length > 0 ? (
          <p className="text-sm text-muted-foreground">
            Used by{" "}
            {o.usedBy.map((w, i) => (
              <span key={w}>
                {i > 0 ? ", " : ""}
                {w.startsWith("workload ") ? (
                  <Link className="link" href={routes.workload(project, w.slice("workload ".length))}>
                    {w}
                  </Link>
                ) : (
                  w
                )}
              </span>
            ))}
            .
          </p>
        ) : null}
        <FollowChange object={`${kind} ${o.name}`} />
        <ManifestStudio
          key={o.generation}
          initial={o.manifestYaml}
          previews={placesUnits(kind)}
          beside={
            kind === "PlacementPolicy"
              ? (text, valid) => (
                  <>
                    <PolicyMatches text={text} valid={valid} />
                    <PolicyReplay text={text} valid={valid} />
                  </>
                )
              : undefined
          }
          onApplied={() => void query.refetch()}
        />
        <Section title="Revisions" aside={<span className="tnum">{o.revisions.length}</span>}>
          <ol className="flex flex-col gap-3 text-sm">
            {o.revisions.map((r) => (
              <li key={r.generation}>
                <p>
                  <span className="tnum font-semibold">r{r.generation}</span> by {r.author} <Age at={r.createdAtMs} suffix="ago" className="min-w-0 text-muted-foreground" />
                  {r.reason ? `: ${r.reason}` : ""}
                </p>
                <ChangeList changes={r.changes} />
              </li>
            ))}
          </ol>
        </Section>
        <Command label="This page at the command line" text={`holdfast describe ${kind} ${o.name} --project ${project}`} />
      </PageBody>
      {removing ? (
        <Confirm
          open
          onOpenChange={setRemoving}
          title={`Remove ${o.name}?`}
          consequences={<p>Nothing uses it. Its revisions and audit entries stay.</p>}
          action={`Remove ${kindWords[kind].one}`}
          destructive
          reason="required"
          busy={remove.isPending}
          error={remove.error ? explain(remove.error).message : null}
          onConfirm={(reason) => remove.mutate({ project, kind, name: o.name, reason, dryRun: false })}
        />
      ) : null}
    </>
  );
}

/** A new one, from a text to start from. */
export function NewPolicyPage() {
  const { project } = useProject();
  const router = useRouter();
  const [kind] = useQueryState("kind", kindParam);
  return (
    <>
      <PageHead title={`New ${kindWords[kind].one}`} purpose="Nothing is written until you apply it." trail={[{ label: kindWords[kind].plural, href: `${routes.policies(project)}?kind=${kind}` }]} />
      <PageBody>
        <ManifestStudio
          key={kind}
          initial={starter(kind, project)}
          previews={placesUnits(kind)}
          beside={kind === "PlacementPolicy" ? (text, valid) => <PolicyMatches text={text} valid={valid} /> : undefined}
          onApplied={(result) => router.push(`${routes.policy(project, result.objects[0]?.name ?? "")}?kind=${result.objects[0]?.kind ?? kind}`)}
        />
      </PageBody>
    </>
  );
}
