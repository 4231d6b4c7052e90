/**
 * One data folder, one running installation. `instance.json` names the process that runs it, and what it has started, so
 * that a second start finds it and a start after a crash can clear away what the crash left.
 */
import fs from "node:fs";
import path from "node:path";
import { isRunning, markOf } from "../lib/processes.mjs";

/**
 * @typedef {import("../lib/processes.mjs").Mark} Mark
 * @typedef {{ supervisor: Mark, since: string, url?: string, state: "starting" | "running" | "stopping", children: Record<string, Mark> }} Note
 */

const FORMAT = "holdfast data folder, format 1";

export class Instance {
  /** @type {Note} */
  #note;

  /** @param {string} folder @param {Note} note */
  constructor(folder, note) {
    this.folder = folder;
    this.#note = note;
  }

  /** @param {string[]} parts */
  file(...parts) {
    return path.join(this.folder, ...parts);
  }

  /** @param {Partial<Note>} change */
  update(change) {
    this.#note = { ...this.#note, ...change };
    writeJson(this.file("instance.json"), this.#note);
  }

  /** Keeps or (with undefined) forgets a child process. @param {string} name @param {Mark | undefined} mark */
  child(name, mark) {
    const { [name]: _gone, ...others } = this.#note.children;
    this.update({ children: mark ? { ...others, [name]: mark } : others });
  }

  release() {
    fs.rmSync(this.file("instance.json"), { force: true });
  }
}

/** Written beside and renamed, so that a crash leaves the old file or the new one. @param {string} file @param {unknown} value @param {number} [mode] */
export function writeJson(file, value, mode = 0o600) {
  const making = `${file}.${process.pid}`;
  fs.writeFileSync(making, `${JSON.stringify(value, null, 2)}\n`, { mode });
  fs.renameSync(making, file);
}

/** @template T @param {string} file @returns {T | undefined} */
export function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** What is noted of an installation, and whether its supervisor lives. @param {string} folder */
export function look(folder) {
  /** @type {Note | undefined} */
  const note = readJson(path.join(folder, "instance.json"));
  return note && { note, alive: isRunning(note.supervisor) };
}

/** Is this a folder that Holdfast made? @param {string} folder */
export const isDataFolder = (folder) => fs.existsSync(path.join(folder, "FORMAT")) && fs.readFileSync(path.join(folder, "FORMAT"), "utf8").trim() === FORMAT;

/**
 * Takes the data folder for this process. Two starts at the same time: one wins.
 * @param {string} folder
 * @returns {{ taken: Instance, left: Record<string, Mark> } | { running: Note }}  `left`: children of a supervisor that died
 */
export function take(folder) {
  fs.mkdirSync(folder, { recursive: true });
  if (!isDataFolder(folder)) {
    const others = fs.readdirSync(folder).filter((name) => name !== "FORMAT");
    if (others.length) throw new Error(`${folder} holds other things (${others.slice(0, 3).join(", ")}): choose an empty or a new folder with --data.`);
    fs.writeFileSync(path.join(folder, "FORMAT"), `${FORMAT}\n`);
  }
  for (const name of ["logs"]) fs.mkdirSync(path.join(folder, name), { recursive: true, mode: 0o700 });
  const supervisor = markOf(process.pid);
  if (!supervisor) throw new Error("this process can't find its own start time; is /proc mounted?");
  /** @type {Note} */
  const note = { supervisor, since: new Date().toISOString(), state: "starting", children: {} };
  const file = path.join(folder, "instance.json");
  for (;;) {
    try {
      fs.writeFileSync(file, `${JSON.stringify(note, null, 2)}\n`, { flag: "wx", mode: 0o600 });
      return { taken: new Instance(folder, note), left: {} };
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    }
    const found = look(folder);
    if (found?.alive) return { running: found.note };
    // Renaming over it is atomic; if two do it, the one whose mark is read back has it.
    writeJson(file, { ...note, children: found?.note.children ?? {} });
    const now = look(folder);
    if (now && now.note.supervisor.pid === process.pid) return { taken: new Instance(folder, now.note), left: found?.note.children ?? {} };
  }
}
