import { describe, expect, it } from "vitest";
import { judgeSequential } from "./judge";
import { createJudge } from "./process";
import { arm, around, input, sha256, silent, site } from "./testing";
import { type SequentialInput, type SequentialVerdict } from "./types";

const judge = (i: SequentialInput): SequentialVerdict => judgeSequential(i, sha256);
const sites = ["cloud", "edge-1", "edge-2"];
const stable = (requests = 400, errors = 0) => arm({ requests, errors, unitsExpected: 4, unitsReported: 4 });
const of = (v: SequentialVerdict, kind: string) => v.kinds.find((k) => k.kind === kind);

describe("judgeSequential", () => {
  it("promotes a canary like stable, decided, and says on what it rests", () => {
    const v = judge(input(sites, 60, (_, m) => ({ canary: arm({ errors: m % 3 === 0 ? 1 : 0 }), stable: stable(400, 2) })));
    expect(v).toMatchObject({ verdict: "promote", decided: true, guilty: [], coverage: 1, completion: { best: "promote", worst: "promote", withheldBy: [] } });
    expect(v.sentence).toMatch(/^Not worse than the margins allow in error rate, latency/);
    expect(of(v, "errors")?.effect).toMatchObject({ scale: "ratio" });
    expect(of(v, "latency")?.effect.value).toBeCloseTo(1, 2);
  });
  it("promotes a service that never fails", () => {
    expect(judge(input(sites, 90, () => ({}))).verdict).toBe("promote");
  });
  it("rolls back what fails more everywhere and names value and limit", () => {
    const v = judge(input(sites, 20, () => ({ canary: arm({ errors: 4 }), stable: stable(400, 3) })));
    expect(v).toMatchObject({ verdict: "rollBack", decided: true });
    expect(v.sentence).toMatch(/error rate is 5\.33 times stable's \([\d,]+ requests\), limit 1\.20/);
    expect(of(v, "errors")?.effect.low ?? 0).toBeGreaterThan(1.2);
  });
  it("names the one site at which it is slower", () => {
    const v = judge(input(sites, 40, (s) => ({ canary: arm({ latency: around(s === "edge-1" ? 260 : 230, 100) }), stable: stable() })));
    expect(v).toMatchObject({ verdict: "rollBack", guilty: ["edge-1"], suspects: [] });
    expect(v.sentence).toMatch(/latency at edge-1 is 1\.8\d times stable's on like hosts/);
  });
  it("finds a tail that the typical request does not show", () => {
    const slow = [...around(230, 97), [420, 3] as const];
    const v = judge(input(sites, 60, () => ({ canary: arm({ latency: slow }), stable: stable() })));
    expect(v.verdict).toBe("rollBack");
    expect(v.sentence).toMatch(/slow requests are 2\.94% more than stable's .* limit 0\.10%/);
  });
  it("finds canary units that vanish, and takes a cut link for none of it", () => {
    const vanish = judge(input(sites, 40, (s, m) => (s === "edge-2" && m >= 10 ? { canary: silent(), stable: stable() } : {})));
    expect(vanish).toMatchObject({ verdict: "rollBack", guilty: ["edge-2"] });
    expect(vanish.sentence).toMatch(/canary's units at edge-2 are silent in 75\.0% more/);
    const cut = judge(input(sites, 40, (s, m) => (s === "edge-2" && m >= 10 ? { canary: silent(), stable: silent(400, 4) } : {})));
    expect(cut.verdict).not.toBe("rollBack");
    expect(of(cut, "reporting")?.against).toBeLessThanOrEqual(1 + 1e-9);
  });
  it("finds a model that is less often right", () => {
    const settings = { ...input(sites, 1, () => ({})).settings, roles: { errors: "counts", latency: "counts", tail: "off", reporting: "off", accuracy: "critical" } as const };
    const labels = (right: number) => ({ labelled: 40, correct: right });
    const worse = judge(input(sites, 60, () => ({ canary: arm(labels(32)), stable: { ...stable(), ...labels(37) } }), { settings }));
    expect(worse).toMatchObject({ verdict: "rollBack" });
    expect(worse.sentence).toMatch(/accuracy is 12\.5% below stable's/);
    expect(judge(input(sites, 90, () => ({ canary: arm(labels(37)), stable: { ...stable(), ...labels(37) } }), { settings })).verdict).toBe("promote");
    expect(judge(input(sites, 90, () => ({}), { settings }))).toMatchObject({ verdict: "notEnoughEvidence" });
  });
  // Guarantee: silence never promotes.
  it("holds without enough coverage, and says who was silent", () => {
    const v = judge(input(sites, 90, (s, m) => (s === "edge-1" && m >= 20 ? { canary: silent(), stable: silent(400, 4) } : {}), { deadlinePassed: true }));
    expect(v).toMatchObject({ verdict: "hold", decided: false, completion: { best: "promote", worst: "rollBack", withheldBy: ["edge-1"] } });
    expect(v.sentence).toMatch(/66\.7% of the traffic is at sites that reported enough, 90\.0% needed; silent were edge-1 \(20 of 90 minutes\)/);
    expect(v.sentence).toMatch(/What edge-1 withholds could still make it/);
    expect(v.sites.find((s) => s.site === "edge-1")?.silentSince).toBe(20);
  });
  it("says when it can be decided at this rate, and that it can't know while silence stands in the way", () => {
    const soon = judge(input(sites, 6, () => ({})));
    expect(soon.verdict).toBe("notEnoughEvidence");
    const at = soon.earliestMinute ?? 0;
    expect(judge(input(sites, at + 1, () => ({}))).verdict).toBe("promote");
    expect(judge(input(sites, 90, (s, m) => (s === "edge-1" && m >= 20 ? { canary: silent(), stable: silent(400, 4) } : {}))).earliestMinute).toBeNull();
  });
  it("judges a site without stable units by the same hosts' history, with wider margins", () => {
    const history = { minutes: 600, requests: 60_000, errors: 240, latency: around(230, 60_000), labelled: 0, correct: 0 };
    const alone = [site("edge-1", { baseline: history })];
    const none = { ...silent(0, 0) };
    const sound = judge(input(alone, 120, () => ({ canary: arm({ errors: 0 }), stable: none })));
    expect(sound).toMatchObject({ verdict: "promote" });
    expect(of(sound, "latency")?.baseline).toBe("history");
    expect(sound.sentence).toMatch(/of before on the same hosts/);
    expect(judge(input(alone, 40, () => ({ canary: arm({ errors: 4 }), stable: none }))).verdict).toBe("rollBack");
    expect(judge(input(alone, 40, () => ({ canary: arm({ latency: around(260, 100) }), stable: none }))).verdict).toBe("rollBack");
    // Without history there is nothing to compare with: never promoted.
    expect(judge(input([site("edge-1")], 120, () => ({ canary: arm(), stable: none }), { deadlinePassed: true })).verdict).toBe("hold");
  });
  it("takes a slow machine for no slow canary, when history knows it", () => {
    const factor = 0.25;
    const slowHost = site("edge-1", { history: Array.from({ length: 6 }, () => ({ canaryHosts: { requests: 5000, logMean: 4.6 + factor, logSd: 0.6 }, stableHosts: { requests: 20_000, logMean: 4.6, logSd: 0.6 } })) });
    const slower = around(230 + Math.round(factor / 0.02), 100);
    expect(judge(input([slowHost], 120, () => ({ canary: arm({ latency: slower }) }))).verdict).toBe("promote");
    expect(judge(input([site("edge-1")], 120, () => ({ canary: arm({ latency: slower }) }))).verdict).toBe("rollBack");
  });
  it("shows a dry run and acts on nothing of it", () => {
    const base = input(sites, 60, () => ({ canary: arm({ errors: 9 }), stable: stable(400, 1) }));
    const v = judge({ ...base, settings: { ...base.settings, roles: { ...base.settings.roles, errors: "dryRun" } } });
    expect(of(v, "errors")?.against ?? 0).toBeGreaterThan(1e6);
    expect(v.verdict).toBe("promote");
  });
  it("finds a canary that is faster only where any change is asked for", () => {
    const fast = input(sites, 40, () => ({ canary: arm({ latency: around(200, 100) }) }));
    expect(judge(fast).verdict).not.toBe("rollBack");
    expect(judge({ ...fast, settings: { ...fast.settings, latencyDirection: "either" } }).verdict).toBe("rollBack");
  });
  // Guarantee: a verdict is a function of its inputs alone, and evidence counts in order of arrival.
  it("gives the same verdict minute by minute as at once, and the same digest for the same evidence", () => {
    const i = input(sites, 30, (s, m) => ({ canary: arm({ errors: s === "edge-1" && m > 15 ? 5 : 0 }) }));
    const at = createJudge(i.settings, i.sites);
    for (let m = 0; m < 30; m++) at.minute(m, i.minutes.filter((c) => c.minute === m));
    const v = judge(i);
    expect(at.lnMost).toBe(Math.log(v.against));
    expect(at.rolledBackAt).toBe(v.rolledBackAt);
    expect(judge(JSON.parse(JSON.stringify(i)) as SequentialInput)).toEqual(v);
    expect(v.inputsDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(judge({ ...i, to: 29 }).inputsDigest).not.toBe(v.inputsDigest);
  });
  it("keeps a rollback whatever is delivered later", () => {
    const bad = input(sites, 30, () => ({ canary: arm({ errors: 5 }), stable: stable(400, 1) }));
    const later = [...bad.minutes, ...bad.minutes.map((c) => ({ ...c, arrived: 31, canary: arm({ requests: 1000 }), stable: stable(1000, 900) }))];
    expect(judge({ ...bad, to: 40, minutes: later })).toMatchObject({ verdict: "rollBack", decided: true, rolledBackAt: judge(bad).rolledBackAt });
  });
});
