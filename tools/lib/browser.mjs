/** Finding a Chromium for the browser tests, and installing one where there is none. */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { inRoot } from "./paths.mjs";
import { aptInstall } from "./prerequisites.mjs";
import { runLogged } from "./run.mjs";

const require = createRequire(import.meta.url);

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What a headless browser in a container or as root needs; harmless elsewhere. */
export const CHROMIUM_FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/**
 * The browser to use: CHROMIUM_PATH, one of the system's, or the one Playwright downloaded.
 * @returns {{ path: string, from: string } | undefined}
 */
export function findChromium() {
  const chosen = process.env["CHROMIUM_PATH"];
  if (chosen) return { path: chosen, from: "CHROMIUM_PATH" };
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    for (const name of NAMES) {
      const file = path.join(folder, name);
      if (fs.existsSync(file)) return { path: file, from: "the system" };
    }
  }
  const mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  if (fs.existsSync(mac)) return { path: mac, from: "the system" };
  const own = playwrightsOwn();
  return own && fs.existsSync(own) ? { path: own, from: "Playwright" } : undefined;
}

function playwrightsOwn() {
  try {
    return /** @type {string} */ (require("@playwright/test").chromium.executablePath());
  } catch {
    return undefined;
  }
}

/**
 * Makes sure there is a browser, and says which is taken.
 * @param {{ logFolder: string, note: (text: string) => void }} o
 */
export async function ensureChromium({ logFolder, note }) {
  const there = findChromium();
  if (there) return there;
  /** @type {string[]} */
  const tried = [];
  note("apt-get install chromium");
  const why = await aptInstall(["chromium", "fonts-liberation"], logFolder);
  if (why) tried.push(why);
  if (!findChromium()) {
    note("playwright install chromium");
    try {
      await runLogged(process.execPath, [inRoot("node_modules/@playwright/test/cli.js"), "install", "chromium"], { logFile: path.join(logFolder, "playwright-install.log") });
    } catch (error) {
      tried.push(/** @type {Error} */ (error).message);
    }
  }
  const now = findChromium();
  if (now) return now;
  throw new Error(`The browser tests need Chromium, and it could not be installed. Install it (on Debian: apt-get install chromium) or set CHROMIUM_PATH.\n${tried.join("\n")}`);
}
