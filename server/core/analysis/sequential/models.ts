/** Per kind of evidence: which alternatives its e-processes bet on. The numbers are part of the judge; docs/canary-judge.md says how they were found. */
import { type Alternative } from "./mixture";
import { type EvidenceKind, type PerKind, type SequentialSettings, evidenceKinds } from "./types";

export interface KindModel {
  /** Against "not worse": multiples of the rate that the margin allows, or lambdas of the rank bet; weights for all sites together. */
  readonly worse: readonly Alternative[];
  /** The same alternatives as weighted at one site: with little traffic only what is much worse can be seen. */
  readonly worseLocally: readonly Alternative[];
  /** For "not worse": parts staked, or lambdas. */
  readonly notWorse: readonly Alternative[];
}

const weighted = (pairs: readonly (readonly [value: number, weight: number])[]): Alternative[] => {
  const sum = pairs.reduce((total, [, weight]) => total + weight, 0);
  return pairs.map(([value, weight]) => ({ value, weight: weight / sum }));
};

const stakes = weighted([[0.05, 1], [0.1, 1], [0.2, 1], [0.35, 1], [0.6, 1]]);
const latencySlower: [number, number, number][] = [[0.15, 1, 0.2], [0.3, 1, 0.5], [0.7, 1, 1], [1.5, 1, 2], [3, 1, 2], [6, 1, 1]];

const model = (rows: readonly (readonly [value: number, together: number, locally: number])[], notWorse: readonly Alternative[]): KindModel => ({
  worse: weighted(rows.map(([value, together]) => [value, together])),
  worseLocally: weighted(rows.map(([value, , locally]) => [value, locally])),
  notWorse,
});

const models: PerKind<KindModel> = {
  errors: model([[1.3, 1, 0.2], [1.8, 1.5, 0.5], [2.5, 3, 1], [4, 2, 1.5], [8, 2, 3], [20, 0.5, 5]], stakes),
  latency: model(latencySlower, weighted([[0.05, 1], [0.1, 1], [0.2, 1], [0.4, 1], [0.8, 1], [1.6, 1]])),
  tail: model([[1.5, 1, 0.5], [3, 2, 1], [6, 2, 2], [15, 1, 2]], stakes),
  reporting: model([[5, 1, 1], [100, 4, 4]], stakes),
  accuracy: model([[1.1, 1, 1], [1.25, 1, 1], [1.5, 1, 1], [2, 1, 1], [4, 1, 1]], stakes),
};

/** The models in force: with direction `either`, half of the latency bets are on "faster" (negative lambdas). */
export function modelsFor(settings: SequentialSettings): PerKind<KindModel> {
  if (settings.latencyDirection === "increase") return models;
  return { ...models, latency: model(latencySlower.flatMap(([v, a, b]): [number, number, number][] => [[v, a, b], [-v, a, b]]), models.latency.notWorse) };
}

/** Kinds that are computed, and those that may act with their share of the error budget (shares sum to 1). */
export function kindsFor(settings: SequentialSettings): { computed: EvidenceKind[]; acting: { kind: EvidenceKind; weight: number }[] } {
  const computed = evidenceKinds.filter((k) => settings.roles[k] !== "off");
  const acting = computed.filter((k) => settings.roles[k] !== "dryRun" && settings.weights[k] > 0);
  const sum = acting.reduce((total, k) => total + settings.weights[k], 0);
  return { computed, acting: acting.map((kind) => ({ kind, weight: settings.weights[kind] / sum })) };
}

/** Kinds whose fault is one of single sites by nature: their evidence is averaged over sites and not multiplied. */
export const perSiteOnly = (kind: EvidenceKind): boolean => kind === "reporting";
