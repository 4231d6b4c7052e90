import { expect, it } from "vitest";
import { missingEntries } from "./lockfile.mjs";

const locked = {
  "": { version: "1.0.0" },
  "node_modules/tool": { version: "1.0.0", dev: true, optionalDependencies: { "@tool/linux-x64-gnu": "1.2.3", "@tool/darwin-arm64": "1.2.3" } },
  "node_modules/@tool/linux-x64-gnu": { version: "1.2.3" },
};

// Guarantee: an optional binary that the registry did not have is found missing, and completed with its platform.
it("completes what npm left out", () => {
  expect(missingEntries(locked)).toEqual({ "node_modules/@tool/darwin-arm64": { version: "1.2.3", dev: true, optional: true, os: ["darwin"], cpu: ["arm64"] } });
});

it("finds nothing in a complete lockfile, also when a package stands deeper", () => {
  const whole = { ...locked, "node_modules/tool/node_modules/@tool/darwin-arm64": { version: "1.2.3" } };
  expect(missingEntries(whole)).toEqual({});
});

it("refuses to guess a version", () => {
  expect(() => missingEntries({ a: { optionalDependencies: { b: "^1.0.0" } } })).toThrow(/b@\^1\.0\.0/);
});
