import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { auditActionCodes } from "../audit/actions";
import { afterAttempt, eventId, GIVE_UP_AFTER_MS, hookBody, hookEventNames, restAfter, retryAfterMs, wantsEvent, type HookEvent } from "./index";

const event: HookEvent = {
  seq: 4711, atMs: Date.UTC(2026, 10, 23, 12), project: "default", actor: "Ada <a@b>", actorKind: "person", action: "rollout.abort", object: "digits 7", objectKind: "rollout", objectId: "rollout-1", reason: "errors & more",
  consoleUrl: "https://holdfast.example.org", href: "/p/default/rollouts/7",
};

describe("what can be told", () => {
  it("is every action of the audit log, and all of one kind at once", () => {
    expect(hookEventNames).toEqual(expect.arrayContaining([...auditActionCodes, "rollout.*", "approval.*"]));
    expect(wantsEvent(["rollout.*"], "rollout.rollBack")).toBe(true);
    expect(wantsEvent(["rollout.*"], "rolloutX.rollBack")).toBe(false);
    expect(wantsEvent(["rollout.abort"], "rollout.aborted")).toBe(false);
  });
});

describe("the shape of an event", () => {
  // Guarantee: attributes as CloudEvents 1.0.2 asks; the id is the same for every attempt and endpoint.
  it("is a CloudEvent, as one object or with its attributes as headers", () => {
    const one = JSON.parse(hookBody(event, "structured").body);
    expect(one).toMatchObject({ specversion: "1.0", id: "audit-4711", source: "https://holdfast.example.org/p/default", type: "dev.holdfast.rollout.abort", time: "2026-11-23T12:00:00.000Z", datacontenttype: "application/json" });
    expect(one.data).toMatchObject({ sentence: "Ada <a@b> aborted rollout digits 7: errors & more.", url: "https://holdfast.example.org/p/default/rollouts/7", auditEntry: 4711, actor: { kind: "person", name: "Ada <a@b>" } });
    const two = hookBody({ ...event, object: "größe\r\nx: y" }, "binary");
    expect(two.headers).toMatchObject({ "ce-id": eventId(event), "ce-specversion": "1.0", "ce-subject": "rollout/gr%C3%B6%C3%9Fe%0D%0Ax:%20y" });
    expect(JSON.parse(two.body)).toEqual({ ...one.data, object: { ...one.data.object, name: "größe\r\nx: y" }, sentence: "Ada <a@b> aborted rollout größe\r\nx: y: errors & more." });
  });

  // Guarantee: names chosen by people cannot make links or mentions in a chat.
  it("is a message for chats, with their control characters made harmless", () => {
    const s = JSON.parse(hookBody(event, "slack").body);
    expect(s.text).toBe("Ada &lt;a@b&gt; aborted rollout digits 7: errors &amp; more.");
    expect(JSON.stringify(s.blocks)).toContain("<https://holdfast.example.org/p/default/rollouts/7|Open in Holdfast>");
    const t = JSON.parse(hookBody(event, "teams").body);
    expect(t.attachments[0].content).toMatchObject({ type: "AdaptiveCard", version: "1.4", actions: [{ type: "Action.OpenUrl", url: "https://holdfast.example.org/p/default/rollouts/7" }] });
  });
});

describe("what follows an attempt", () => {
  const o = { attempts: 1, ageMs: 0, random: 0 };
  it.each([
    [{ status: 204, retryAfterMs: null }, { then: "delivered" }],
    [{ status: 500, retryAfterMs: null }, { then: "again", inMs: 2_500 }],
    [{ status: 429, retryAfterMs: 120_000 }, { then: "again", inMs: 120_000 }],
    [{ status: 503, retryAfterMs: 999_999_999 }, { then: "again", inMs: 6 * 3_600_000 }],
    [{ status: 408, retryAfterMs: 0 }, { then: "again", inMs: 2_500 }],
    [{ fault: "Nothing answers." }, { then: "again", inMs: 2_500 }],
  ])("%j", (attempt, then) => expect(afterAttempt(attempt, o)).toEqual(then));

  it("ends at once where trying again mends nothing, and turns off what says it is gone", () => {
    for (const status of [301, 400, 401, 404, 422]) expect(afterAttempt({ status, retryAfterMs: null }, o)).toMatchObject({ then: "dead" });
    expect(afterAttempt({ status: 410, retryAfterMs: null }, o)).toMatchObject({ then: "off" });
  });

  // Guarantee: rests grow to an hour and no further, and nothing is tried for longer than a day.
  it("rests longer each time and gives up after a day", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempts, random) => {
        const ms = restAfter(attempts, random);
        expect(ms).toBeGreaterThanOrEqual(2_500);
        expect(ms).toBeLessThanOrEqual(3_600_000);
        expect(restAfter(attempts + 1, random)).toBeGreaterThanOrEqual(ms);
        expect(afterAttempt({ fault: "x" }, { attempts, ageMs: GIVE_UP_AFTER_MS, random }).then).toBe("dead");
      }),
    );
    let ageMs = 0;
    let attempts = 0;
    for (;;) {
      const next = afterAttempt({ fault: "Nothing answers." }, { attempts: ++attempts, ageMs, random: 0.5 });
      if (next.then !== "again") {
        expect(next).toEqual({ then: "dead", because: `Nothing answers, ${attempts} times in a day.` });
        break;
      }
      ageMs += next.inMs;
    }
    expect(attempts).toBeGreaterThan(30);
  });

  it.each([["120", 120_000], ["Mon, 23 Nov 2026 12:01:00 GMT", 60_000], ["soon", null], ["-5", null], [undefined, null], ["Mon, 23 Nov 2026 11:00:00 GMT", 0]])("reads Retry-After %s", (text, ms) => expect(retryAfterMs(text, Date.UTC(2026, 10, 23, 12))).toBe(ms));
});
