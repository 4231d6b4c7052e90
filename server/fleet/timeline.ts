import { sentenceOf } from "../core/audit";
import { ageText } from "../core/fleet";
import type { TimelineEntry } from "../core/views/fleet";
import type { fleetDetail } from "../store";

/** What agents told, what people and the scheduler did, and times of silence as one time line, newest first. */
export function timelineOf(o: { events?: Awaited<ReturnType<typeof fleetDetail.nodeEvents>>; done?: readonly fleetDetail.DoneEntry[]; spells?: readonly { node: string; fromMs: number; toMs: number | null; reportsReceived: number }[]; project: string; limit: number }): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    ...(o.events ?? []).map((e) => ({ atMs: e.atMs, receivedMs: e.receivedMs, kind: e.kind, text: `${e.unit ? `${e.unit}: ` : ""}${e.message || e.kind}`, href: null })),
    ...(o.done ?? []).map((d) => ({ atMs: d.atMs, receivedMs: null, kind: d.action, text: textOf(d), href: `/p/${encodeURIComponent(o.project)}/audit/${d.seq}` })),
    ...(o.spells ?? []).flatMap((s) => [
      { atMs: s.fromMs, receivedMs: null, kind: "node.silent", text: `${s.node} was last heard of.`, href: null },
      ...(s.toMs === null ? [] : [{ atMs: s.toMs, receivedMs: null, kind: "node.back", text: `${s.node} is back after ${ageText(s.toMs - s.fromMs)}; ${s.reportsReceived} reports came in from that time.`, href: null }]),
    ]),
  ];
  return entries.sort((a, b) => b.atMs - a.atMs).slice(0, o.limit);
}

export const textOf = (d: fleetDetail.DoneEntry): string => sentenceOf({ actor: d.actor, actorKind: d.actorKind, action: d.action, object: d.object, outcome: "done", reason: d.reason, refusal: null });
