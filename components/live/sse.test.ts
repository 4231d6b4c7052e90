import fc from "fast-check";
import { expect, it } from "vitest";
import { createStreamReader, type StreamEvent } from "./sse";

function read(pieces: readonly string[]): { events: StreamEvent[]; comments: number } {
  const events: StreamEvent[] = [];
  let comments = 0;
  const feed = createStreamReader({ event: (event) => events.push(event), comment: () => (comments += 1) });
  pieces.forEach(feed);
  return { events, comments };
}

const text = ': hello\n\nid: 41\ndata: {"topic":"node","key":"a"}\n\nid: 42\nevent: reset\ndata: one\ndata: two\n\n:\n\ndata: x\r\n\r\n';
const whole = {
  events: [
    { id: "41", event: "message", data: '{"topic":"node","key":"a"}' },
    { id: "42", event: "reset", data: "one\ntwo" },
    { id: "42", event: "message", data: "x" },
  ],
  comments: 2,
};

// Guarantee: events are the same however the network cuts the stream into pieces.
it("reads a stream cut anywhere", () => {
  expect(read([text])).toEqual(whole);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      expect(read(pieces)).toEqual(whole);
    }),
  );
});

// Guarantee: an event that the connection cut off half-way is not delivered.
it("does not deliver half an event", () => {
  expect(read(["id: 7\ndata: {"]).events).toEqual([]);
});
