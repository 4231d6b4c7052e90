import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { addressOf, bearerOf, cookieOf, foreignOrigin } from "./origin";

const request = (headers: Record<string, string>, remoteAddress = "::ffff:203.0.113.7"): IncomingMessage => ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;
const site = { publicOrigin: "https://holdfast.example.org", secure: true, trustProxy: false };

describe("where a request comes from", () => {
  // Guarantee: an address that a client merely claims is not believed, and of a proxy's list only what the proxy added.
  it("believes X-Forwarded-For behind a trusted proxy only, and its last entry only", () => {
    const claimed = request({ "x-forwarded-for": "10.0.0.1, 198.51.100.9" });
    expect(addressOf(claimed, false)).toBe("203.0.113.7");
    expect(addressOf(claimed, true)).toBe("198.51.100.9");
    expect(addressOf(request({}), true)).toBe("203.0.113.7");
  });

  // Guarantee: only our own origin may use a browser's cookie.
  it.each([
    [{ origin: "https://holdfast.example.org" }, false],
    [{ origin: "https://10.0.0.5:7070", host: "10.0.0.5:7070" }, false],
    [{ "sec-fetch-site": "same-origin" }, false],
    [{ origin: "http://holdfast.example.org" }, true],
    [{ origin: "http://10.0.0.5:7070", host: "10.0.0.5:7070" }, true],
    [{ origin: "https://holdfast.example.org.evil.example" }, true],
    [{ origin: "https://evil.example", host: "holdfast.example.org" }, true],
    [{ origin: "null" }, true],
    [{ origin: "not an origin" }, true],
    [{ "sec-fetch-site": "none" }, true],
    [{ origin: "https://holdfast.example.org", "sec-fetch-site": "cross-site" }, true],
    [{}, true],
  ])("%j is foreign to a change: %s", (headers, foreign) => {
    expect(foreignOrigin(request(headers as Record<string, string>), site, true) !== null).toBe(foreign);
  });

  // Guarantee: a page opened by hand may be read without an origin, as browsers send none for it.
  it("lets questions come without an origin", () => {
    expect(foreignOrigin(request({}), site, false)).toBeNull();
    expect(foreignOrigin(request({ "sec-fetch-site": "none" }), site, false)).toBeNull();
  });

  // Guarantee: cookies and tokens are read exactly, not by likeness.
  it("reads cookies and tokens", () => {
    const r = request({ cookie: "a=1; xholdfast.session=no; holdfast.session=yes=1", authorization: "Bearer  hft_abc-_." });
    expect([cookieOf(r, "holdfast.session"), cookieOf(r, "session"), bearerOf(r)]).toEqual(["yes=1", null, "hft_abc-_."]);
    for (const authorization of ["Basic abc", "Bearer a b", "Bearer", "bearer\tx"]) expect(bearerOf(request({ authorization }))).toBeNull();
  });
});
