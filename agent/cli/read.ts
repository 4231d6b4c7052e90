import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { localNode } from "../../server/protocol/local-api";
import { unitStatus } from "../../server/protocol/messages";
import type { UnitStatus } from "../../server/protocol/messages";
import { startTimeOf } from "../engine/processes";
import type { LocalNode } from "../local/local-api";
import { readIfThere } from "../platform/files";
import { readRecordForPeople } from "../units/record";

const ASK_TIMEOUT_MS = 2_000;

/** What a running agent says of itself; null when none runs on this data folder. */
export async function askNode(data: string): Promise<LocalNode | null> {
  return ask(data, "/v1/node", localNode);
}

/** The units as the running agent sees them; null when none runs. */
export async function askUnits(data: string): Promise<UnitStatus[] | null> {
  return (await ask(data, "/v1/units", z.object({ units: z.array(unitStatus) })))?.units ?? null;
}

async function ask<T>(data: string, path: string, schema: z.ZodType<T>): Promise<T | null> {
  const port = Number((await readIfThere(join(data, "state", "local-port"))) ?? 0);
  if (port === 0) return null;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    return schema.parse(await answer.json());
  } catch {
    return null;
  }
}

/** One instance as its files tell, for when no agent runs. */
export type FiledUnit = { folder: string; assignmentId: string; unit: string; generation: number; state: string; pid: number | null; running: boolean; ports: Record<string, number>; restarts: number; sinceMs: number };

/** All instances below the data folder, newest first, with whether their process is there. */
export async function filedUnits(data: string): Promise<FiledUnit[]> {
  const root = join(data, "units");
  const found: FiledUnit[] = [];
  for (const assignment of await readdir(root).catch(() => [])) {
    for (const name of await readdir(join(root, assignment)).catch(() => [])) {
      const folder = join(root, assignment, name);
      const record = readRecordForPeople((await readIfThere(join(folder, "unit.json"))) ?? "");
      if (!record) continue;
      const { spec, data: d } = record;
      const running = d.process !== null && (await startTimeOf(d.process.pid)) === d.process.startedTicks;
      found.push({ folder, assignmentId: spec.assignmentId, unit: spec.unit, generation: spec.generation, state: d.state, pid: d.process?.pid ?? null, running, ports: d.ports, restarts: d.restarts, sinceMs: d.sinceMs });
    }
  }
  return found.sort((a, b) => b.sinceMs - a.sinceMs);
}
