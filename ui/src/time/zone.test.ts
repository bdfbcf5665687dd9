import { describe, expect, it } from "vitest";
import { dayBefore, instantsOf, isZone, offsetOf, offsetText, shortZone, wallText } from "./zone.ts";

const at = (text: string) => Date.parse(text);

describe("a wall time and its instants", () => {
  it("has one instant on a common day", () => {
    expect(instantsOf("Asia/Seoul", "2026-11-27T02:30")).toEqual([at("2026-11-26T17:30:00Z")]);
    expect(instantsOf("UTC", "2026-11-27T02:30")).toEqual([at("2026-11-27T02:30:00Z")]);
  });
  it("has none in the gap of a clock change", () => {
    expect(instantsOf("Europe/Berlin", "2026-03-29T02:30")).toEqual([]);
    expect(instantsOf("Australia/Lord_Howe", "2026-10-04T02:15")).toEqual([]);
  });
  it("has two in the overlap, the earlier first", () => {
    expect(instantsOf("Europe/Berlin", "2026-10-25T02:30")).toEqual([at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")]);
    expect(instantsOf("Australia/Lord_Howe", "2026-04-05T01:45")).toHaveLength(2);
  });
  it("comes back from an instant", () => {
    for (const zone of ["Asia/Seoul", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]) {
      for (let hour = 0; hour < 24 * 365; hour += 61) {
        const instant = at("2026-01-01T00:00:00Z") + hour * 3_600_000;
        expect(instantsOf(zone, wallText(zone, instant))).toContain(instant);
      }
    }
  });
  it("reads a date as its midnight, and no nonsense", () => {
    expect(instantsOf("Asia/Seoul", "2026-11-27")).toEqual([at("2026-11-26T15:00:00Z")]);
    expect(instantsOf("Asia/Seoul", "soon")).toEqual([]);
  });
});

it("goes back a day of the zone's calendar, over months, years and changes of the clocks", () => {
  expect(dayBefore("Asia/Seoul", at("2026-11-26T18:00:00Z"))).toBe("2026-11-26");
  expect(dayBefore("UTC", at("2026-11-26T18:00:00Z"))).toBe("2026-11-25");
  expect(dayBefore("UTC", at("2028-03-01T00:00:00Z"))).toBe("2028-02-29");
  expect(dayBefore("UTC", at("2027-01-01T12:00:00Z"))).toBe("2026-12-31");
  // The day after the clocks went forward has 23 hours before it.
  expect(dayBefore("Europe/Berlin", at("2026-03-29T22:30:00Z"))).toBe("2026-03-29");
});

it("names zones", () => {
  expect(isZone("Asia/Seoul")).toBe(true);
  expect(isZone("Mars/Base")).toBe(false);
  expect(offsetOf("Asia/Kathmandu", 0)).toBe(330);
  expect(offsetText("America/St_Johns", at("2026-01-01T00:00:00Z"))).toBe("UTC−03:30");
  expect(shortZone("Asia/Seoul", 0)).toBe("KST");
});
