/** Where things stand in the checkout. */
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");
export const DIST = path.join(ROOT, "dist");
/** @param {string[]} parts */
export const inRoot = (...parts) => path.join(ROOT, ...parts);
