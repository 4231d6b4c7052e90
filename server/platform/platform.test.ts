import { describe, expect, it } from "vitest";
import { BadEnvironment, baseEnv, gatewayEnv, readEnv, testEnv, webEnv } from "./env";
import { newId } from "./ids";
import { createLogger, silentLogger } from "./log";
import { CannotOpen, createSealer, newMasterKey, parseMasterKeys, sealerFrom } from "./seal";
import { hashToken, newToken, sameSecret } from "./secrets";
import { createShutdown } from "./shutdown";

describe("configuration", () => {
  it("is read with defaults, units and types", () => {
    const env = readEnv(gatewayEnv, { DATABASE_URL: "postgresql://x", GATEWAY_PORT: "7443", AGENT_SILENT_AFTER_MS: "6000" });
    expect(env).toMatchObject({ GATEWAY_PORT: 7443, AGENT_SILENT_AFTER_MS: 6_000, AGENT_HEARTBEAT_MS: 15_000, OPS_PORT: 0, HOLDFAST_ARTIFACT_STORE: "postgres" });
  });
  // Guarantee: dangerous switches are off unless somebody turns them on.
  it("has dangerous switches off, and counts an empty variable as not set", () => {
    expect(readEnv(webEnv, { DATABASE_URL: "x" })).toMatchObject({ HOLDFAST_TRUST_PROXY: false, HOST: "127.0.0.1" });
    expect(readEnv(webEnv, { DATABASE_URL: "x", HOLDFAST_TRUST_PROXY: "", PORT: "" })).toMatchObject({ HOLDFAST_TRUST_PROXY: false, PORT: 7070 });
    expect(readEnv(testEnv, { HOLDFAST_LONG: "1" }).HOLDFAST_LONG).toBe(true);
  });
  it("that can't be used names each variable and what to write", () => {
    const failed = (() => {
      try {
        return readEnv(webEnv, { PORT: "99999", HOLDFAST_ARTIFACT_STORE: "ftp:x", HOLDFAST_PUBLIC_URL: "nowhere" });
      } catch (e) {
        return e as Error;
      }
    })();
    expect(failed).toBeInstanceOf(BadEnvironment);
    const { message } = failed as Error;
    expect(message).toMatch(/DATABASE_URL: is not set \(PostgreSQL 15 to 18/);
    expect(message).toMatch(/PORT: .*65535/);
    expect(message).toMatch(/HOLDFAST_ARTIFACT_STORE: write postgres/);
    expect(message).toMatch(/HOLDFAST_PUBLIC_URL: write an http or https address/);
  });
  it("has a sentence in the schema for what must be set", () => {
    expect(baseEnv.shape.DATABASE_URL.description).toContain("holdfast_app");
  });
});

describe("ids", () => {
  it("are DNS labels, unique, and sort by creation, also within a millisecond and when the clock steps back", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => newId("node", 1_800_000_000_000 - (i === 15_000 ? 5_000 : 0)));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids.slice(0, 50)) expect(id).toMatch(/^node-[0-9a-hjkmnp-tv-z]{26}$/);
  });
});

