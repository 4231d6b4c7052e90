"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { useQuery } from "@tanstack/react-query";
import { stringify } from "yaml";
import { useTRPC } from "@/app/_client/trpc";
import { ManifestStudio } from "@/components/manifests/manifest-studio";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { Input, NativeSelect } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, PageHead, Section } from "@/components/ui/page";

type Form = { name: string; kind: string; replicas: string; command: string; artifact: string; policy: string; rollout: string; port: boolean };
const empty: Form = { name: "", kind: "service", replicas: "2", command: "", artifact: "", policy: "", rollout: "", port: true };

/** A new workload, from a form or as text: the form writes the same manifest that is edited, checked and applied below. */
export function NewWorkloadPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [form, setForm] = useState<Form>(empty);
  const [text, setText] = useState(() => manifestOf(empty, project, null));
  const artifacts = useQuery(trpc.artifacts.list.queryOptions({ project }));
  const policies = useQuery(trpc.manifests.objects.queryOptions({ project, limit: 200, kind: "PlacementPolicy" }));
  const strategies = useQuery(trpc.manifests.objects.queryOptions({ project, limit: 200, kind: "RolloutStrategy" }));
  const set = (part: Partial<Form>) => setForm({ ...form, ...part });
  const artifact = artifacts.data?.find((a) => a.digest === form.artifact) ?? null;
  return (
    <>
      <PageHead title="New workload" purpose="What should run. Nothing is written until you apply it." trail={[{ label: "Workloads", href: routes.workloads(project) }]} />
      <PageBody>
        <Section title="Form" hint="fills the manifest below; both are the same object">
          <form
            className="grid grid-cols-[repeat(auto-fill,minmax(250px,1fr))] items-start gap-3"
            onSubmit={(e) => {
              e.preventDefault();
              setText(manifestOf(form, project, artifact));
            }}
          >
            <Field label="Name">
              <Input value={form.name} placeholder="my-service" onChange={(e) => set({ name: e.target.value })} />
            </Field>
            <Field label="Kind">
              <NativeSelect value={form.kind} onChange={(e) => set({ kind: e.target.value })}>
                <option value="service">service: keeps replicas running</option>
                <option value="inference">inference: a service that predicts</option>
                <option value="daemon">daemon: one on each matching node</option>
                <option value="batch">batch: runs to completion</option>
              </NativeSelect>
            </Field>
            <Field label="Replicas">
              <Input inputMode="numeric" value={form.replicas} disabled={form.kind === "daemon"} onChange={(e) => set({ replicas: e.target.value })} />
            </Field>
            <Field label="Artifact" help={artifacts.data?.length === 0 ? "None is uploaded: holdfast artifact push FILE" : undefined}>
              <NativeSelect value={form.artifact} onChange={(e) => set({ artifact: e.target.value })}>
                <option value="">None</option>
                {artifacts.data?.map((a) => (
                  <option key={a.digest} value={a.digest}>
                    {a.name} ({a.digest.slice(7, 15)})
                  </option>
                ))}
              </NativeSelect>
            </Field>
            <Field label="Command" help={artifact ? "Empty: run the artifact with the agent's Node." : "Program and arguments, separated by blanks."}>
              <Input value={form.command} placeholder="/usr/bin/my-server --fast" onChange={(e) => set({ command: e.target.value })} />
            </Field>
            <Field label="Placement policy">
              <NativeSelect value={form.policy} onChange={(e) => set({ policy: e.target.value })}>
                <option value="">None: anywhere</option>
                {policies.data?.items.map((p) => (
                  <option key={p.id} value={p.name}>
                    {p.name}
                  </option>
                ))}
              </NativeSelect>
            </Field>
            <Field label="Rollout strategy">
              <NativeSelect value={form.rollout} onChange={(e) => set({ rollout: e.target.value })}>
                <option value="">None: new revisions go everywhere at once</option>
                {strategies.data?.items.map((p) => (
                  <option key={p.id} value={p.name}>
                    {p.name}
                  </option>
                ))}
              </NativeSelect>
            </Field>
            {/* In line with the fields, whose labels stand above them. */}
            <Button type="submit" variant="secondary" className="mt-6 justify-self-start max-sm:mt-0">
              Write into the manifest
            </Button>
          </form>
        </Section>
        <ManifestStudio key={text} initial={text} previews onApplied={(result) => router.push(routes.workload(project, result.objects.find((o) => o.kind === "Workload")?.name ?? ""))} />
      </PageBody>
    </>
  );
}

/** The manifest that the form stands for. */
function manifestOf(form: Form, project: string, artifact: { name: string; digest: string } | null): string {
  const name = artifact ? artifact.name.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/^-+|-+$/g, "") || "program" : null;
  const command = form.command.trim() !== "" ? form.command.trim().split(/\s+/) : name ? ["${node}", `\${artifact.${name}}`] : ["/bin/sleep", "infinity"];
  return stringify({
    apiVersion: "holdfast.dev/v1",
    kind: "Workload",
    metadata: { name: form.name || "my-service", project },
    spec: {
      kind: form.kind,
      ...(form.kind === "daemon" ? {} : { replicas: Number(form.replicas) || 0 }),
      ...(form.policy ? { policy: form.policy } : {}),
      ...(form.rollout ? { rollout: form.rollout } : {}),
      template: {
        engine: { type: "process", command },
        ...(artifact ? { artifacts: [{ name, digest: artifact.digest }] } : {}),
        ...(form.port && form.kind !== "batch" ? { ports: [{ name: "http", env: "PORT" }] } : {}),
        resources: { cpuMillis: 100, memory: "64Mi", disk: "64Mi" },
      },
    },
  });
}
