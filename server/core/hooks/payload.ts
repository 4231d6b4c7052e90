import { sentenceOf, type Told } from "../audit/sentence";
import type { HookFormat } from "./events";

/** What is told: an entry of the audit log, with what a receiver needs to find its way back. */
export interface HookEvent extends Omit<Told, "outcome" | "refusal"> {
  /** Number of the audit entry; with the console's address it is the event's identity. */
  seq: number;
  atMs: number;
  project: string;
  objectKind: string;
  objectId: string;
  /** Address of the console, and of the page that shows the object. */
  consoleUrl: string;
  href: string;
}

/** A request's body and the headers that go with it, before it is signed. */
export interface HookBody {
  headers: Record<string, string>;
  body: string;
}

/** The same for all attempts and endpoints: receivers tell repetitions by it. */
export const eventId = (e: Pick<HookEvent, "seq">): string => `audit-${e.seq}`;

const sentence = (e: HookEvent): string => sentenceOf({ ...e, outcome: "done", refusal: null });

/** The event in the shape that an endpoint asked for. */
export function hookBody(e: HookEvent, format: HookFormat): HookBody {
  switch (format) {
    case "structured":
      return { headers: { "content-type": "application/cloudevents+json; charset=utf-8" }, body: JSON.stringify({ ...attributes(e), datacontenttype: "application/json", data: dataOf(e) }) };
    case "binary": {
      const headers: Record<string, string> = { "content-type": "application/json; charset=utf-8" };
      for (const [name, value] of Object.entries(attributes(e))) headers[`ce-${name}`] = headerText(value);
      return { headers, body: JSON.stringify(dataOf(e)) };
    }
    case "slack":
      return { headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(slack(e)) };
    case "teams":
      return { headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(teams(e)) };
  }
}

/** Context attributes of CloudEvents 1.0.2, section 3.1. */
function attributes(e: HookEvent) {
  return { specversion: "1.0", id: eventId(e), source: `${e.consoleUrl}/p/${encodeURIComponent(e.project)}`, type: `dev.holdfast.${e.action}`, subject: `${e.objectKind}/${e.object}`, time: new Date(e.atMs).toISOString() };
}

function dataOf(e: HookEvent) {
  return { sentence: sentence(e), action: e.action, actor: { kind: e.actorKind, name: e.actor }, object: { kind: e.objectKind, id: e.objectId, name: e.object }, reason: e.reason, project: e.project, url: `${e.consoleUrl}${e.href}`, auditEntry: e.seq };
}

/** Header values of the HTTP binding are percent-encoded outside of printable ASCII (CloudEvents HTTP binding 1.0.2, 3.1.3.2). */
const headerText = (text: string): string => [...text].map((c) => (c > " " && c <= "~" && c !== '"' && c !== "%" ? c : [...new TextEncoder().encode(c)].map((b) => `%${b.toString(16).toUpperCase().padStart(2, "0")}`).join(""))).join("");

/** Slack's message: `&`, `<` and `>` are its control characters. */
function slack(e: HookEvent) {
  const plain = (t: string): string => t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const text = plain(sentence(e));
  const link = `<${e.consoleUrl}${e.href}|Open in Holdfast>`;
  return {
    text,
    blocks: [
      { type: "section", text: { type: "mrkdwn", text } },
      { type: "context", elements: [{ type: "mrkdwn", text: `Project ${plain(e.project)} · ${link}` }] },
    ],
  };
}

/** A message with one Adaptive Card 1.4, as incoming webhooks and workflows of Microsoft Teams take it. */
function teams(e: HookEvent) {
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            { type: "TextBlock", text: sentence(e), wrap: true },
            { type: "TextBlock", text: `Project ${e.project}`, wrap: true, isSubtle: true, size: "Small" },
          ],
          actions: [{ type: "Action.OpenUrl", title: "Open in Holdfast", url: `${e.consoleUrl}${e.href}` }],
        },
      },
    ],
  };
}
