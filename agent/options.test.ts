import { describe, expect, it } from "vitest";
import { readRunOptions } from "./options";
import { Fault } from "./platform/fault";

const read = (...args: string[]) => readRunOptions(["--data", "/d", ...args]);
const hex = "ab".repeat(32);

describe("the agent's flags", () => {
  it("have defaults that suit a node", () => {
    expect(readRunOptions(["--data", "/d"])).toEqual({ data: "/d", gateway: null, token: null, fingerprint: null, name: null, slice: {}, devices: [], localPort: 0, stopUnitsOnExit: false, logLevel: "info", reconnectMaxMs: 30_000, reportEveryMs: 5_000, sampleEveryMs: 10_000, journalBytes: 64 * 2 ** 20, logBytes: 8 * 2 ** 20, cacheBytes: 20 * 2 ** 30, bootId: null });
  });
  it("read accelerators that the agent can't find", () => {
    expect(read("--devices", "Hailo-8=2,A30/1g.6gb=2").devices).toEqual([
      { index: 0, vendor: "declared", model: "Hailo-8", memoryMiB: null, uuid: "Hailo-8-1" }, { index: 1, vendor: "declared", model: "Hailo-8", memoryMiB: null, uuid: "Hailo-8-2" },
      { index: 2, vendor: "declared", model: "A30", memoryMiB: null, uuid: "A30-1", slices: [{ profile: "1g.6gb", uuid: "A30-1/1" }, { profile: "1g.6gb", uuid: "A30-1/2" }] },
    ]);
  });
  it("read slices, sizes and durations", () => {
    expect(read("--slice", "cpu=500m,memory=256Mi,disk=1Gi").slice).toEqual({ cpuMillis: 500, memoryBytes: 256 * 2 ** 20, diskBytes: 2 ** 30 });
    expect(read("--slice", "cpu=1.5").slice).toEqual({ cpuMillis: 1_500 });
    expect(read("--journal-size", "1Mi", "--reconnect-max", "2s", "--stop-units-on-exit")).toMatchObject({ journalBytes: 2 ** 20, reconnectMaxMs: 2_000, stopUnitsOnExit: true });
    expect(read("--ca-fingerprint", `sha256:${hex}`, "--gateway", "[::1]:7071", "--name", "edge-1")).toMatchObject({ fingerprint: `sha256:${hex}`, gateway: "[::1]:7071", name: "edge-1" });
  });
  // Guarantee: each wrong flag is refused by name, with how to write it.
  it.each([
    [["--slice", "cpu=0"], "--slice"], [["--devices", "X100"], "--devices"], [["--devices", "X100=0"], "--devices"], [["--slice", "ram=1Gi"], "--slice"], [["--slice", "memory=lots"], "--slice"], [["--gateway", "host"], "--gateway"], [["--gateway", "host:99999"], "--gateway"],
    [["--ca-fingerprint", "sha256:12"], "--ca-fingerprint"], [["--name", "Ümlaut"], "--name"], [["--local-port", "70000"], "--local-port"], [["--log-level", "loud"], "--log-level"],
    [["--reconnect-max", "soon"], "--reconnect-max"], [["--report-every", "1ms"], "--report-every"], [["--journal-size", "1"], "--journal-size"], [["--bogus"], "--bogus"], [["positional"], "positional"],
  ])("%j is refused", (args, flag) => {
    try {
      read(...args);
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect((error as Fault).code).toBe("usage");
      expect((error as Fault).message).toContain(flag);
      expect((error as Fault).remedy).not.toBe("");
      return;
    }
    throw new Error("it was accepted");
  });
  it("need a data folder", () => expect(() => readRunOptions([])).toThrow(/--data/));
});
