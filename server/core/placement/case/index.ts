/** A placement problem as a file, and its answer: `holdfast place --case FILE`. */
export { placementCaseSchema } from "./schema";
export { readCase, runCase } from "./run";
