import { z } from "zod";

/** Times are Unix ms in every DTO; the screen writes them. Null is unknown. */
export const timeMs = z.int();

/** The five states with one meaning everywhere. `silent` always comes with an age. */
export const healthState = z.enum(["healthy", "degraded", "failing", "silent", "pending"]);
export type HealthState = z.infer<typeof healthState>;

/** A state and the sentence that explains it. */
export const stateView = z.object({ state: healthState, because: z.string(), sinceMs: timeMs.nullable() });

/** A count that is not exactly known while something is silent: between min and max of total, as of a time. */
export const intervalCount = z.object({ min: z.int(), max: z.int(), total: z.int(), asOfMs: timeMs.nullable() });

/** Keyset page: pass `cursor` back to get the next one; null is the end. `total` counts all that match. */
export const pageInput = z.object({ cursor: z.string().max(500).nullish(), limit: z.int().min(1).max(200).default(50) });
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: z.string().nullable(), total: z.int(), asOfMs: timeMs });

/** A command that a screen may offer; `disabledBecause` is null when it can be pressed. `cli` is the same as a command line. */
export const commandView = z.object({ command: z.string(), disabledBecause: z.string().nullable(), cli: z.string() });
export type CommandView = z.infer<typeof commandView>;

export const changeView = z.object({ path: z.string(), before: z.string().nullable(), after: z.string().nullable() });
export type ChangeView = z.infer<typeof changeView>;

/** Result of every state-changing command. */
export const done = z.object({ version: z.int().nullable(), message: z.string() });
