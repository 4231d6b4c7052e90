/** Which endpoint a request goes to: pure. */
import { createHash } from "node:crypto";
import type { Route, UnitSpec } from "../../server/protocol/messages";

/** An endpoint that may answer. `id` is its own for good; `own` is there for units of this node. */
export type Backend = { id: string; generation: number; host: string; port: number; own: UnitSpec | null };
type Choice = { backends: readonly Backend[]; key: string | null; random: () => number };

/** Where a value falls in 0 (included) to 1: the first 48 bits of its SHA-256, so that every node of a site agrees. */
export function place(value: string): number {
  return createHash("sha256").update(value).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * Chooses by weight of revisions, then among the endpoints of the revision. Null when there is none. Revisions without
 * an endpoint give their share to the others; when no weighted revision has one, whatever there is answers.
 *
 * With a key both choices hang on the key alone: the newest revision has the lowest places, so that raising its weight
 * moves keys to it and none away; endpoints are chosen by rendezvous hashing (Thaler, Ravishankar 1998), so that one that
 * goes moves only its own keys.
 */
export function choose(route: Pick<Route, "weights" | "spread">, o: Choice): Backend | null {
  const shares = sharesOf(route, o.backends);
  const total = shares.reduce((sum, s) => sum + s.weight, 0);
  let left = (o.key === null ? o.random() : place(o.key)) * total;
  const chosen = shares.find((s) => (left -= s.weight) < 0) ?? shares.at(-1);
  if (!chosen) return null;
  const near = route.spread === "local" ? chosen.backends.filter((b) => b.own !== null) : [];
  const among = near.length > 0 ? near : chosen.backends;
  if (o.key === null) return among[Math.floor(o.random() * among.length)] ?? null;
  let best: { backend: Backend; score: number } | null = null;
  for (const backend of among) {
    const score = place(`${o.key} ${backend.id}`);
    if (!best || score > best.score) best = { backend, score };
  }
  return best?.backend ?? null;
}

function sharesOf(route: Pick<Route, "weights">, backends: readonly Backend[]): { weight: number; backends: Backend[] }[] {
  if (backends.length === 0) return [];
  const shares = [...route.weights]
    .sort((a, b) => b.generation - a.generation)
    .map((w) => ({ weight: w.weight, backends: backends.filter((b) => b.generation === w.generation) }))
    .filter((s) => s.weight > 0 && s.backends.length > 0);
  return shares.length > 0 ? shares : [{ weight: 1, backends: [...backends] }];
}

/** The key of a request that must stick; null when it has none, or need not. */
export function keyOf(sticky: Route["sticky"], headers: Readonly<Record<string, string | string[] | undefined>>): string | null {
  if (sticky === null) return null;
  if (sticky.by === "header") {
    const value = headers[sticky.name.toLowerCase()];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }
  const cookies = headers["cookie"];
  for (const part of (Array.isArray(cookies) ? cookies.join("; ") : (cookies ?? "")).split(";")) {
    const [name, ...value] = part.split("=");
    if (name?.trim() === sticky.name) return value.join("=").trim();
  }
  return null;
}
