import { z } from "zod";

/** A text id that cannot be mistaken for another kind's id. */
export type Id<K extends string> = string & { readonly __id?: K };
export type ProjectId = Id<"ProjectId">;
export type PersonId = Id<"PersonId">;
export type SiteId = Id<"SiteId">;
export type NodeId = Id<"NodeId">;
export type ObjectId = Id<"ObjectId">;
export type UnitId = Id<"UnitId">;
export type AssignmentId = Id<"AssignmentId">;
export type RolloutId = Id<"RolloutId">;

/** DNS label (RFC 1123): what people name projects, sites, nodes and workloads with. */
export const dnsLabel = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "use lower-case letters, digits and '-', starting and ending with a letter or digit");

/** `sha256:` and 64 lower-case hex digits. */
export const sha256Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "write it as sha256: and 64 lower-case hex digits");
export type Digest = z.infer<typeof sha256Digest>;
