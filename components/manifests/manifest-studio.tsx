"use client";

import { useRef, useState, type ReactNode } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC, useTRPCClient } from "@/app/_client/trpc";
import { ChangeList, ManifestDiff } from "@/components/diff";
import { ManifestEditor, type Validation } from "@/components/editor/manifest-editor";
import type { Schema } from "@/components/editor/schema";
import { PreviewSection } from "@/components/preview/preview-panel";
import { followedKey, type Saved } from "@/components/preview/saved";
import { usePreview } from "@/components/preview/use-preview";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { Textarea } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { Section } from "@/components/ui/page";
import { toast } from "@/components/ui/toaster";
import type { ApplyResult } from "@/server/core/views";

/**
 * Where a manifest is written: the text with schema help and the server's checks, beside it what it would do to the
 * fleet, then what applying it would change, and only then the apply itself, with a reason. The command line and the API
 * go through the same command. `previews` is for kinds that the scheduler places units by.
 */
export function ManifestStudio({ initial, previews, beside, onApplied }: { initial: string; previews?: boolean; beside?: (text: string, valid: boolean) => ReactNode; onApplied: (result: ApplyResult) => void }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const [text, setText] = useState(initial);
  const [validation, setValidation] = useState<Validation>(null);
  const [reason, setReason] = useState("");
  const schema = useQuery({ ...trpc.manifests.schema.queryOptions({ project }), staleTime: Infinity });
  const dryRun = useMutation(trpc.manifests.applyText.mutationOptions());
  const valid = validation !== null && validation.errors.length === 0;
  const change = { text };
  const preview = usePreview(previews && valid && text.trim() !== "" ? change : null);
  // What the preview said when the text was saved: the pages of its objects show how that comes about.
  const saved = useRef<Saved | null>(null);
  const [asking, setAsking] = useState(false);
  const apply = useMutation(
    trpc.manifests.applyText.mutationOptions({
      onSuccess: (result) => {
        for (const o of result.objects) if (o.action !== "unchanged") queries.setQueryData(followedKey(project, `${o.kind} ${o.name}`), saved.current);
        toast.success(result.objects.map((o) => (o.action === "unchanged" ? `${o.name} is unchanged` : `${o.name}: ${o.consequence}`)).join(" "));
        for (const part of [trpc.manifests, trpc.workloads, trpc.rollouts, trpc.fleet, trpc.placement]) void queries.invalidateQueries(part.pathFilter());
        onApplied(result);
      },
    }),
  );
  // A plan is for one text: it is gone as soon as a letter changes.
  const planned = dryRun.data && dryRun.variables.text === text ? dryRun.data : null;
  const blocked = why("manifests.apply") ?? (text.trim() === "" ? "Write a manifest first." : validation && validation.errors.length > 0 ? "Correct the errors first." : null);
  const refused = refusalOf(dryRun.error ?? apply.error);
  const submit = async () => {
    setAsking(true);
    const view = previews ? await queries.fetchQuery({ ...trpc.placement.preview.queryOptions({ project, ...change }), staleTime: 1_000 }).catch(() => null) : null;
    saved.current = view && { view, change };
    setAsking(false);
    apply.mutate({ project, text, dryRun: false, ...(reason.trim() ? { reason: reason.trim() } : {}) });
  };
  const aside = previews || beside;
  return (
    <div className={aside ? "grid grid-cols-[minmax(0,3fr)_minmax(320px,2fr)] grid-rows-[auto_1fr] items-start gap-4 max-lg:grid-cols-1 max-lg:grid-rows-none" : "flex flex-col gap-4"}>
        <ManifestEditor
          className="h-[52vh]"
          value={text}
          onChange={setText}
          schema={(schema.data as Schema | undefined) ?? null}
          validate={async (t, signal) => (await client.manifests.validate.query({ project, text: t }, { signal })).errors}
          errors={(dryRun.variables?.text === text ? refused?.fields : null) ?? preview.refused?.fields ?? []}
          onValidation={setValidation}
          onSubmit={() => !blocked && dryRun.mutate({ project, text, dryRun: true })}
        />
      {aside ? (
        // Where there is one column the preview stands right below the text, and the rest below what can be done with it.
        <div className="flex min-w-0 flex-col gap-4 max-lg:contents lg:col-start-2 lg:row-span-2 lg:row-start-1">
          {previews ? <PreviewSection className="max-lg:order-1" preview={preview} hint="What would move, start and stop appears here once the manifest is valid. Nothing is written for it." /> : null}
          {beside ? <div className="flex min-w-0 flex-col gap-4 max-lg:order-3">{beside(text, valid)}</div> : null}
        </div>
      ) : null}
      <div className="flex min-w-0 flex-col gap-4 max-lg:order-2 lg:col-start-1">
      <div className="flex flex-wrap items-center gap-2">
        <Button variant={planned ? "secondary" : "primary"} disabledReason={blocked} busy={dryRun.isPending} onClick={() => dryRun.mutate({ project, text, dryRun: true })}>
          See what would change
        </Button>
        <span className="text-xs text-muted-foreground">Nothing is written yet.</span>
      </div>
      {dryRun.error ? (
        <Alert tone="error" title="This cannot be applied">
          {explain(dryRun.error).message}
        </Alert>
      ) : null}
      {planned ? (
        <>
          {planned.objects.map((o) => (
            <Section key={`${o.kind} ${o.name}`} title={`${o.kind} ${o.name}`} aside={<Badge tone={o.action === "unchanged" ? "outline" : "accent"}>{o.action}</Badge>}>
              <p className="mb-2 text-sm">{o.consequence}</p>
              {o.warnings.map((w) => (
                <Alert key={w} tone="warning" title={w} className="mb-2" />
              ))}
              {o.action === "update" ? <ChangeList changes={o.changes} className="mb-2" /> : null}
              {o.action === "unchanged" ? null : <ManifestDiff before={o.beforeYaml ?? ""} after={o.afterYaml} label={`${o.kind} ${o.name}`} />}
            </Section>
          ))}
          <form
            className="flex max-w-xl flex-col gap-2"
            onSubmit={(e) => {
              e.preventDefault();
              if (!blocked && !apply.isPending && !asking) void submit();
            }}
          >
            <Field label="Reason" optional help="Kept with the revision and in the audit log.">
              <Textarea rows={2} maxLength={500} value={reason} onChange={(e) => setReason(e.target.value)} />
            </Field>
            {apply.error ? (
              <p role="alert" className="rounded-md bg-failing-soft px-2 py-1.5 text-sm text-failing">
                {explain(apply.error).message}
              </p>
            ) : null}
            <div className="flex flex-wrap items-center gap-2">
              <Button type="submit" variant="primary" busy={apply.isPending || asking} disabledReason={blocked ?? (planned.objects.every((o) => o.action === "unchanged") ? "Nothing would change." : reason.trim().length > 0 && reason.trim().length < 3 ? "A reason has at least three characters." : null)}>
                Apply
              </Button>
            </div>
            <Command label="The same at the command line" text={`holdfast apply -f FILE --project ${project} --reason "…"`} />
          </form>
        </>
      ) : null}
      </div>
    </div>
  );
}
