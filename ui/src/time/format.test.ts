import { expect, it } from "vitest";
import { type Clock, day, duration, moment, near, roughly } from "./format.ts";

const clock: Clock = { language: "en", zone: "Asia/Seoul", now: Date.parse("2026-11-26T18:12:00Z") };
const at = (text: string) => Date.parse(text);

it("shows durations with two units at most", () => {
  const shown = [0, 0.42, 9.94, 9.96, 41, 59.6, 252, 3600, 6480, 97_200].map((seconds) => duration("en", seconds));
  expect(shown).toEqual(["0 s", "0.4 s", "9.9 s", "10 s", "41 s", "1 min", "4 min 12 s", "1 h", "1 h 48 min", "1 d 3 h"]);
  expect(duration("ko", 252)).toBe("4분 12초");
  expect(roughly("en", 7 * 3600)).toBe("7 h");
});

it("shows an instant in the zone", () => {
  expect(moment(clock, at("2026-11-26T17:30:00Z"))).toBe("Fri 27 Nov 02:30");
  expect(day(clock, at("2024-02-28T17:30:00Z"))).toBe("Thu 29 Feb 2024");
});

it("shows less of what is near", () => {
  expect(near(clock, at("2026-11-26T17:30:00Z"))).toBe("02:30");
  expect(near(clock, at("2026-11-27T17:30:00Z"))).toBe("Sat 02:30");
  expect(near(clock, at("2026-10-27T17:30:00Z"))).toBe("28 Oct");
});
