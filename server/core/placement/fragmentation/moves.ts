import type { FillEstimate } from "./fill";
import { after, admitsModel, fitsOn, gpuMillisOf, waysOn, WHOLE } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";
import type { Packed, Packer, Place } from "./packer";

/** A task that runs, and where. */
export interface Running extends Place {
  shape: GpuShape;
}

/** One task moved so that another gets its place. */
export interface MakeRoom {
  moved: Running;
  to: Packed;
  /** Where the task that waits is put then. */
  at: Place;
}

/**
 * The expected fill is of tasks that may yet come, the room made is for one that is here: what is expected counts half.
 */
const EXPECTED = 0.5;

/**
 * The one move that makes room for a task at the least loss: some running task goes to the best place elsewhere, and the
 * devices that the waiting task gets are worth more than half the expected fill that both changes cost. Null when no
 * single move is worth it. The move is possible as it stands: the moved task fits its new place before it leaves the old.
 */
export function makeRoom(packer: Packer, runningOn: (node: number) => readonly Running[], shape: GpuShape, fill: FillEstimate): MakeRoom | null {
  const elsewhere = placesElsewhere(packer);
  let found: MakeRoom | null = null;
  let best = 0;
  packer.nodes.forEach((node, n) => {
    if (node.free.length < shape.gpus || !admitsModel(node, shape)) return;
    const seen = new Set<string>();
    for (const moved of runningOn(n)) {
      const key = `${keyOf(moved.shape)}@${moved.devices.map((d) => node.free[d]).join()}`;
      if (seen.has(key) || !couldHelp(node, moved.shape, shape)) continue;
      seen.add(key);
      const left = after(node, moved.shape, moved.devices, -1);
      if (!fitsOn(left, shape)) continue;
      const to = elsewhere(moved.shape, n);
      if (!to) continue;
      const before = fill(node);
      for (const devices of waysOn(left, shape)) {
        const value = gpuMillisOf(shape) / WHOLE + EXPECTED * (fill(after(left, shape, devices)) - before + to.score);
        if (value <= best) continue;
        best = value;
        found = { moved, to, at: { node: n, devices } };
      }
    }
  });
  return found;
}

const keyOf = (s: GpuShape): string => `${s.cpuMillis},${s.memoryBytes},${s.gpus},${s.gpuMillis},${s.models?.join("|") ?? ""}`;

/** A check by sums alone, before anything is copied. */
const couldHelp = (node: GpuNode, leaving: GpuShape, coming: GpuShape): boolean => node.cpuMillis + leaving.cpuMillis >= coming.cpuMillis && node.memoryBytes + leaving.memoryBytes >= coming.memoryBytes;

/** The best place of a shape outside one node; looked for once or twice per shape, not once per node. */
function placesElsewhere(packer: Packer): (shape: GpuShape, except: number) => Packed | null {
  const known = new Map<string, { first: Packed | null; second?: Packed | null }>();
  return (shape, except) => {
    const key = keyOf(shape);
    let k = known.get(key);
    if (!k) known.set(key, (k = { first: packer.find(shape) }));
    if (k.first?.node !== except) return k.first;
    return k.second === undefined ? (k.second = packer.find(shape, except)) : k.second;
  };
}
