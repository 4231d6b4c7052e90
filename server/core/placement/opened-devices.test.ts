import { describe, expect, it } from "vitest";
import type { Demand } from "./demand";
import { devicesTaken, heldOn, keepsDevice, noneOffered, offeredDevices, placeOfShare, profileOf, shareLeft, shareLeftOn, slotsOfShare, withShare } from "./shares";
import type { SharedDevice } from "./shares";
import { demand } from "./testing";

const opened = (...devices: [number, string, number][]): SharedDevice[] => devices.map(([slot, model, millis]) => ({ slot, model, millis }));
const share = (shareMillis: number, model: string | null = null): Demand => demand({ devices: { count: 1, model, shareMillis } });
const idle = (counts: Record<string, number>) => (model: string | null) => counts[model ?? "any"] ?? 0;

describe("where a share goes", () => {
  // Guarantee: to the opened device with the least left that is enough, of those the first; else to a new one with the lowest free number.
  it.each<[string, SharedDevice[] | undefined, string | null, number, [number, string]]>([
    ["none is open", undefined, null, 300, [1, ""]],
    ["none is open, for a model", [], "A", 300, [1, "A"]],
    ["the least left that is enough", opened([1, "A", 200], [2, "A", 500], [3, "A", 900]), null, 300, [2, "A"]],
    ["exactly enough", opened([1, "A", 200], [2, "A", 700]), null, 300, [2, "A"]],
    ["of equal ones the first", opened([1, "A", 500], [2, "B", 500]), null, 300, [1, "A"]],
    ["only of its model", opened([1, "A", 500], [2, "B", 100]), "B", 300, [2, "B"]],
    ["not on one that was opened for any model", opened([1, "", 100]), "B", 300, [2, "B"]],
    ["a new one in the gap", opened([1, "A", 900], [3, "A", 900]), null, 300, [2, ""]],
  ])("%s", (_what, devices, model, millis, [slot, on]) => expect(placeOfShare(devices, model, millis)).toEqual({ slot, model: on }));
});

describe("what is left of devices", () => {
  // Guarantee: a whole device where one is idle, else the most that an opened one has; nothing where more are taken than there are.
  it.each<[string, SharedDevice[] | undefined, Record<string, number>, string | null, number]>([
    ["one is idle", opened([1, "A", 900]), { any: 1 }, null, 1_000],
    ["none is idle and none open", undefined, { any: 0 }, null, 0],
    ["the most of those that are open", opened([1, "A", 900], [2, "A", 300]), { any: 0 }, null, 700],
    ["of its model", opened([1, "A", 900], [2, "B", 300]), { A: 0 }, "A", 100],
    ["more are taken than there are", opened([1, "A", 100]), { any: -1 }, null, 0],
    ["more of one model are taken than there are", opened([1, "A", 100], [2, "B", 100]), { any: 1, A: 0, B: -1 }, null, 0],
    ["of another model more are taken than there are", opened([1, "A", 100], [2, "B", 100]), { A: 0, B: -1 }, "A", 900],
    ["one opened for any model belongs to no model that could be short", opened([1, "", 100]), { any: 0, "": -1 }, null, 900],
  ])("%s", (_what, devices, counts, model, left) => {
    expect(shareLeft(devices, idle(counts), model)).toBe(left);
    expect(slotsOfShare(devices, idle(counts), model, 1_000) > 0).toBe(left === 1_000);
    expect(slotsOfShare(devices, idle(counts), model, 100) > 0).toBe(left >= 100);
  });

  it.each<[string, SharedDevice[] | undefined, Record<string, number>, string | null, number, number]>([
    ["three thirds of each idle one", undefined, { any: 2 }, null, 300, 6],
    ["and what fits on those that are open", opened([1, "A", 300], [2, "A", 800], [3, "A", 1_100]), { any: 1 }, null, 300, 5],
    ["only of its model", opened([1, "A", 300], [2, "B", 300]), { A: 0 }, "A", 350, 2],
  ])("shares side by side: %s", (_what, devices, counts, model, millis, slots) => expect(slotsOfShare(devices, idle(counts), model, millis)).toBe(slots));

  // Guarantee: a share that is to be on one device gets what that one has left, if it is of the model and the devices are all there.
  it.each<[string, SharedDevice[] | undefined, Record<string, number>, [number, string], number]>([
    ["it is open", opened([1, "A", 300], [2, "A", 600]), { A: 0 }, [2, "A"], 400],
    ["it is open for another model", opened([1, "A", 300]), { A: 1, B: 1 }, [1, "B"], 0],
    ["more are taken than there are", opened([1, "A", 300]), { A: -1 }, [1, "A"], 0],
    ["it is to be opened", opened([1, "A", 300]), { A: 1 }, [2, "A"], 1_000],
    ["it is to be opened, and none is idle", undefined, { A: 0 }, [1, "A"], 0],
    ["of any model", opened([1, "", 300]), { any: 0, "": -1 }, [1, ""], 700],
    ["of any model, and none is idle", undefined, { any: 0, "": 1 }, [1, ""], 0],
  ])("on one device: %s", (_what, devices, counts, [slot, model], left) => expect(shareLeftOn(devices, idle(counts), { slot, model })).toBe(left));
});

