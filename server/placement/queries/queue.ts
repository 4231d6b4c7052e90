import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { parseDurationMs } from "../../core/base/duration";
import { amountsOf, amountText, plus, queueOrder, QuotaTree } from "../../core/placement";
import type { Amounts } from "../../core/placement";
import type { queueView, quotaTreeView } from "../../core/views/placement";
import { queueRead } from "../../store";
import type { PlacementDeps } from "../deps";
import { demandOfRow, loadQuotas, loadReservations, loadUsage } from "../sets-snapshot";

export function queueQueries(deps: PlacementDeps) {
  const db = deps.store.read.client;
  return {
    /** Who waits, in the order of turns, what is in the way, and when it may be over. */
    async queue(project: ProjectRef): Promise<z.input<typeof queueView>> {
      const nowMs = deps.clock.nowMs();
      const [rows, stopping, held, facts, used] = await Promise.all([queueRead.waiting(db, project.id), queueRead.makingWay(db, project.id), loadReservations(db, project.id), loadQuotas(db, project.id), loadUsage(db, project.id)]);
      const order = queueOrder(rows.map((r) => ({ ...r, id: r.workloadId, amounts: amountsOf(demandOfRow(r)), sinceMs: r.sinceMs ?? nowMs })), new QuotaTree(facts, used));
      const position = new Map(order.map((r, i) => [r.workloadId, i + 1]));
      const since = new Map(rows.map((r) => [r.workloadId, r.sinceMs]));
      const ends = await queueRead.earliestEnds(db, project.id, held.filter((h) => h.cause === "backfill").map((h) => h.nodeId));
      return {
        asOfMs: nowMs,
        items: order.map((r, i) => {
          const own = held.filter((h) => h.workloadId === r.workloadId);
          const waits = own.map((h) => h.nodeId);
          return {
            position: i + 1, workload: r.workload, priority: r.priority, quota: r.quota, waiting: r.replicas - r.running, replicas: r.replicas, sinceMs: since.get(r.workloadId) ?? null,
            blocker: r.blocker ?? "The scheduler has not looked at it yet.", unit: r.unit, decision: r.decision,
            start: startOf(own, ends, nowMs),
            chain: stopping.filter((s) => waits.includes(s.nodeId)).map((s) => ({ unit: own.find((h) => h.nodeId === s.nodeId)?.unit ?? "", node: s.node, stops: s.unit, workload: s.workload, priority: s.priority, waitsAt: position.get(s.workloadId) ?? null })),
          };
        }),
      };
    },

    /** Quotas as a tree: what each is due, has, borrowed and could still take. */
    async quotas(project: ProjectRef): Promise<z.input<typeof quotaTreeView>> {
      const nowMs = deps.clock.nowMs();
      const [facts, used, waiting] = await Promise.all([loadQuotas(db, project.id), loadUsage(db, project.id), queueRead.waiting(db, project.id)]);
      const tree = new QuotaTree(facts, used);
      const wants = new Map<string, Amounts>();
      for (const w of waiting) if (w.quota !== null) wants.set(w.quota, plus(wants.get(w.quota) ?? {}, amountsOf(demandOfRow(w), w.replicas - w.running)));
      const users = await queueRead.quotaUsers(db, project.id);
      const due = new Map(tree.resources.map((r) => [r, tree.deserved(r, new Map(facts.map((f) => [f.name, (used.get(f.name)?.[r] ?? 0) + (wants.get(f.name)?.[r] ?? 0)])))]));
      return {
        asOfMs: nowMs,
        quotas: tree.walk().map((q) => {
          const [nominal, allocated, borrowed, share] = [tree.nominal(q.name), tree.used(q.name), tree.borrowed(q.name), tree.share(q.name)];
          const given = facts.find((f) => f.name === q.name);
          return {
            name: q.name, parent: q.parent, depth: q.depth, share: Number.isFinite(share) ? share : null, weight: given?.weight ?? 1, reclaim: given?.reclaim ?? "lowerPriority", workloads: users.filter((u) => u.quota === q.name).map((u) => u.workload),
            resources: tree.resources.map((resource) => {
              const n = { nominal: nominal[resource] ?? 0, allocated: allocated[resource] ?? 0, waiting: wants.get(q.name)?.[resource] ?? 0, deserved: due.get(resource)?.get(q.name) ?? 0, borrowed: borrowed[resource] ?? 0, available: Math.max(0, tree.available(q.name, resource)), borrowingLimit: given?.borrowingLimit?.[resource] ?? null, lendingLimit: given?.lendingLimit?.[resource] ?? null };
              return { resource, ...n, text: `${amountText(resource, n.allocated)} in use of ${amountText(resource, n.nominal)}${n.borrowed > 0 ? `, ${amountText(resource, n.borrowed)} of it borrowed` : ""}; ${amountText(resource, n.available)} left` };
            }),
          };
        }),
      };
    },
  };
}

/** A start as a range: from reservations for later, or at once when others have stopped. */
function startOf(own: readonly { cause: string; nodeId: string; fromMs: number; because: string }[], ends: readonly { nodeId: string; startedAtMs: number; durationMin: string }[], nowMs: number): { earliestMs: number; latestMs: number | null; because: string } | null {
  const later = own.filter((h) => h.cause === "backfill");
  if (later.length > 0) {
    const latestMs = Math.max(...later.map((h) => h.fromMs));
    const first = ends.filter((e) => later.some((h) => h.nodeId === e.nodeId)).map((e) => Math.max(nowMs, e.startedAtMs + (parseDurationMs(e.durationMin) ?? 0)));
    return { earliestMs: Math.min(latestMs, ...(first.length ? first : [latestMs])), latestMs, because: "When what runs there has ended, by the times that it was given." };
  }
  const [first] = own;
  return first ? { earliestMs: nowMs, latestMs: null, because: `It ${first.because.startsWith("waits") ? first.because : `waits: ${first.because}`}.` } : null;
}
