"use client";

import { NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { absoluteText, StateMark } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { CopyButton } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { Facts, PageBody, PageHead, Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Timeline } from "@/components/ui/timeline";
import type { Refusal } from "@/server/core/base/refusal";

/** One audit entry, whole: who and how proven, what changed, why it was refused, and what belongs to it. */
export function AuditEntryPage({ seq }: { seq: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery({ ...trpc.audit.get.queryOptions({ project, seq }), staleTime: Infinity });
  const e = query.data;
  const trail = [{ label: "Audit", href: routes.audit(project) }];
  if (!e) {
    return (
      <>
        <PageHead title={`Entry ${seq}`} trail={trail} />
        {query.isPending ? (
          <PageBody>
            <div className="rounded-md border bg-card">
              <SkeletonRows rows={8} columns={2} />
            </div>
          </PageBody>
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no entry ${seq} in this project`}>
            <p>It may belong to another project.</p>
          </EmptyState>
        ) : (
          <NotLoaded title="The entry could not be loaded" query={query} />
        )}
      </>
    );
  }
  const refusal = e.refusal as Refusal | null;
  const raw = JSON.stringify({ ...e, related: undefined, changes: undefined, sentence: undefined, href: undefined }, null, 2);
  return (
    <>
      <PageHead trail={trail} title={e.sentence} actions={<StateMark state={e.outcome === "done" ? "healthy" : "failing"} word={e.outcome} soft />} />
      <PageBody>
        {refusal ? (
          <Alert tone="error" title={`Refused (${refusal.code}): ${refusal.message}`}>
            {refusal.remedy}
          </Alert>
        ) : null}
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,380px)] gap-4 max-lg:grid-cols-1">
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="What changed" flush>
              <ChangeList changes={e.changes} className="px-3" />
            </Section>
            <Section title="Raw record" aside={<CopyButton text={raw} what="the record" />} flush>
              <pre role="region" tabIndex={0} aria-label="Raw record" className="max-h-[50vh] overflow-auto p-3 font-mono text-xs">
                {raw}
              </pre>
            </Section>
          </div>
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="Entry">
              <Facts
                items={[
                  { name: "Number", value: <span className="tnum">{e.seq}</span> },
                  { name: "When", value: absoluteText(e.atMs) },
                  { name: "Who", value: <Link className="link" href={`${routes.audit(project)}?actor=${encodeURIComponent(e.actor)}`}>{e.actor}</Link> },
                  { name: "Proved by", value: e.strength ?? (e.actorKind === "system" ? "the system itself" : "not recorded") },
                  { name: "Code", value: <code className="text-xs">{e.action}</code> },
                  { name: "Object", value: e.href ? <Link className="link" href={e.href}>{e.object}</Link> : e.object },
                  { name: "Reason", value: e.reason ?? "none was given" },
                  { name: "Request", value: e.requestId ? <code className="text-xs [overflow-wrap:anywhere]">{e.requestId}</code> : "not by a request" },
                ]}
              />
            </Section>
            <Section title="Belongs together" hint="same request or object">
              <Timeline items={e.related.map((r) => ({ atMs: r.atMs, kind: r.action, text: r.sentence, href: routes.auditEntry(project, r.seq) }))} empty="No other entry is about this." />
            </Section>
          </div>
        </div>
      </PageBody>
    </>
  );
}
