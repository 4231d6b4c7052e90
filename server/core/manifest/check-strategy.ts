import { compileSelector } from "../selector/compile";
import type { MeaningProblem } from "./meaning";
import type { RolloutStrategySpec, RolloutWave, RolloutWindow } from "./rollout";

type Path = (string | number)[];

/** What a rollout strategy's fields mean together: order of waves, selectors, windows, cumulative steps. */
export function checkStrategy(spec: RolloutStrategySpec): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  const names = spec.waves.map((w) => w.name);
  spec.waves.forEach((wave, w) => {
    const at = (...rest: Path): Path => ["spec", "waves", w, ...rest];
    if (names.indexOf(wave.name) < w) found.push({ path: at("name"), message: `There are two: wave "${wave.name}".`, remedy: "Give one of them another name, or remove it." });
    if (wave.selector !== undefined) found.push(...selectorProblems(wave.selector, at("selector")));
    else if (w < spec.waves.length - 1) found.push({ path: at("name"), message: `Wave "${wave.name}" has no selector and takes all units that remain, so the waves after it get none.`, remedy: "Give it a selector, or move it to the end." });
    if (wave.exclude !== undefined) found.push(...selectorProblems(wave.exclude, at("exclude")));
    wave.after?.forEach((name, i) => {
      if (name === wave.name) found.push({ path: at("after", i), message: `Wave "${name}" can't wait for itself.`, remedy: "Name another wave." });
      else if (!names.includes(name)) found.push({ path: at("after", i), message: `There is no wave "${name}".`, remedy: `Name one of ${names.filter((n) => n !== wave.name).join(", ")}.` });
    });
    found.push(...windowProblems(wave.windows, at("windows")), ...stepProblems(wave, at));
  });
  const circle = circleIn(spec);
  if (circle.length > 0) found.push({ path: ["spec", "waves"], message: `Waves ${circle.join(", ")} wait for one another: none of them would ever begin.`, remedy: "Take one name out of an `after`." });
  if (spec.exclude !== undefined) found.push(...selectorProblems(spec.exclude, ["spec", "exclude"]));
  found.push(...windowProblems(spec.windows, ["spec", "windows"]));
  if (spec.askFor !== undefined && spec.onBreach !== "ask") found.push({ path: ["spec", "askFor"], message: "askFor says how long `ask` waits, and onBreach is not ask.", remedy: "Set onBreach: ask, or leave askFor out." });
  if (spec.maxSilent !== undefined && spec.silenceDeadline === undefined && spec.deadMan === undefined) found.push({ path: ["spec", "maxSilent"], message: "Without silenceDeadline no unit ever counts as lost.", remedy: "Say how long a unit may be silent: silenceDeadline: 5m." });
  return found;
}

function stepProblems(wave: RolloutWave, at: (...rest: Path) => Path): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  let percent = 0;
  let count = 0;
  const gates = new Set<string>();
  wave.steps.forEach((step, s) => {
    if (step.do === "approval") {
      if (gates.has(step.name)) found.push({ path: at("steps", s, "name"), message: `There are two gates "${step.name}" in this wave.`, remedy: "Give one of them another name." });
      gates.add(step.name);
    }
    if (step.do !== "update") return;
    if (step.percent !== undefined && step.percent < percent) found.push({ path: at("steps", s, "percent"), message: `${step.percent}% is less than the ${percent}% of the step before.`, remedy: "Steps count up: percent is of the whole wave." });
    if (step.count !== undefined && step.count < count) found.push({ path: at("steps", s, "count"), message: `${step.count} is less than the ${count} of the step before.`, remedy: "Steps count up: count is of the whole wave." });
    percent = Math.max(percent, step.percent ?? 0);
    count = Math.max(count, step.count ?? 0);
  });
  return found;
}

function windowProblems(windows: readonly RolloutWindow[] | undefined, path: Path): MeaningProblem[] {
  return (windows ?? []).flatMap((w, i) => {
    const out: MeaningProblem[] = [];
    if (w.from === w.to || (w.from === "24:00" && w.to === "00:00")) out.push({ path: [...path, i, "to"], message: `The window ends when it begins, at ${w.from}: it never opens.`, remedy: "Write another end; 00:00 to 24:00 is the whole day." });
    if (w.zone !== "site" && !isTimeZone(w.zone)) out.push({ path: [...path, i, "zone"], message: `There is no time zone "${w.zone}".`, remedy: 'Write "site", UTC or an IANA name such as Europe/Berlin.' });
    return out;
  });
}

/** Waves that wait for one another, over the same edges as core/rollout/graph, which stands above manifests. */
function circleIn(spec: RolloutStrategySpec): string[] {
  const before = spec.waves.map((w, i) => (w.after === undefined ? (i > 0 ? [i - 1] : []) : w.after.map((n) => spec.waves.findIndex((o) => o.name === n)).filter((x) => x >= 0 && x !== i)));
  const reaches = (from: number, to: number, seen: Set<number>): boolean => (before[from] ?? []).some((p) => p === to || (!seen.has(p) && reaches(p, to, seen.add(p))));
  return spec.waves.filter((_, i) => reaches(i, i, new Set())).map((w) => w.name);
}

/** Whether there is a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}

function selectorProblems(text: string, path: Path): MeaningProblem[] {
  const result = compileSelector(text);
  return result.ok ? [] : [{ path, message: result.error.message, remedy: result.error.remedy, character: result.error.start }];
}
