import type { ApproverGroup } from "../manifest/rollout";

/** Somebody's consent at a gate. */
export interface Consent {
  byId: string;
  by: string;
  /** What a person signs in with; absent for service tokens, which have only their name. */
  login?: string | null | undefined;
  roles: readonly string[];
}

/** What a gate asks for when its strategy names no groups: one person who may approve. */
export const anyApprover: readonly ApproverGroup[] = [{ name: "an approver", count: 1 }];

/** People are known by their login: the name that is shown is what they chose themselves. */
export const mayStandFor = (g: ApproverGroup, c: Consent): boolean =>
  (g.people === undefined || g.people.includes(c.login ?? c.by)) && (g.roles === undefined || g.roles.some((r) => c.roles.includes(r)));

/**
 * Divides consents among groups so that as many places as possible are filled; each person fills one. (Kuhn's augmenting
 * paths over the places of all groups: a person who could stand for two groups never blocks one who can stand for only one.)
 */
export function divideConsents(groups: readonly ApproverGroup[], consents: readonly Consent[]): { given: Consent[][]; complete: boolean } {
  const people = [...new Map(consents.map((c) => [c.byId, c])).values()];
  const places = groups.flatMap((g, group) => Array.from({ length: g.count }, () => ({ group, g })));
  const holder: (number | null)[] = places.map(() => null);
  const seat = (person: number, tried: Set<number>): boolean => {
    const consent = people[person];
    if (!consent) return false;
    for (const [i, place] of places.entries()) {
      if (tried.has(i) || !mayStandFor(place.g, consent)) continue;
      tried.add(i);
      const sitting = holder[i] ?? null;
      if (sitting !== null && !seat(sitting, tried)) continue;
      holder[i] = person;
      return true;
    }
    return false;
  };
  people.forEach((_, p) => seat(p, new Set()));
  const given = groups.map((_, group) => places.flatMap((place, i) => (place.group === group && holder[i] !== null && holder[i] !== undefined ? (people[holder[i]] ?? []) : [])));
  return { given, complete: holder.every((h) => h !== null) };
}

/** Who a group is, in words. */
export function groupText(g: ApproverGroup): string {
  const people = g.people ? list(g.people) : null;
  const roles = g.roles ? `with the role ${list(g.roles)}` : null;
  if (people) return roles ? `${people}, ${roles}` : people;
  return roles ? `anyone ${roles}` : "anyone who may approve";
}
/** Who still has to agree, in words; empty when nobody. */
export function stillNeeded(groups: readonly ApproverGroup[], given: readonly (readonly Consent[])[]): string {
  return groups.flatMap((g, i) => {
    const open = g.count - (given[i]?.length ?? 0);
    return open > 0 ? [`${open} of ${g.name} (${groupText(g)})`] : [];
  }).join(" and ");
}
const list = (names: readonly string[]): string => (names.length <= 1 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
