import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributes, compileSelector, selectorSubject } from "./index";
import type { NodeFactsForSelectors, SiteFacts } from "./index";

const site: SiteFacts = { name: "edge-kiel", title: "Kiel", kind: "edge", jurisdiction: "DE-SH", uplink: "lte", metered: true, place: "Kiel", timeZone: "Europe/Berlin", labels: { tier: "far" } };
const node: NodeFactsForSelectors = { name: "kiel-1", labels: { rack: "a" }, arch: "x64", os: "linux", cpuMillis: 2_000, memoryMiB: 1_024, diskMiB: 4_096, trustTier: "software", engines: ["process"], devices: [{ vendor: "NVIDIA", model: "A100", memoryMiB: 40_960 }] };
const subject = selectorSubject(site, node);

describe("selectors", () => {
  // Guarantee: a selector answers from the attributes of the node and its site, and from nothing else.
  it.each([
    ['site.kind == "edge" && node.memoryMiB >= 512', true],
    ['site.country == "DE" && site.metered', true],
    ["node.cpuMillis > 2000", false],
    ['node.labels["rack"] == "a" && site.labels.tier == "far"', true],
    ['node.devices.exists(d, d.model == "A100" && d.memoryMiB >= 40000)', true],
    ["size(node.devices) > 0 && node.devices[0].model.startsWith(\"A\")", true],
    ['"process" in node.engines && node.name in ["kiel-1", "kiel-2"]', true],
    ['site.kind in ["cloud-region", "on-prem"]', false],
    ["has(node.labels.gpu)", false],
    ["true", true],
  ])("%s is %s", (text, expected) => {
    const selector = compileSelector(text);
    expect(selector.ok).toBe(true);
    if (selector.ok) expect(selector.value.test(subject)).toEqual({ matches: expected, note: null });
  });

  // Guarantee: a question about a label that is not there is answered with no, and says so.
  it("treats a missing label as no match, with the reason", () => {
    const selector = compileSelector('node.labels["gpu"] == "yes"');
    expect(selector.ok && selector.value.test(subject)).toEqual({ matches: false, note: 'it has no "gpu"' });
  });

  // Guarantee: every error points at the characters that are wrong and says what to write.
  it.each([
    ["site.knd == \"edge\"", "knd", /no "knd" in site/, /mean kind/],
    ["sit.kind == \"edge\"", "sit", /no "sit"/, /mean site/],
    ["memoryMiB > 5", "memoryMiB", /no "memoryMiB"/, /node\.memoryMiB/],
    ["site.kind == 1", "site.kind == 1", /don't go together/, /quotes/],
    ["site.kind ==", "", /Unexpected/, /condition/],
    ["node.memoryMiB", "node.memoryMiB", /gives a int/, /Compare/],
    ['node.name.matches("a+")', 'node.name.matches("a+")', /matches is not allowed/, /startsWith/],
    ['node.name.startswith("a")', 'node.name.startswith("a")', /no such function/, /mean startsWith/],
    ['site.kind == "egde"', '"egde"', /never "egde"/, /mean "edge"/],
    ['site.uplink in ["fiber", "sattelite"]', '"sattelite"', /never/, /satellite/],
    ['node.devices.exists(d, d.modl == "A100")', "modl", /no "modl"/, /mean model/],
    ["[1].exists(a, [1].exists(b, [1].exists(c, c == a)))", "[1].exists(c, c == a)", /two deep/, /label/],
    [" ", " ", /empty/, /condition/],
  ])("refuses %s at %j", (text, wrong, message, remedy) => {
    const result = compileSelector(text);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.error.message).toMatch(message);
    expect(result.error.remedy).toMatch(remedy);
    expect(text.slice(result.error.start, result.error.end)).toBe(wrong);
  });

  // Guarantee: a selector is bounded in size before anything is evaluated.
  it("refuses what is too long or too large", () => {
    expect(compileSelector(`node.name == "${"x".repeat(2_001)}"`).ok).toBe(false);
    expect(compileSelector(Array.from({ length: 180 }, () => "true").join(" && ")).ok).toBe(false);
    expect(compileSelector(`node.name in [${Array.from({ length: 80 }, (_, i) => `"${i}"`).join(",")}]`).ok).toBe(false);
  });

  // Guarantee: whatever the text, admission answers with a value and never throws; what it admits always answers.
  it("never throws, for any text", () => {
    const words = ["site", "node", ".", "kind", "labels", "[", "]", '"a"', "==", "&&", "||", "!", "(", ")", "1", "in", "exists", "devices", "d", ",", " ", "memoryMiB", "\\", "'", "?", ":"];
    const text = fc.oneof(fc.string({ maxLength: 60 }), fc.array(fc.constantFrom(...words), { maxLength: 20 }).map((w) => w.join("")));
    fc.assert(
      fc.property(text, (t) => {
        const result = compileSelector(t);
        if (result.ok) expect(typeof result.value.test(subject).matches).toBe("boolean");
        else expect(result.error.start).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  // Guarantee: every attribute that the editor offers can be asked.
  it("knows every attribute it documents", () => {
    for (const [variable, fields] of Object.entries(attributes))
      for (const [field, { type }] of Object.entries(fields)) {
        const question = type === "bool" ? `${variable}.${field}` : type === "int" ? `${variable}.${field} >= 0` : `${variable}.${field}.size() >= 0`;
        expect(compileSelector(question), `${variable}.${field}`).toMatchObject({ ok: true });
      }
  });
});
