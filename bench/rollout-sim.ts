/**
 * `npm run bench -- rollout-sim [--agents 10000,20000,50000] [--seed 1] [--silent 3%] [--flapping 1%] [--lying 0.5%] [--json]`
 *
 * One rollout over a simulated fleet under the real planner: some agents are silent (from the beginning, or since the
 * update), some flap, some lie (name another digest, run another revision than they say, say healthy with a dead unit,
 * replay old reports). It has to end, with the right class for every target. Printed: the planner's work per target and
 * pass, in all, and memory; each figure for each size, so that growth can be seen. Ends with code 1 when a target is
 * classified wrongly, the rollout does not end, or work per target more than doubles from the smallest fleet to the largest.
 */
import { parseArgs } from "node:util";
import { behaviours, rightClass, simulateRollout } from "./rollout-sim/world";

const { values: flags } = parseArgs({ options: { agents: { type: "string", default: "10000,20000,50000" }, seed: { type: "string", default: "1" }, silent: { type: "string", default: "3%" }, flapping: { type: "string", default: "1%" }, lying: { type: "string", default: "0.5%" }, json: { type: "boolean", default: false } } });
const say = (line: string): void => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
const share = (text: string): number => {
  const n = Number(text.replace(/%$/, "")) / (text.endsWith("%") ? 100 : 1);
  if (!(n >= 0 && n < 1)) throw new Error(`'${text}' is no share: write 3% or 0.03`);
  return n;
};
const sizes = flags.agents.split(",").map(Number);
if (sizes.some((n) => !Number.isSafeInteger(n) || n < 1)) throw new Error("--agents takes whole numbers, parted by commas");
const o = { seed: Number(flags.seed), silent: share(flags.silent), flapping: share(flags.flapping), lying: share(flags.lying) };

const runs = sizes.map((agents) => simulateRollout({ ...o, agents }));
for (const r of runs) {
  say(`\n${r.agents} agents: ${r.phase} after ${r.simulatedMinutes} simulated minutes; ${r.wrong} of ${r.agents} classified wrongly`);
  say(`  ${r.reason}`);
  say(`  planner: ${r.passes} passes, ${r.plannerMs.toFixed(0)} ms in all (${(r.plannerMs / r.agents).toFixed(3)} ms a target), ${r.plannerUsPerTargetPass.toFixed(2)} µs a target and pass; heap ${r.heapPeakMiB.toFixed(0)} MiB at most, ${(r.heapBytesPerTarget / 1024).toFixed(1)} KiB a target`);
  for (const b of behaviours) say(`  ${b.padEnd(14)} right: ${rightClass[b].padEnd(13)} found: ${Object.entries(r.classes[b]).map(([c, n]) => `${c} ${n}`).join(", ") || "none"}`);
}
const perTarget = runs.map((r) => r.plannerMs / r.agents);
const growth = (perTarget.at(-1) ?? 0) / (perTarget[0] ?? 1);
say(`\nwork per target, largest fleet over smallest: ${growth.toFixed(2)}`);
const ok = runs.every((r) => r.wrong === 0 && r.phase === "succeeded") && growth <= 2;
if (flags.json) process.stdout.write(`${JSON.stringify({ bench: "rollout-sim", ...o, runs, growth, ok })}\n`);
process.exitCode = ok ? 0 : 1;
