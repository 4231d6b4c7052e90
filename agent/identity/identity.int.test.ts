import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Identity } from "./identity";
import type { StoredIdentity } from "./identity";

const folders: string[] = [];
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function folder(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-identity-"));
  folders.push(f);
  return f;
}
const first: StoredIdentity = { gateway: "a:1", node: "n", nodeId: "i", site: "s", project: "p", certificate: "one", authority: "ca", skewMs: 0 };

describe("the identity on disk", () => {
  // Guarantee: a renewal and a session's news at the same moment are both kept, whichever is written first.
  it("keeps changes that come at once", async () => {
    const data = folder();
    const identity = await Identity.open(data);
    await identity.save(() => first);
    await Promise.all([identity.save((now) => ({ ...(now ?? first), certificate: "two" })), identity.save((now) => ({ ...(now ?? first), site: "moved", skewMs: 5 }))]);
    expect((await Identity.open(data)).current).toEqual({ ...first, certificate: "two", site: "moved", skewMs: 5 });
  });

  // Guarantee: the key is made once, is for its owner only, and keys derived from it differ by purpose.
  it("has one key for life", async () => {
    const data = folder();
    const one = await Identity.open(data);
    const two = await Identity.open(data);
    expect(two.keyPem).toBe(one.keyPem);
    expect(statSync(join(data, "identity", "key.pem")).mode & 0o777).toBe(0o600);
    expect(one.deriveKey("state").equals(two.deriveKey("state"))).toBe(true);
    expect(one.deriveKey("state").equals(one.deriveKey("other"))).toBe(false);
    expect(() => one.current).toThrow(expect.objectContaining({ code: "not_enrolled" }) as Error);
  });

  it("says when it cannot be read", async () => {
    const data = folder();
    await Identity.open(data);
    writeFileSync(join(data, "identity", "identity.json"), "{}");
    await expect(Identity.open(data)).rejects.toMatchObject({ code: "identity_unreadable" });
  });
});
