import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeAgentMessage, decodeGatewayMessage, encodeMessage } from "./codec";
import { MAX_FRAME_BYTES } from "./messages";
import type { AgentMessage } from "./messages";

const folder = join(import.meta.dirname, "fixtures/v1");
const names = readdirSync(folder).filter((n) => n.endsWith(".json"));
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const of = (side: string, minor?: string) => names.filter((n) => n.startsWith(side) && (minor === undefined ? !n.includes(".minor-") : n.includes(`.${minor}.`)));

describe("golden fixtures of protocol v1", () => {
  // Guarantee: what is on the wire today stays readable, and nothing of it is lost on the way.
  it.each(of("agent-"))("%s of an agent parses and keeps every field", (name) => {
    const result = decodeAgentMessage(read(name));
    expect(result).toMatchObject({ ok: true, value: { ignored: [] } });
    if (result.ok) expect(result.value.message).toEqual(JSON.parse(read(name)));
  });
  it.each(of("gateway-"))("%s of a gateway parses and keeps every field", (name) => {
    const result = decodeGatewayMessage(read(name));
    expect(result).toMatchObject({ ok: true, value: { ignored: [] } });
    if (result.ok) expect(result.value.message).toEqual(JSON.parse(read(name)));
  });

  // Guarantee: an upgrade of the gateway strands no agent that is a minor version behind.
  it.each([...of("agent-", "minor-0"), ...of("agent-", "minor-1")])("%s, an older minor version, still parses", (name) => {
    expect(decodeAgentMessage(read(name))).toMatchObject({ ok: true });
  });
  it("fills what an older agent does not say", () => {
    expect(decodeAgentMessage(read("agent-report.minor-1.json"))).toMatchObject({ ok: true, value: { message: { body: { receipts: [] } } } });
    const observed = decodeAgentMessage(read("agent-observed.minor-1.json"));
    expect(observed.ok && observed.value.message.type === "observed" && observed.value.message.units.map((u) => u.trial)).toSatisfy((all) => Array.isArray(all) && all.length > 0 && all.every((t) => t === null));
    expect(decodeAgentMessage(read("agent-heartbeat.minor-0.json"))).toMatchObject({ ok: true, value: { message: { rttMs: null } } });
    expect(decodeAgentMessage(read("agent-hello.minor-0.json"))).toMatchObject({ ok: true, value: { message: { fresh: false } } });
  });

  // Guarantee: a gateway ahead of its agents is understood: what they do not know yet is dropped and named.
  it("drops unknown fields of a newer gateway, below strict manifests and unions too, and names them", () => {
    const result = decodeGatewayMessage(read("gateway-desired.minor-3.json"));
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(result.value.ignored.sort()).toEqual(["units.0.template.health.probe.host", "units.0.template.nice", "units.1.template.health.probe.host", "units.1.template.nice"]);
  });
  it.each([...of("agent-", "minor-3")])("%s, one minor version ahead, parses", (name) => expect(decodeAgentMessage(read(name))).toMatchObject({ ok: true }));
  it("reads the desired state of an older gateway", () => {
    expect(decodeGatewayMessage(read("gateway-desired.minor-0.json"))).toMatchObject({ ok: true, value: { message: { endpoints: [] } } });
    expect(decodeGatewayMessage(read("gateway-desired.minor-1.json"))).toMatchObject({ ok: true, value: { message: { units: [{ trial: null }, { trial: null }] } } });
  });
});

describe("frames that do not fit", () => {
  const heartbeat = { type: "heartbeat", seq: 1, atMs: 1, appliedGeneration: 0, journalDepth: 0, rttMs: null } as const satisfies AgentMessage;

  // Guarantee: each kind of bad frame has a typed error that says where it is bad.
  it.each([
    ["no JSON", "{", "malformed", ""],
    ["no object", "3", "malformed", ""],
    ["an unknown type", '{"type":"shout","seq":1}', "malformed", "type"],
    ["a wrong field", JSON.stringify({ ...heartbeat, seq: "1" }), "malformed", "seq"],
    ["a negative seq", JSON.stringify({ ...heartbeat, seq: -1 }), "malformed", "seq"],
    ["a missing field", JSON.stringify({ type: "pong", seq: 1 }), "malformed", "nonce"],
    ["too many bytes", `"${"x".repeat(MAX_FRAME_BYTES)}"`, "too_large", ""],
    ["too many bytes in few characters", `"${"€".repeat(MAX_FRAME_BYTES / 3)}"`, "too_large", ""],
  ])("%s", (_what, text, code, path) => {
    expect(decodeAgentMessage(text)).toMatchObject({ ok: false, error: { code, path } });
  });

  it("does not let a frame out that the other side would refuse", () => {
    expect(encodeMessage({ type: "log", seq: 1, requestId: "r", offset: 0, text: "x".repeat(MAX_FRAME_BYTES), end: false, error: null })).toMatchObject({ ok: false, error: { code: "too_large", type: "log" } });
    expect(encodeMessage(heartbeat)).toEqual({ ok: true, value: JSON.stringify(heartbeat) });
  });

  // Guarantee: text that PostgreSQL cannot keep does not make a report unstorable for ever.
  it("replaces NUL and half surrogate pairs, and keeps whole ones", () => {
    const log = { type: "log", seq: 1, requestId: "r", offset: 0, text: "a\u0000b\ud800c😀", end: false, error: null };
    expect(decodeAgentMessage(JSON.stringify(log))).toMatchObject({ ok: true, value: { message: { text: "a\uFFFDb\uFFFDc😀" } } });
  });
});