describe("opened devices", () => {
  // Guarantee: a device is opened by its first share and closed by its last; a share whose device is not known gives nothing back.
  it.each<[string, SharedDevice[] | undefined, { millis: number; on?: [number, string] }, 1 | -1, ReturnType<typeof withShare>]>([
    ["the first share opens one", undefined, { millis: 300 }, 1, { opened: opened([1, "", 300]), on: { slot: 1, model: "" }, count: 1 }],
    ["in the order of their numbers", opened([2, "A", 900]), { millis: 300, on: [1, "B"] }, 1, { opened: opened([1, "B", 300], [2, "A", 900]), on: { slot: 1, model: "B" }, count: 1 }],
    ["another share joins", opened([1, "A", 300], [2, "A", 100]), { millis: 300, on: [2, "A"] }, 1, { opened: opened([1, "A", 300], [2, "A", 400]), on: { slot: 2, model: "A" }, count: 0 }],
    ["one leaves", opened([1, "A", 500], [2, "A", 100]), { millis: 300, on: [1, "A"] }, -1, { opened: opened([1, "A", 200], [2, "A", 100]), on: { slot: 1, model: "A" }, count: 0 }],
    ["the last leaves", opened([1, "A", 300], [2, "A", 100]), { millis: 300, on: [1, "A"] }, -1, { opened: opened([2, "A", 100]), on: { slot: 1, model: "A" }, count: -1 }],
    ["one leaves from nobody knows where", opened([1, "A", 300]), { millis: 300 }, -1, null],
    ["one leaves from a device that is not open", opened([1, "A", 300]), { millis: 300, on: [2, "A"] }, -1, null],
    ["one leaves where none is open", undefined, { millis: 300, on: [2, "A"] }, -1, null],
  ])("%s", (_what, devices, { millis, on }, sign, then) => expect(withShare(devices, { model: null, millis, on: on && { slot: on[0], model: on[1] } }, sign)).toEqual(then));

  // Guarantee: a running unit keeps its device: what asks for a share next must do with the one it has.
  it.each<[string, Demand, Demand, string | null, boolean]>([
    ["no share is asked for", share(300), demand({ devices: { count: 1, model: null } }), null, true],
    ["no device at all", share(300), demand(), null, true],
    ["another share of the same", share(300), share(500), "A", true],
    ["of the model it has", share(300), share(500, "A"), "A", true],
    ["of another model", share(300), share(500, "B"), "A", false],
    ["from a whole device to a share", demand({ devices: { count: 1, model: null } }), share(500), "A", false],
    ["from none to a share", demand(), share(500), "A", false],
    ["nobody knows which it has", share(300), share(500), null, false],
  ])("a unit goes over to another demand in place: %s", (_what, now, next, on, expected) => {
    expect(keepsDevice(now, next, on === null ? null : { slot: 1, model: on })).toBe(expected);
    if (on === null) expect(keepsDevice(now, next, undefined)).toBe(expected);
  });

  it("are held by units with shares alone", () => {
    const on = { slot: 2, model: "A" };
    expect(heldOn(share(300), on).devices).toEqual({ count: 1, model: null, shareMillis: 300, on });
    for (const [d, at] of [[share(300), null], [share(300), undefined], [demand({ devices: { count: 1, model: null } }), on], [demand(), on]] as const) expect(heldOn(d, at)).toBe(d);
  });
});

describe("what the store and agents count", () => {
  it("opened devices count as taken whole, in the order of their numbers; slices by name", () => {
    expect(devicesTaken({ A: 1, C: 2 }, opened([2, "A", 300], [1, "B", 100], [3, "B", 200]), { "1g.10gb": 3 })).toEqual({ devices: { A: 2, B: 2, C: 2 }, shared: opened([1, "B", 100], [2, "A", 300], [3, "B", 200]), extra: { "mig-1g.10gb": 3 } });
    expect(devicesTaken({}, [], {})).toEqual({ devices: {} });
  });

  it("devices in MIG mode have no whole to give", () => {
    expect(offeredDevices([{ model: "A" }, { model: "A", slices: null }, { model: "B", slices: [{ profile: "1g" }, { profile: "1g" }, { profile: "2g" }] }])).toEqual({ devices: { A: 2 }, extra: { "mig-1g": 2, "mig-2g": 1 } });
    expect(offeredDevices([])).toEqual({ devices: {} });
  });

  it("tells of slices that no node offers", () => {
    const d = demand({ extra: { licence: 1, "mig-1g": 1, "mig-2g": 1 } });
    expect(noneOffered(d, (name) => name === "mig-1g")).toBe("No node offers the slice 2g. ");
    expect([noneOffered(d, () => true), noneOffered(demand(), () => false), profileOf("licence"), profileOf("mig-2g")]).toEqual(["", "", null, "2g"]);
  });
});
