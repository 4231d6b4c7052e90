"use client";

import { useMutation } from "@tanstack/react-query";
import { ChartSpline, Download } from "lucide-react";
import { explain } from "@/app/_client/refusal";
import { useTRPCClient } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toaster";

/** The inputs of a verdict: their digest, a file of them, and the charts of how they grew. */
export function BundleDownload({ number, digest, shown, onShow }: { number: number; digest: string; shown: boolean; onShow?: () => void }) {
  const { project } = useProject();
  const client = useTRPCClient();
  const load = useMutation({
    mutationFn: () => client.rollouts.bundle.query({ project, number, digest }),
    onSuccess: ({ body }) => save(`rollout-${number}-${digest.slice(7, 19)}.json`, body),
    onError: (e) => toast.error(explain(e).message),
  });
  return (
    <span className="flex items-center gap-1">
      <code className="text-xs text-muted-foreground" title={digest}>{digest.slice(7, 19)}…</code>
      <Button variant="ghost" size="icon-sm" busy={load.isPending} aria-label={`Download the inputs ${digest.slice(7, 19)}`} title="Download the inputs" onClick={() => load.mutate()}>
        {load.isPending ? null : <Download aria-hidden />}
      </Button>
      {onShow ? (
        <Button variant="ghost" size="icon-sm" aria-pressed={shown} aria-label={`Show the charts of ${digest.slice(7, 19)}`} title="Show its charts" onClick={onShow}>
          <ChartSpline aria-hidden />
        </Button>
      ) : null}
    </span>
  );
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