describe("sealing", () => {
  const key = () => parseMasterKeys(newMasterKey())[0] as Buffer;
  it("opens what it sealed, for the purpose it was sealed for", () => {
    const seal = createSealer([key()]);
    const sealed = seal.seal("top secret ü", "secret/p/name");
    expect(sealed).not.toContain("secret");
    expect(seal.open(sealed, "secret/p/name")).toBe("top secret ü");
    expect(seal.seal("a", "x")).not.toBe(seal.seal("a", "x"));
  });
  // Guarantee: a sealed value that was changed, or moved to another place, does not open.
  it("does not open what was changed or moved", () => {
    const seal = createSealer([key()]);
    const sealed = seal.seal("value", "secret/p/a");
    expect(() => seal.open(sealed, "secret/p/b")).toThrow(CannotOpen);
    const [f, k, n, t] = sealed.split(".") as [string, string, string, string];
    const bytes = Buffer.from(t, "base64url");
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => seal.open([f, k, n, changed.toString("base64url")].join("."), "secret/p/a")).toThrow(CannotOpen);
    }
    expect(() => seal.open([f, k, n, bytes.subarray(0, 4).toString("base64url")].join("."), "secret/p/a")).toThrow(CannotOpen);
    expect(() => seal.open("nonsense", "x")).toThrow(CannotOpen);
  });
  it("opens with older keys and seals with the newest", () => {
    const [older, newer] = [key(), key()];
    const before = createSealer([older]).seal("v", "p");
    const both = createSealer([newer, older]);
    expect(both.open(before, "p")).toBe("v");
    expect(both.isStale(before)).toBe(true);
    expect(both.isStale(both.seal("v", "p"))).toBe(false);
    expect(() => createSealer([newer]).open(before, "p")).toThrow(/master key [0-9a-f]{12}, which this installation does not have/);
  });
  it("derives a key for each use", () => {
    const seal = createSealer([key()]);
    expect(seal.derive("auth")).toHaveLength(32);
    expect(seal.derive("auth").equals(seal.derive("auth"))).toBe(true);
    expect(seal.derive("auth").equals(seal.derive("other"))).toBe(false);
  });
  it("reads key files with comments, and says what is wrong with them", () => {
    expect(parseMasterKeys(`# new\n${newMasterKey()} # 2026\n\n${"ab".repeat(32)}\n`)).toHaveLength(2);
    expect(() => parseMasterKeys("# none\n")).toThrow(/openssl rand/);
    expect(() => parseMasterKeys("c2hvcnQ=")).toThrow(/has 5 bytes and not 32/);
    expect(() => sealerFrom({})).toThrow(/HOLDFAST_MASTER_KEY_FILE/);
    expect(() => sealerFrom({ HOLDFAST_MASTER_KEY_FILE: "/nowhere/key" })).toThrow(/is not there/);
  });
});

describe("tokens", () => {
  it("are long, prefixed, and kept as hashes", () => {
    const token = newToken("hft");
    expect(token).toMatch(/^hft_[A-Za-z0-9_-]{43}$/);
    expect(hashToken(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(sameSecret("a", "a")).toBe(true);
    expect(sameSecret("a", "ab")).toBe(false);
  });
});

describe("the log", () => {
  const logged = (work: (log: ReturnType<typeof createLogger>) => void) => {
    const lines: string[] = [];
    work(createLogger({ process: "test", level: "debug", destination: { write: (line: string) => void lines.push(line) } }));
    return { text: lines.join(""), first: JSON.parse(lines[0] ?? "{}") as Record<string, unknown> };
  };
  it("is one JSON object a line, with level, time and process", () => {
    const { first } = logged((log) => log.info({ nodeId: "n" }, "node enrolled"));
    expect(first).toMatchObject({ level: "info", process: "test", nodeId: "n", msg: "node enrolled" });
    expect(Date.parse(String(first["time"]))).toBeGreaterThan(0);
  });
  // Guarantee: no password, token, key or unit environment reaches a log by its name, at any depth.
  it("hides secrets by their names, in addresses and by their look", () => {
    const token = newToken("hfs");
    const error = Object.assign(new Error(`could not reach postgresql://holdfast_app:hunter2@db/holdfast with ${token}`), { code: "XX000" });
    const { text } = logged((log) => {
      log.info({ password: "hunter2", nested: [{ deep: { client_secret: "hunter2", "Set-Cookie": "hunter2", environment: { A: "hunter2" } } }] }, `address redis://u:hunter2@h and ${token}`);
      log.error({ err: error }, "failed");
      log.error(error);
      log.warn({ url: "https://ada:hunter2@example.org" });
    });
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain(token);
    expect(text).toContain("could not reach postgresql://holdfast_app:[hidden]@db/holdfast");
    expect(text).toContain('"code":"XX000"');
  });
  it("says nothing when silent", () => {
    expect(silentLogger.isLevelEnabled("fatal")).toBe(false);
  });
});

describe("stopping", () => {
  it("runs the steps last first, once, and goes on after one that fails or hangs", async () => {
    const ran: string[] = [];
    const shutdown = createShutdown({ log: silentLogger, stepTimeoutMs: 20 });
    shutdown.onStop("database", () => void ran.push("database"));
    shutdown.onStop("hangs", () => new Promise<void>(() => ran.push("hangs")));
    shutdown.onStop("fails", () => {
      ran.push("fails");
      throw new Error("no");
    });
    shutdown.onStop("listener", async () => void ran.push("listener"));
    expect(shutdown.stopping).toBe(false);
    const first = shutdown.stop("test");
    expect(shutdown.stopping).toBe(true);
    await Promise.all([first, shutdown.stop("again")]);
    expect(ran).toEqual(["listener", "fails", "hangs", "database"]);
  });
});
