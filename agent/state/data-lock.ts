import { open } from "node:fs/promises";
import { join } from "node:path";
import { startTimeOf } from "../engine/processes";
import { Fault, systemCode, textOf } from "../platform/fault";
import { privateFolder, readIfThere, remove } from "../platform/files";

/**
 * Makes sure that one data folder has one agent: two with one identity would supersede each other for ever and double
 * every unit. The lock names a process by pid and start time, so a lock left by a crash is recognised. Returns the
 * function that gives it back. Faults: data_folder, data_in_use.
 */
export async function lockData(dataFolder: string): Promise<() => Promise<void>> {
  const path = join(dataFolder, "agent.lock");
  const own = `${process.pid} ${(await startTimeOf(process.pid)) ?? ""}`;
  try {
    await privateFolder(dataFolder);
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const file = await open(path, "wx", 0o600);
        await file.writeFile(own);
        await file.close();
        return () => remove(path);
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error;
        await removeIfStale(path, dataFolder);
      }
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("data_folder", `The data folder ${dataFolder} cannot be used: ${textOf(error)}.`, "Name a folder with --data that this user may write to.");
  }
  throw inUse(dataFolder, "another agent that started at the same time");
}

async function removeIfStale(path: string, dataFolder: string): Promise<void> {
  const [pid, ...start] = ((await readIfThere(path)) ?? "").split(" ");
  const startedNow = pid ? await startTimeOf(Number(pid)) : null;
  if (startedNow !== null && startedNow === start.join(" ")) throw inUse(dataFolder, `process ${pid ?? ""}`);
  await remove(path);
}

const inUse = (dataFolder: string, by: string): Fault => new Fault("data_in_use", `The data folder ${dataFolder} is in use by ${by}.`, "Stop the other agent first, or give this one a folder of its own with --data.");
