/** Writes docs/states from the lifecycle tables: `npx tsx tools/states.ts`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { rolloutStatesDocument } from "../server/core/rollout/document";

mkdirSync("docs/states", { recursive: true });
writeFileSync("docs/states/rollout.md", rolloutStatesDocument());
