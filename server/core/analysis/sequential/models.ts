/** Per kind of evidence: which alternatives its e-processes bet on. The numbers are part of the judge; docs/canary-judge.md says how they were found. */
import { type Alternative } from "./mixture";
import { type EvidenceKind, type PerKind, type SequentialSettings, evidenceKinds } from "./types";

export interface KindModel {
  /** Against "not worse": multiples of the rate that the margin allows, or lambdas of the rank bet. */
  readonly worse: readonly Alternative[];
  /** For "not worse": parts staked, or lambdas. */
  readonly notWorse: readonly Alternative[];
}

const weighted = (pairs: readonly (readonly [value: number, weight: number])[]): Alternative[] => {
  const sum = pairs.reduce((total, [, weight]) => total + weight, 0);
  return pairs.map(([value, weight]) => ({ value, weight: weight / sum }));
};

const stakes = weighted([[0.05, 1], [0.1, 1], [0.2, 1], [0.35, 1], [0.6, 1]]);
const latencySlower: [number, number][] = [[0.3, 1], [0.7, 1], [1.5, 1], [3, 1], [6, 1]];

const models: PerKind<KindModel> = {
  errors: { worse: weighted([[1.3, 1], [1.8, 1.5], [2.5, 2.5], [4, 1.5], [8, 1.5], [20, 2]]), notWorse: stakes },
  latency: { worse: weighted(latencySlower), notWorse: weighted([[0.05, 1], [0.1, 1], [0.2, 1], [0.4, 1], [0.8, 1], [1.6, 1]]) },
  tail: { worse: weighted([[1.5, 1], [3, 2], [6, 2], [15, 1]]), notWorse: stakes },
  reporting: { worse: weighted([[5, 1], [100, 4]]), notWorse: stakes },
  accuracy: { worse: weighted([[1.1, 1], [1.25, 1], [1.5, 1], [2, 1], [4, 1]]), notWorse: stakes },
};

/** The models in force: with direction `either`, half of the latency bets are on "faster" (negative lambdas). */
export function modelsFor(settings: SequentialSettings): PerKind<KindModel> {
  if (settings.latencyDirection === "increase") return models;
  return { ...models, latency: { ...models.latency, worse: weighted(latencySlower.flatMap(([v, w]) => [[v, w], [-v, w]] as [number, number][])) } };
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
