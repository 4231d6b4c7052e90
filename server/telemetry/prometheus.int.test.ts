import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgeTemplate } from "../core/analysis";
import { analysisTemplateSpec, type ArgoTemplate } from "../core/manifest/analysis";
import { queryRange, readPrometheusSetting, type PrometheusSetting } from "./prometheus";
import { querySeries } from "./queries";

type Asked = { url: string; authorization: string | undefined; form: URLSearchParams };
type Answer = (asked: Asked, response: ServerResponse) => void;
const MINUTE = 60_000;

const settingOf = (text: string): PrometheusSetting => {
  const read = readPrometheusSetting(text);
  if (!read.ok) throw new Error(read.error.message);
  return read.setting;
};
const json = (response: ServerResponse, status: number, value: unknown): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
const matrix = (result: unknown): unknown => ({ status: "success", data: { resultType: "matrix", result } });
/** Times of a range query, in seconds. */
const times = (form: URLSearchParams): number[] => {
  const [start, end, step] = ["start", "end", "step"].map((k) => Number(form.get(k))) as [number, number, number];
  return Array.from({ length: Math.floor((end - start) / step + 1e-9) + 1 }, (_, i) => start + i * step);
};

describe("range queries", () => {
  let server: Server;
  let address = "";
  let answer: Answer = () => undefined;
  const asked: Asked[] = [];
  beforeAll(async () => {
    server = createServer((request: IncomingMessage, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (part: string) => (body += part)).on("end", () => {
        const one = { url: request.url ?? "", authorization: request.headers.authorization, form: new URLSearchParams(body) };
        asked.push(one);
        answer(one, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const range = (o: { timeout?: string; toMs?: number } = {}) => queryRange(settingOf(JSON.stringify({ address: `${address}/prefix/`, authorization: "Bearer s3cret", timeout: o.timeout ?? "5s" })), { query: "up", fromMs: 0, toMs: o.toMs ?? 2 * MINUTE, stepMs: MINUTE });

  // Guarantee: values come with their times, in the order of their labels; what is not finite keeps its name.
  it("asks as the API has it and reads what it answers", async () => {
    answer = ({ form }, response) => json(response, 200, { ...(matrix([{ metric: { b: "2" }, values: [[0, "1"], [60, "+Inf"]] }, { metric: { a: "1" }, values: times(form).map((t) => [t, t === 60 ? "NaN" : "0.5"]) }]) as object), warnings: ["slow"] });
    asked.length = 0;
    expect(await range()).toEqual({ ok: true, warnings: ["slow"], series: [{ labels: { a: "1" }, points: [{ atMs: 0, value: 0.5 }, { atMs: MINUTE, value: "NaN" }, { atMs: 2 * MINUTE, value: 0.5 }] }, { labels: { b: "2" }, points: [{ atMs: 0, value: 1 }, { atMs: MINUTE, value: "+Inf" }] }] });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: "/prefix/api/v1/query_range", authorization: "Bearer s3cret" });
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({ query: "up", start: "0.000", end: "120.000", step: "60.000", timeout: "5s" });
  });

  // Guarantee: more points than a server gives at once are asked for in parts, and come back as one series.
  it("asks for long spans in parts", async () => {
    answer = ({ form }, response) => (times(form).length > 11_000 ? json(response, 400, { status: "error", errorType: "bad_data", error: "exceeded maximum resolution of 11,000 points" }) : json(response, 200, matrix([{ metric: {}, values: times(form).map((t) => [t, "1"]) }])));
    asked.length = 0;
    const r = await range({ toMs: 25_000 * MINUTE });
    expect(r.ok && r.series.map((s) => s.points.length)).toEqual([25_001]);
    expect(asked).toHaveLength(3);
  });

  // Guarantee: every failure has a code and a sentence, and no sentence holds a credential.
  it.each<[string, Answer, RegExp]>([
    ["unauthorized", (_, r) => json(r, 401, {}), /refuses access \(401\)/],
    ["badQuery", (_, r) => json(r, 400, { status: "error", errorType: "bad_data", error: "parse error: unexpected end" }), /says: parse error: unexpected end/],
    ["badQuery", (_, r) => json(r, 422, { status: "error", errorType: "execution", error: "many-to-many matching" }), /many-to-many/],
    ["unavailable", (_, r) => json(r, 503, { status: "error", errorType: "timeout", error: "query timed out" }), /query timed out/],
    ["unavailable", (_, r) => void r.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>"), /no answer of Prometheus/],
    ["unexpected", (_, r) => void r.writeHead(200).end("<html>Sign in</html>"), /no answer of Prometheus/],
    ["unexpected", (_, r) => json(r, 200, { status: "success", data: { resultType: "vector", result: [] } }), /answered with vector/],
    ["unexpected", (_, r) => json(r, 200, matrix([{ metric: {}, values: [["a", 1]] }])), /not with values over time/],
    ["unreachable", (_, r) => void r.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), /can't be asked/],
    ["unreachable", (_, r) => void r.destroy(), /can't be asked/],
    ["tooLarge", (_, r) => void r.writeHead(200).end(Buffer.alloc(17 * 2 ** 20, 32)), /more than 16 MiB/],
  ])("%s", async (code, how, message) => {
    answer = how;
    const r = await range();
    expect(!r.ok && r.error.code).toBe(code);
    expect(!r.ok && r.error.message).toMatch(message);
    expect(JSON.stringify(r)).not.toContain("s3cret");
  });

  it("gives up on a server that does not answer", async () => {
    answer = () => undefined;
    const r = await range({ timeout: "150ms" });
    expect(r).toEqual({ ok: false, error: { code: "timeout", message: `${new URL(address).host} did not answer within 150 ms.` } });
  });

  // Guarantee: a setting that is not right is told from one that is, and never shown.
  it.each([
    ["prometheus.example.com", /no http or https address/],
    ["{address: x}", /not JSON/],
    ['{"address": "https://p", "autorization": "x"}', /form is not right/],
    ['{"address": "https://p", "timeout": "soon"}', /timeout is not right/],
    ['{"address": "https://p", "authorization": "a\\nb"}', /authorization is not right/],
    ["https://user:s3cret@p", /has credentials/],
  ])("the setting %s is refused", (text, message) => {
    const read = readPrometheusSetting(text);
    expect(!read.ok && read.error.code).toBe("badSetting");
    expect(!read.ok && read.error.message).toMatch(message);
    expect(JSON.stringify(read)).not.toContain("s3cret");
  });

  // Guarantee: a template's metric is asked for with its arguments, for either revision, and judged by what comes.
  it("judges an imported template by what a server answers", async () => {
    const template = analysisTemplateSpec.parse({
      judge: "argo",
      args: [{ name: "who", canary: "{{workload}}-{{revision}}", stable: "old" }],
      metrics: [{ name: "success", source: { from: "prometheus", provider: "main", query: 'good{r="{{args.who}}"}' }, interval: "1m", failureLimit: 1, successCondition: "result[0] >= 0.95" }],
    }) as ArgoTemplate;
    answer = ({ form }, response) => json(response, 200, matrix([{ metric: {}, values: times(form).map((t) => [t, form.get("query")?.includes("digits-7") && t >= 180 ? "0.9" : "1"]) }]));
    asked.length = 0;
    const context = { workload: "digits", project: "default", canary: 7, stable: 6, args: template.args, fromMs: 0, toMs: 10 * MINUTE, stepMs: MINUTE };
    const setting = (name: string) => Promise.resolve(name === "main" ? address : null);
    const evidence = async () => ({ canaryGeneration: 7, stableGeneration: 6, wave: "w", fromMs: 0, toMs: 10 * MINUTE, deadlinePassed: false, silentTargets: 0, measured: [], minutes: null, series: await querySeries(setting, template.metrics, context) });
    expect(judgeTemplate(template, await evidence(), () => "")).toMatchObject({ verdict: "rollBack", atMs: 4 * MINUTE });
    expect(asked.map((a) => a.form.get("query"))).toEqual(['good{r="digits-7"}', 'good{r="old"}']);
    answer = (_, response) => json(response, 503, { status: "error", error: "down" });
    expect(judgeTemplate(template, await evidence(), () => "")).toMatchObject({ verdict: "notEnoughEvidence", sentence: expect.stringContaining("says: down. Nothing is decided without it.") });
    const nowhere = await querySeries(() => Promise.resolve(null), template.metrics, context);
    expect(nowhere[0]?.unavailable).toBe('There is no secret "main" in the project that says where Prometheus is.');
  });
});

// Against the real server too, in the exhaustive runs and where it is installed (Debian: prometheus).
const binary = process.env["HOLDFAST_PROMETHEUS"] ?? "/usr/bin/prometheus";
if (process.env["HOLDFAST_LONG"] === "1" && existsSync(binary)) {
  describe("a real Prometheus", () => {
    let folder = "";
    let child: ChildProcess | null = null;
    let setting: PrometheusSetting;
    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), "holdfast-prometheus-"));
      const probe = createServer();
      await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
      const port = (probe.address() as AddressInfo).port;
      await new Promise<void>((resolve) => probe.close(() => resolve()));
      writeFileSync(path.join(folder, "p.yml"), `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`);
      child = spawn(binary, [`--config.file=${folder}/p.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
      setting = settingOf(`http://127.0.0.1:${port}`);
    });
    afterAll(async () => {
      const ended = new Promise((resolve) => child?.once("exit", resolve));
      child?.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    });

    it("answers with its own figures, and says what is wrong with a query", async () => {
      const ask = (query: string) => queryRange(setting, { query, fromMs: Date.now() - 5_000, toMs: Date.now(), stepMs: 1_000 });
      await expect.poll(async () => { const r = await ask("up"); return r.ok && r.series.some((s) => s.points.some((p) => p.value === 1)); }, { timeout: 30_000, interval: 250 }).toBe(true);
      const zero = await ask("0 / (up * 0)");
      expect(zero.ok && zero.series[0]?.points[0]?.value).toBe("NaN");
      const bad = await ask("sum(");
      expect(!bad.ok && bad.error.code).toBe("badQuery");
      const none = await ask("no_such_metric");
      expect(none).toEqual({ ok: true, series: [], warnings: [] });
    });
  });
}
