import { describe, expect, it } from "vitest";
import { unitOf } from "../testing/harness";
import { substitute, unitEnvironment } from "./command";

const s = { artifacts: { model: "/c/m", "my-app": "/c/a" }, node: "/usr/bin/node" };

describe("a unit's command", () => {
  it("has artifacts and the runtime filled in", () => {
    expect(substitute("${node}", s)).toEqual({ ok: true, value: "/usr/bin/node" });
    expect(substitute("--model=${artifact.model}:${artifact.my-app}/x", s)).toEqual({ ok: true, value: "--model=/c/m:/c/a/x" });
    expect(substitute("plain $HOME $$ {node}", s)).toEqual({ ok: true, value: "plain $HOME $$ {node}" });
  });
  // Guarantee: a reference to nothing is refused by name instead of reaching the program.
  it.each(["${artifact.other}", "${secret.x}", "${}", "${node }", "${artifact.toString}"])("%s is refused", (text) => {
    const result = substitute(text, s);
    expect(result.ok).toBe(false);
    expect(!result.ok && result.error).toContain(text);
  });
});

describe("a unit's environment", () => {
  // Guarantee: a manifest can neither fake what the agent tells a unit nor see the agent's own environment.
  it("puts the agent's words last and passes nothing else on", () => {
    const spec = unitOf("a1", "", { generation: 4, environment: { HOLDFAST_REVISION: "99", PATH: "/mine", KEY: "v" } });
    const env = unitEnvironment(spec, { agentUrl: "http://127.0.0.1:1", token: "t", node: "n", site: "s", artifacts: { "my-model": "/m" }, ports: { http: 20_001 }, home: "/h" });
    expect(env).toEqual({ PATH: "/mine", LANG: "C.UTF-8", HOME: "/h", KEY: "v", PORT: "20001", HOLDFAST_ARTIFACT_MY_MODEL: "/m", HOLDFAST_AGENT_URL: "http://127.0.0.1:1", HOLDFAST_UNIT_TOKEN: "t", HOLDFAST_UNIT: "a1-unit", HOLDFAST_WORKLOAD: "digits", HOLDFAST_PROJECT: "default", HOLDFAST_REVISION: "4", HOLDFAST_NODE: "n", HOLDFAST_SITE: "s" });
  });
});
