/**
 * The manifest language: six kinds as zod schemas, read from YAML or JSON with errors that name path, line, column and
 * remedy; the JSON Schema for editors and the CLI is made from them. Pure: hashing is passed in, references to other
 * objects are checked by server/workloads.
 */
export { manifest, manifestKinds, kindWords } from "./kinds";
export type { Manifest, ManifestKind } from "./kinds";
export { API_VERSION, parseBytes } from "./common";
export { readManifests } from "./read";
export type { ReadManifest, ReadResult } from "./read";
export { manifestJsonSchema } from "./schema";
export type { JsonSchema } from "./schema";
export { manifestDigest, templateDigest } from "./digest";
export { diffManifests } from "./diff";
export { HIDDEN_VALUE, fillHidden, hideEnvironment } from "./environment";
export { manifestYaml } from "./yaml";
export type * from "./workload";
export type * from "./placement-policy";
export type * from "./quota";
export type * from "./site";
export type * from "./analysis";
export type * from "./rollout";
