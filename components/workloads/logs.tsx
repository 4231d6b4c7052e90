"use client";

import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";
import { explain } from "@/app/_client/refusal";
import { useTRPC, useTRPCClient } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { Input, NativeSelect } from "@/components/ui/input";

/** What the browser keeps of a log; older lines are dropped, and the page says so. */
const KEEP_CHARS = 1_000_000;
const POLL_MS = 700;
const IDLE_POLL_MS = 1_500;

/** A unit's log, followed while it is on screen. It comes from the node on demand; nothing is collected in advance. */
export function Logs({ workload, unit, onUnit }: { workload: string; unit: string | null; onUnit: (unit: string | null) => void }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const units = useQuery(trpc.fleet.units.queryOptions({ project, workload, limit: 200 }));
  const barred = why("logs.read");
  const chosen = units.data?.items.find((u) => u.unit === unit) ?? units.data?.items[0];
  if (barred) return <p className="text-sm text-muted-foreground">{barred}</p>;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <NativeSelect aria-label="Unit" className="w-64" value={chosen?.unit ?? ""} onChange={(e) => onUnit(e.target.value)}>
          {units.data?.items.map((u) => (
            <option key={u.assignmentId} value={u.unit}>
              {u.unit} on {u.node}
            </option>
          ))}
        </NativeSelect>
        {chosen?.state.state === "silent" ? <span className="text-sm text-silent">{chosen.state.because}</span> : null}
      </div>
      {chosen ? <LogStream key={chosen.assignmentId} assignmentId={chosen.assignmentId} unit={chosen.unit} /> : <p className="text-sm text-muted-foreground">{units.isPending ? "Looking for its units." : "There is no unit to read a log of."}</p>}
    </div>
  );
}

function LogStream({ assignmentId, unit }: { assignmentId: string; unit: string }) {
  const { project } = useProject();
  const client = useTRPCClient();
  const [text, setText] = useState("");
  const [state, setState] = useState<{ phase: "waiting" | "open" | "ended"; error: string | null }>({ phase: "waiting", error: null });
  const [paused, setPaused] = useState(false);
  const [find, setFind] = useState("");
  const [dropped, setDropped] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const held = useRef("");
  const add = useEffectEvent((more: string) => {
    if (paused) {
      held.current = (held.current + more).slice(-KEEP_CHARS);
      return;
    }
    const next = text + held.current + more;
    held.current = "";
    if (next.length > KEEP_CHARS) setDropped(true);
    setText(next.slice(-KEEP_CHARS));
  });

  // The outside system is the log at the node: opened when the page shows it, given up when it leaves.
  useEffect(() => {
    const control = new AbortController();
    const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    void (async () => {
      try {
        const { requestId } = await client.logs.open.mutate({ project, assignmentId, tailBytes: 65_536, follow: true }, { signal: control.signal });
        let seq = -1;
        while (!control.signal.aborted) {
          const read = await client.logs.read.query({ project, requestId, afterSeq: seq }, { signal: control.signal });
          for (const chunk of read.chunks) seq = Math.max(seq, chunk.seq);
          if (read.chunks.length > 0) add(read.chunks.map((c) => c.text).join(""));
          setState({ phase: read.state, error: read.error });
          if (read.state === "ended" && read.chunks.length === 0) return;
          await wait(read.chunks.length > 0 ? POLL_MS : IDLE_POLL_MS);
        }
      } catch (error) {
        if (!control.signal.aborted) setState({ phase: "ended", error: explain(error).message });
      }
    })();
    return () => control.abort();
  }, [client, project, assignmentId, attempt]);

  // Follows the end as long as the reader has not paused.
  useEffect(() => {
    if (!paused && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, paused]);

  const lines = find.trim() === "" ? text : text.split("\n").filter((line) => line.toLowerCase().includes(find.trim().toLowerCase())).join("\n");
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <Button
          size="sm"
          onClick={() => {
            if (paused) {
              setText((t) => (t + held.current).slice(-KEEP_CHARS));
              held.current = "";
            }
            setPaused(!paused);
          }}
        >
          {paused ? <Play aria-hidden /> : <Pause aria-hidden />} {paused ? "Follow" : "Pause"}
        </Button>
        <Input aria-label="Find in the log" placeholder="Only lines with" className="w-56" value={find} onChange={(e) => setFind(e.target.value)} />
        <span className="text-xs text-muted-foreground" role="status">
          {state.phase === "waiting" ? "Asking the node" : state.phase === "open" ? (paused ? "Paused; new lines are kept" : "Following") : "Ended"}
          {dropped ? "; older lines were dropped here, the node keeps them" : ""}
        </span>
      </div>
      {state.error ? (
        <Alert tone={state.phase === "ended" ? "error" : "silent"} title={state.error} action={state.phase === "ended" ? <Button size="sm" onClick={() => (setText(""), setState({ phase: "waiting", error: null }), setAttempt((n) => n + 1))}>Open again</Button> : null} />
      ) : null}
      <pre ref={box} role="log" tabIndex={0} aria-label={`Log of ${unit}`} className="h-[52vh] overflow-auto whitespace-pre-wrap rounded-md border bg-card p-3 font-mono text-xs leading-5 [overflow-wrap:anywhere]">
        {lines === "" ? <span className="text-muted-foreground">{text === "" ? (state.phase === "waiting" ? "" : "The log is empty.") : "No line has these words."}</span> : lines}
      </pre>
      <Command label="The same at the command line" text={`holdfast logs -f ${unit} --project ${project}`} />
    </div>
  );
}
