import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "./io";
import { Terminal } from "./testing/terminal";

const argo = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate}
spec:
  args: [{name: service}]
  metrics:
  - name: success-rate
    interval: 5m
    successCondition: result[0] >= 0.95
    provider:
      prometheus:
        address: http://prometheus.example.com:9090
        query: good{service="{{args.service}}"} / all{service="{{args.service}}"}
`;

describe("holdfast import analysis", () => {
  let folder = "";
  let file = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "holdfast-import-"));
    file = path.join(folder, "argo.yaml");
    writeFileSync(file, argo);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Guarantee: it needs no server, prints what can be applied on standard output, and what it left out beside it.
  it("prints manifests and says what it left out", async () => {
    const ran = await new Terminal().run("import", "analysis", file, "--arg", "service=web", "--provider", "main");
    expect(ran.code).toBe(exitCodes.ok);
    expect(ran.out).toMatch(/^apiVersion: holdfast\.dev\/v1\nkind: AnalysisTemplate\n/);
    expect(ran.out).toContain("judge: argo");
    expect(ran.err).toBe('Left out: spec.metrics[0].provider.prometheus.address: the Prometheus setting "main" holds the address http://prometheus.example.com:9090.\n');
  });

  // Guarantee: what can't be carried over is wrong input, told by field and remedy, and nothing is printed to apply.
  it("refuses the whole file by name of the field", async () => {
    const ran = await new Terminal().run("import", "analysis", file);
    expect([ran.code, ran.out]).toEqual([exitCodes.usage, ""]);
    expect(ran.err).toContain(`${file}: spec.args[0]: The argument "service" has no value.`);
    expect(ran.err).toContain("Give --arg service=VALUE");
  });

  it("says what is wrong with its own arguments", async () => {
    expect((await new Terminal().run("import", "analysis", file, "--arg", "service")).err).toContain("Write NAME=VALUE");
    expect((await new Terminal().run("import", "analysis", `${file}.not`)).err).toContain("can't be read");
  });
});
