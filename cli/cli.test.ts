import { describe, expect, it } from "vitest";
import { TRPCClientError } from "@trpc/client";
import { refusalCodes, refuse } from "../server/core/base/refusal";
import { endingOf, writeRefusal } from "./client";
import { readable } from "./commands/objects";
import { exitCodes } from "./io";
import { age, bytes, count, writeTable } from "./output";
import { Terminal } from "./testing/terminal";

const refusedError = (refusal: unknown, httpStatus = 400) => Object.assign(new TRPCClientError("no"), { data: { refusal, httpStatus } });

describe("the command line", () => {
  // Guarantee: wrong usage ends with 2 before anything is sent, and says what would be right.
  it.each([
    [["get", "nothing"], "Use one of: sites, nodes"],
    [["frobnicate"], "unknown command"],
    [["get"], "missing required argument"],
    [["get", "nodes", "--state", "sunny"], "healthy, degraded"],
    [["get", "nodes", "-o", "xml"], "table, json, yaml"],
    [["rollout", "status", "twelve"], "is no rollout number"],
    [["rollout", "pause", "3"], "--reason"],
    [["token", "create", "ci", "--role", "king"], "administrator, operator"],
    [["apply"], "--file"],
    [["completion", "powershell"], "bash, zsh or fish"],
    [["get", "nodes", "--server", "holdfast.example"], "is not an address"],
    [["audit", "ls", "--since", "yesterday-ish"], "is no time"],
    [["apply", "-f", "/no/such/file.yaml"], "can't be read"],
  ])("%j is wrong usage", async (args, says) => {
    const ran = await new Terminal({ HOLDFAST_SERVER: "http://127.0.0.1:9", HOLDFAST_TOKEN: "hft_x" }).run(...args);
    expect([ran.code, ran.out]).toEqual([exitCodes.usage, ""]);
    expect(ran.err).toContain(says);
  });

  // Guarantee: a missing server is wrong usage, and a missing login is a refusal; both say what to do.
  it("tells missing settings and missing logins apart", async () => {
    const lost = await new Terminal().run("get", "nodes");
    expect([lost.code, lost.err.includes("HOLDFAST_SERVER")]).toEqual([exitCodes.usage, true]);
    const stranger = await new Terminal({ HOLDFAST_SERVER: "http://127.0.0.1:9" }).run("get", "nodes");
    expect([stranger.code, stranger.err.includes("holdfast login")]).toEqual([exitCodes.refused, true]);
  });

  // Guarantee: asking for help is no failure.
  it.each([["--help"], ["rollout", "--help"], ["help", "apply"], ["--version"]])("%s %s ends with 0", async (...args) => {
    const ran = await new Terminal().run(...args.filter(Boolean));
    expect(ran.code).toBe(exitCodes.ok);
    expect(ran.out.length).toBeGreaterThan(5);
  });

  // Guarantee: every code that the server may refuse with has its exit code: bad input, not found, away, or refused.
  it("has an exit code for every refusal", () => {
    const expected = { invalid_input: exitCodes.usage, not_found: exitCodes.notFound, unavailable: exitCodes.unreachable } as Record<string, number>;
    for (const code of refusalCodes) expect(endingOf(refusedError(refuse(code, "What.", "Do.")), null, null).code, code).toBe(expected[code] ?? exitCodes.refused);
    expect(endingOf(refusedError(null, 500), null, null).code).toBe(exitCodes.failure);
    expect(endingOf(new Error("a bug"), null, null).code).toBe(exitCodes.failure);
  });

  // Guarantee: an error names file, line, column, field, what is wrong and what to do.
  it("writes errors with place and remedy", () => {
    const text = writeRefusal(refuse("invalid_input", "The manifest is not valid.", "Correct it.", [{ path: "spec.replicas", message: "must be a number", remedy: "Write a number such as 3.", line: 7, column: 13 }]), "digits.yaml");
    expect(text).toBe("The manifest is not valid. (invalid_input)\n  digits.yaml:7:13: spec.replicas: must be a number\n    Write a number such as 3.\n  Correct it.");
  });
});

describe("output", () => {
  // Guarantee: what people see lines up, and names of others can't steer the terminal.
  it("writes tables without control characters", () => {
    const rows = [{ a: "x", b: 1 }, { a: "long\u001b[31mer\nline", b: null }];
    expect(writeTable([{ title: "a", of: (r) => r.a }, { title: "b", of: (r) => r.b }], rows)).toBe(`A${" ".repeat(17)}B\nx${" ".repeat(17)}1\nlong [31mer line  -`);
  });

  // Guarantee: unknown is a dash and never a zero, and an uncertain count shows both ends.
  it("writes figures", () => {
    expect([age(100_000, null), age(100_000, 60_000), age(10_000_000, 0), age(1e9, 0)]).toEqual([null, "40s", "3h", "12d"]);
    expect([count({ min: 3, max: 3, total: 3 }), count({ min: 41, max: 57, total: 60 })]).toEqual(["3/3", "41-57/60"]);
    expect([bytes(null), bytes(0), bytes(1536), bytes(5 * 2 ** 30)]).toEqual([null, "0 B", "1.5 KiB", "5.0 GiB"]);
  });

  // Guarantee: a description writes moments as times and leaves out what is unknown.
  it("makes views readable", () => {
    expect(readable({ lastSeenMs: 1_790_000_000_000, latencyP99Ms: 12, note: null, list: [], name: "a\u0007b" })).toEqual({ lastSeen: "2026-09-21T14:13:20.000Z", latencyP99Ms: 12, name: "a b" });
  });
});

describe("completion", () => {
  // Guarantee: completion knows every command there is, because it is made from them.
  it.each(["bash", "zsh", "fish"])("is printed for %s", async (shell) => {
    const { code, out } = await new Terminal().run("completion", shell);
    expect(code).toBe(exitCodes.ok);
    for (const word of ["rollout", "approve", "join-token", "dry-run", "workloads"]) expect(out).toContain(word);
  });
});
