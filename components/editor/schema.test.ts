import { describe, expect, it } from "vitest";
import { contextAt } from "./yaml-context";
import { explainKey, offersAt, type Schema } from "./schema";

const schema: Schema = {
  oneOf: [
    {
      type: "object",
      required: ["kind"],
      properties: {
        kind: { const: "Workload" },
        metadata: { $ref: "#/$defs/meta" },
        spec: {
          type: "object",
          properties: {
            kind: { enum: ["service", "batch"], default: "service" },
            replicas: { type: "integer", default: 1, description: "How many units." },
            ports: { type: "array", items: { type: "object", properties: { name: { type: "string" }, protocol: { enum: ["tcp", "udp"] } } } },
            probe: {
              oneOf: [
                { type: "object", properties: { type: { const: "http" }, path: { type: "string" } } },
                { type: "object", properties: { type: { const: "tcp" }, port: { type: "integer" } } },
              ],
            },
          },
        },
      },
    },
    { type: "object", properties: { kind: { const: "Site" }, spec: { type: "object", properties: { jurisdiction: { type: "string" } } } } },
  ],
  $defs: { meta: { type: "object", properties: { name: { type: "string" }, labels: { type: "object", additionalProperties: { type: "string" } } } } },
};

/** Labels offered at the `|` of a text. */
function offered(marked: string): string[] {
  const offset = marked.indexOf("|");
  const context = contextAt(marked.replace("|", ""), offset);
  return context ? offersAt(schema, context).map((offer) => offer.label) : ["nothing"];
}

describe("completion by the schema", () => {
  // Guarantee: only what the schema allows at this place is offered, and nothing twice.
  it.each([
    ["kind of an empty text", "kind: |", ["Workload", "Site"]],
    ["keys of the root", "kind: Workload\n|", ["metadata", "spec"]],
    ["keys by the document's kind", "kind: Site\nspec:\n  |", ["jurisdiction"]],
    ["a reference", "kind: Workload\nmetadata:\n  |", ["name", "labels"]],
    ["keys not used yet, also below", "kind: Workload\nspec:\n  |\n  replicas: 2\n", ["kind", "ports", "probe"]],
    ["values of an enumeration", "kind: Workload\nspec:\n  kind: |", ["service", "batch"]],
    ["an item of a list", "kind: Workload\nspec:\n  ports:\n    - name: http\n      |", ["protocol"]],
    ["a list at its parent's column", "kind: Workload\nspec:\n  ports:\n  - |", ["name", "protocol"]],
    ["a second item", "kind: Workload\nspec:\n  ports:\n    - name: a\n      protocol: tcp\n    - |", ["name", "protocol"]],
    ["the decided branch of a union", "kind: Workload\nspec:\n  probe:\n    type: tcp\n    |", ["port"]],
    ["the second document", "kind: Workload\n---\nkind: Site\nspec:\n  |", ["jurisdiction"]],
    ["nothing in a comment", "kind: Workload # |", ["nothing"]],
  ])("%s", (_, text, labels) => expect(offered(text)).toEqual(labels));

  // Guarantee: while a union is not decided, a key is not said to be what it is in one branch only.
  it("merges the branches of a union that is not decided", () => {
    const by = (value: string, more: Record<string, Schema>): Schema => ({ type: "object", required: ["by", ...Object.keys(more)], properties: { by: { const: value }, ...more } });
    const weight: Schema = { type: "number", description: "Per euro." };
    const prefer: Schema = { type: "object", properties: { prefer: { type: "array", items: { oneOf: [by("cost", { weight }), by("rule", { rule: { type: "string" } }), ...["a", "b", "c"].map((v) => by(v, {}))] } } } };
    const at = (marked: string) => offersAt(prefer, contextAt(marked.replace("|", ""), marked.indexOf("|"))!);
    expect(at("prefer:\n  - |").map((o) => [o.label, o.detail, o.required])).toEqual([["by", "one of 5", true], ["weight", "number", false], ["rule", "string", false]]);
    expect(at("prefer:\n  - by: |").slice(0, 2).map((o) => [o.label, o.info])).toEqual([["cost", "weight: Per euro."], ["rule", ""]]);
  });

  it("explains a key with its default", () => {
    const text = "kind: Workload\nspec:\n  replicas: 1";
    const context = contextAt(text, text.indexOf("replicas"));
    expect(context && explainKey(schema, context, "replicas")).toEqual({ detail: "integer", info: "How many units.\nDefault: 1." });
  });
});
