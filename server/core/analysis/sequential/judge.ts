import { digestOf, type Sha256Hex } from "../../base/json";
import { createJudge } from "./process";
import { type SequentialInput, type SequentialVerdict, type SiteMinute } from "./types";
import { makeVerdict } from "./verdict";

/**
 * Recomputes the verdict from all evidence. Evidence counts in order of arrival; within a minute in the order given. What
 * is measured before `from`, or arrives at `to` or later, does not count.
 */
export function judgeSequential(input: SequentialInput, sha256: Sha256Hex): SequentialVerdict {
  const judge = createJudge(input.settings, input.sites);
  const byArrival = new Map<number, SiteMinute[]>();
  for (const cell of input.minutes) {
    const at = Math.max(cell.minute, cell.arrived ?? cell.minute);
    if (cell.minute < input.from || at >= input.to) continue;
    const list = byArrival.get(at);
    if (list) list.push(cell);
    else byArrival.set(at, [cell]);
  }
  for (let minute = input.from; minute < input.to; minute++) judge.minute(minute, byArrival.get(minute) ?? []);
  return makeVerdict(judge, { from: input.from, to: input.to, deadlinePassed: input.deadlinePassed, inputsDigest: digestOf(input, sha256) });
}
