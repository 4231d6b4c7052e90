import { auditActionCodes } from "../audit/actions";

/** Shapes in which an event can be sent. */
export const hookFormats = ["structured", "binary", "slack", "teams"] as const;
export type HookFormat = (typeof hookFormats)[number];

export const hookFormatText: Record<HookFormat, string> = {
  structured: "CloudEvents, structured (one JSON object)",
  binary: "CloudEvents, binary (attributes as headers)",
  slack: "Chat message (Slack, Mattermost)",
  teams: "Chat card (Microsoft Teams)",
};

/** What an endpoint may ask for: an action of the audit log, or all of one kind, such as `rollout.*`. */
export const hookEventNames: readonly string[] = [...new Set(auditActionCodes.flatMap((code) => [`${code.slice(0, code.indexOf("."))}.*`, code]))].sort();

/** Does an endpoint that asked for `wanted` want this action? The same rule as in the store's trigger. */
export const wantsEvent = (wanted: readonly string[], action: string): boolean => wanted.some((w) => w === action || (w.endsWith(".*") && action.startsWith(w.slice(0, -1))));
