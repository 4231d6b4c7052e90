/**
 * The anytime-valid judge. Per site and kind of evidence there is an e-process against "the canary is not worse than the
 * margin"; kinds are averaged with their shares of the error budget, sites by the mean of their product (a fault
 * everywhere) and their average (a fault at one). The combination starts at 1 and is one e-process itself, so it ever
 * reaches 1/alpha with probability at most alpha while the canary is within its margins, however often one looks.
 */
import { lnAddExp } from "../statistics/special";
import { type Alternative, MixtureProcess } from "./mixture";
import { type KindModel, kindsFor, modelsFor, perSiteOnly } from "./models";
import { type KindState, SiteState } from "./site";
import { type EvidenceKind, type JudgedSite, type PerKind, type SequentialSettings, type SiteMinute } from "./types";

/** Share of a kind's evidence that is the product over sites; the rest is their average. */
const TOGETHER = 0.3;

/** One kind at all sites together. */
export interface FleetKind {
  readonly kind: EvidenceKind;
  readonly model: KindModel;
  readonly together: MixtureProcess;
  /** Logarithm of the largest e-value so far. */
  lnMost: number;
}

export class SequentialJudge {
  readonly sites: readonly SiteState[];
  readonly kinds: readonly FleetKind[];
  readonly acting: readonly { kind: EvidenceKind; weight: number }[];
  /** Logarithm of the combined e-value now, and of the largest so far. */
  ln = 0;
  lnMost = 0;
  /** Minute in which it reached the limit. */
  rolledBackAt: number | null = null;
  /** Combined e-values (logarithms) of the last minutes, newest last. */
  readonly recent: number[] = [];
  minutes = 0;
  private readonly byName: ReadonlyMap<string, SiteState>;
  private readonly step: PerKind<Float64Array>;

  constructor(readonly settings: SequentialSettings, sites: readonly JudgedSite[]) {
    const { computed, acting } = kindsFor(settings);
    const models = modelsFor(settings);
    this.acting = acting;
    this.sites = sites.map((s) => new SiteState(s, settings, computed, models));
    this.byName = new Map(this.sites.map((s) => [s.site.name, s]));
    this.kinds = computed.map((kind) => ({ kind, model: models[kind], together: new MixtureProcess(models[kind].worse), lnMost: 0 }));
    const room = (kind: EvidenceKind): Float64Array => new Float64Array(models[kind].worse.length);
    this.step = { errors: room("errors"), latency: room("latency"), tail: room("tail"), reporting: room("reporting"), accuracy: room("accuracy") };
  }

  /**
   * Takes all evidence that arrived in one minute, in the order given; minutes must rise. Throws for a site that was not
   * announced: whoever calls knows the sites.
   */
  minute(minute: number, cells: readonly SiteMinute[]): void {
    for (const cell of cells) {
      const site = this.byName.get(cell.site);
      if (!site) throw new Error(`evidence of site ${cell.site}, which the judge was not told of`);
      site.add(cell, cell.minute < minute);
    }
    let ln = -Infinity;
    for (const fleet of this.kinds) {
      const sum = this.step[fleet.kind].fill(0);
      for (const site of this.sites) {
        const one = site.kinds.get(fleet.kind)?.step;
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (one?.[i] ?? 0);
      }
      fleet.together.step(sum);
    }
    for (const site of this.sites) site.endStep();
    for (const fleet of this.kinds) fleet.lnMost = Math.max(fleet.lnMost, this.lnKind(fleet));
    for (const { kind, weight } of this.acting) {
      const fleet = this.kinds.find((f) => f.kind === kind);
      if (fleet) ln = lnAddExp(ln, Math.log(weight) + this.lnKind(fleet));
    }
    this.ln = this.acting.length > 0 ? ln : 0;
    this.lnMost = Math.max(this.lnMost, this.ln);
    this.recent.push(this.ln);
    if (this.recent.length > 10) this.recent.shift();
    this.minutes++;
    if (this.rolledBackAt === null && this.ln >= Math.log(1 / this.settings.alpha)) this.rolledBackAt = minute;
  }

  /** Logarithm of a kind's e-value over all sites now. */
  lnKind(fleet: FleetKind): number {
    const average = this.lnAverage((site) => site.kinds.get(fleet.kind)?.against.ln ?? 0);
    return perSiteOnly(fleet.kind) ? average : lnAddExp(Math.log(TOGETHER) + fleet.together.ln, Math.log(1 - TOGETHER) + average);
  }

  /** Logarithm of a site's e-value now: the plain average of the kinds that act. */
  lnSite(site: SiteState): number {
    if (this.acting.length === 0) return 0;
    return this.acting.reduce((sum, { kind }) => lnAddExp(sum, (site.kinds.get(kind)?.against.ln ?? 0) - Math.log(this.acting.length)), -Infinity);
  }

  /** Logarithm of a kind's e-value for "not worse" over all sites now. */
  lnNotWorse(fleet: FleetKind): number {
    const parts = fleet.model.notWorse;
    return parts.reduce((sum, part: Alternative, i) => lnAddExp(sum, Math.log(part.weight) + this.sites.reduce((ln, site) => ln + (site.kinds.get(fleet.kind)?.notWorse[i] ?? 0), 0)), -Infinity);
  }

  /** All sites' state of one kind. */
  statesOf(kind: EvidenceKind): KindState[] {
    return this.sites.flatMap((site) => site.kinds.get(kind) ?? []);
  }

  /** Logarithm of the part of the combined e-value that comes from the products over sites. */
  lnTogether(): number {
    let ln = -Infinity;
    for (const { kind, weight } of this.acting) {
      const fleet = this.kinds.find((f) => f.kind === kind);
      if (fleet && !perSiteOnly(kind)) ln = lnAddExp(ln, Math.log(weight * TOGETHER) + fleet.together.ln);
    }
    return ln;
  }

  private lnAverage(of: (site: SiteState) => number): number {
    if (this.sites.length === 0) return 0;
    return this.sites.reduce((sum, site) => lnAddExp(sum, of(site)), -Infinity) - Math.log(this.sites.length);
  }
}

/** A judge that takes evidence minute by minute; `judgeSequential` is this over all minutes. */
export const createJudge = (settings: SequentialSettings, sites: readonly JudgedSite[]): SequentialJudge => new SequentialJudge(settings, sites);
