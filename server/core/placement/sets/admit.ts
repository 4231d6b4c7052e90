/** Admission of units by their quota, which comes before any node is looked at. */
import { counted } from "../../fleet/age";
import type { FleetSnapshot } from "../fleet";
import { withoutNode } from "../gang/gang";
import { place } from "../place";
import type { Ask, PlacedAsk } from "../ask";
import { amountsOf, amountText } from "../quota/amounts";
import { reclaim } from "../quota/reclaim";
import { QuotaTree } from "../quota/tree";
import type { QuotaShortage } from "../quota/tree";
import { Gangs } from "./gangs";
import type { Held, OtherUnit } from "./types";
import { MAX_MAKING_WAY, heldFor, names, released } from "./set-plan";
import type { SetAsk, SetPlan } from "./set-plan";

/** How many fit the quota; the others wait, and what others borrowed is taken back where that makes them fit. */
export function admit(o: SetAsk, plan: SetPlan): { asks: Ask[]; refused: PlacedAsk[]; fleet: FleetSnapshot } {
  const q = o.rules.quota;
  if (!q) return { asks: [...o.asks], refused: [], fleet: o.fleet };
  const refuse = (ask: Ask, because: string): PlacedAsk => withoutNode(nowhere(ask), because);
  const tree = new QuotaTree(q.facts, q.used);
  if (!tree.has(q.name)) return { asks: [], fleet: o.fleet, refused: o.asks.map((a) => refuse(a, `There is no quota ${q.name}: a limit that is missing is not a free hand.`)) };
  const asks: Ask[] = [];
  const refused: PlacedAsk[] = [];
  let reclaimed = 0;
  for (const ask of o.asks) {
    const amounts = amountsOf(ask.shape.demand);
    const short = tree.shortages(q.name, amounts);
    if (short.length === 0) {
      tree.add(q.name, amounts);
      asks.push(ask);
      continue;
    }
    // What is its own may be taken back: the units that borrowed it are asked to stop, and this one waits for them.
    if (tree.reclaims(q.name) !== "never" && tree.isWithinNominal(q.name, amounts) && reclaimed < MAX_MAKING_WAY) {
      if (o.others === null) {
        plan.needsOthers = true;
        return { asks, refused, fleet: o.fleet };
      }
      const claim = { quota: q.name, amounts, priority: o.rules.priority, any: tree.reclaims(q.name) === "any" };
      const gone = new Set(plan.evict.map((e) => e.unit.id));
      const gangs = new Gangs(o.others, gone);
      const { units: all, budgets } = o.others;
      const within = (whole: boolean) => {
        const units = withinBudgets(all, gangs.budgets(budgets, whole), gone).filter((u) => u.quota !== null && !u.stopping && !gone.has(u.id));
        const victims = reclaim(tree, claim, units.map((u) => ({ id: u.id, quota: u.quota as string, amounts: amountsOf(u.demand), priority: u.priority, startedAtMs: u.startedAtMs })));
        return victims && gangs.withRest(victims.flatMap((v) => units.filter((u) => u.id === v.id)));
      };
      const chosen = within(false) ?? (o.others.gangs.size > 0 ? within(true) : null);
      if (chosen !== null && chosen.length > 0) {
        for (const v of chosen) if (v.quota !== null) tree.add(v.quota, amountsOf(v.demand), -1);
        tree.add(q.name, amounts);
        for (const unit of chosen) plan.evict.push({ unit, because: `Quota ${q.name} takes back what ${unit.quota ?? ""} borrowed: ${ask.unit} needs it.` });
        refused.push(refuse(ask, `${shortText(q.name, short[0] as QuotaShortage)} What others borrowed is taken back: ${names(chosen)} ${chosen.length === 1 ? "has" : "have"} to stop first.`));
        plan.reserve.push(...reserveAfter(o, ask, chosen, `waits for ${names(chosen)} to stop`));
        reclaimed++;
        continue;
      }
    }
    refused.push(refuse(ask, `${shortText(q.name, short[0] as QuotaShortage)}`));
  }
  if (refused.length) plan.because.push(`quota ${q.name} keeps ${counted(refused.length, "unit")} waiting`);
  return { asks, refused, fleet: o.fleet };
}

const shortText = (quota: string, s: QuotaShortage): string => `Quota ${quota} has ${amountText(s.resource, s.available)} left (${amountText(s.resource, s.used)} in use of ${amountText(s.resource, s.nominal)}), and the unit asks for ${amountText(s.resource, s.wanted)}.`;
const nowhere = (ask: Ask): PlacedAsk => place({ nowMs: 0, nodes: [] }, [ask], { seed: "", own: [] }).placements[0] as PlacedAsk;


/** Units that their workloads can spare, the least important first. */
function withinBudgets(units: readonly OtherUnit[], budgets: ReadonlyMap<string, number>, gone: ReadonlySet<string>): OtherUnit[] {
  const left = new Map(budgets);
  for (const u of units) if (gone.has(u.id) && left.has(u.workloadId)) left.set(u.workloadId, (left.get(u.workloadId) ?? 0) - 1);
  return [...units].sort((a, b) => a.priority - b.priority || b.startedAtMs - a.startedAtMs || (a.id < b.id ? -1 : 1)).filter((u) => {
    const n = left.get(u.workloadId);
    if (n === undefined || u.stopping || gone.has(u.id)) return true;
    left.set(u.workloadId, n - 1);
    return n > 0;
  });
}

/** Keeps the place that a unit would get once others have stopped. */
function reserveAfter(o: SetAsk, ask: Ask, stopped: readonly OtherUnit[], because: string): Held[] {
  const freed = released(o.fleet, stopped);
  const [p] = place(freed, [ask], o.options).placements;
  return p?.nodeId ? [heldFor(o, ask, p.nodeId, "preempt", because, o.fleet.nowMs)] : [];
}
