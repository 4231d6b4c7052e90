"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { StateMark, Until } from "@/components/state";
import { siteKindWords } from "@/components/fleet/words";
import { Button, buttonStyle } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input, NativeSelect } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import type { RouterOutputs } from "@/server/trpc";

/** Makes a join token and shows the one command that enrols a machine; then waits for the machine. */
export function JoinDialog({ site: given, onClose }: { site: string | null; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const sites = useQuery(trpc.fleet.sites.queryOptions({ project }));
  const [site, setSite] = useState(given ?? "");
  const [labelText, setLabelText] = useState("");
  const create = useMutation(trpc.fleet.createJoinToken.mutationOptions({ onSettled: () => void queries.invalidateQueries(trpc.fleet.joinTokens.pathFilter()) }));
  const labels = readLabels(labelText);
  const wrong = site === "" ? "Choose the site where the machine stands." : labels === null ? "Write labels as key=value, separated by commas." : null;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        wide={create.data !== undefined}
        title={create.data ? `Enrol a machine at ${create.data.site}` : "Enrol a machine"}
        description={create.data ? "Run this on the machine, as an account that may start processes." : "Its agent dials out to this console; the machine needs no open port."}
        footer={
          create.data ? (
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          ) : (
            <Button variant="primary" busy={create.isPending} disabledReason={wrong} onClick={() => labels && create.mutate({ project, site, labels })}>
              Make a join token
            </Button>
          )
        }
      >
        {create.data ? (
          <Issued token={create.data} project={project} />
        ) : (
          <div className="flex flex-col gap-3">
            <Field
              label="Site"
              error={sites.isError ? explain(sites.error).message : null}
              help={sites.data?.length === 0 ? "There is no site yet: apply a manifest of kind Site first." : "Where the machine stands; its jurisdiction and uplink come from there."}
            >
              <NativeSelect value={site} onChange={(event) => setSite(event.target.value)}>
                <option value="" disabled>
                  {sites.isPending ? "Loading" : "Choose a site"}
                </option>
                {(sites.data ?? []).map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.title} ({siteKindWords[one.kind]}, {one.jurisdiction})
                  </option>
                ))}
              </NativeSelect>
            </Field>
            <Field label="Labels" optional help="For example role=camera, line=3. Policies select by them." error={labels === null ? "Write them as key=value, separated by commas." : null}>
              <Input value={labelText} onChange={(event) => setLabelText(event.target.value)} spellCheck={false} autoComplete="off" />
            </Field>
            {create.error ? <p role="alert" className="text-sm text-failing">{explain(create.error).message}</p> : null}
            <Command label="The same at the command line" text={`holdfast join-token create --site ${site || "SITE"} --project ${project}`} />
          </div>
        )}
      </DialogContent>
    </Dialog>
  );
}

function Issued({ token, project }: { token: RouterOutputs["fleet"]["createJoinToken"]; project: string }) {
  const trpc = useTRPC();
  // The token's own row says when a machine has used it.
  const tokens = useQuery(trpc.fleet.joinTokens.queryOptions({ project }, { refetchInterval: 2_000 }));
  const now = tokens.data?.find((one) => one.id === token.id);
  return (
    <div className="flex flex-col gap-3">
      <Command label="On the machine" text={token.command} />
      <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        <dt className="text-muted-foreground">Agent</dt>
        <dd>
          <a href={token.agentUrl} className={buttonStyle({ size: "sm" })} download>
            <Download aria-hidden /> Download the agent
          </a>
        </dd>
        <dt className="text-muted-foreground">Its SHA-256</dt>
        <dd>
          {token.agentSha256 ? <code className="select-all text-xs [overflow-wrap:anywhere]">{token.agentSha256}</code> : <span className="text-muted-foreground">this installation has no agent bundle to offer</span>}
        </dd>
        <dt className="text-muted-foreground">Authority</dt>
        <dd>
          <code className="select-all text-xs [overflow-wrap:anywhere]">{token.authorityFingerprint}</code>
          <span className="block text-xs text-muted-foreground">The agent refuses a gateway whose authority has another fingerprint.</span>
        </dd>
      </dl>
      <div role="status" className="flex min-h-9 items-center gap-2 rounded-md border px-3 text-sm">
        {now?.usedByNode ? (
          <>
            <StateMark state="healthy" word="joined" />
            <Link href={routes.node(project, now.usedByNode)} className="link">
              {now.usedByNode}
            </Link>
          </>
        ) : now?.state === "expired" || now?.state === "revoked" ? (
          <StateMark state="failing" word={`The token is ${now.state}; make another one`} />
        ) : (
          <>
            <StateMark state="pending" word="Waiting for the machine" />
            <span className="ml-auto text-muted-foreground">
              <Until at={token.expiresAtMs} />
            </span>
          </>
        )}
      </div>
    </div>
  );
}

/** Reads "a=1, b=2"; null if it cannot be read. */
function readLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const part of text.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")) {
    const at = part.indexOf("=");
    if (at <= 0) return null;
    labels[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return labels;
}
