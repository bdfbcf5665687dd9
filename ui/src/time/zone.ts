import { createContext, use } from "react";

export const ZONE_KEY = "mainspring.zone";

/** The zone in which every date of the page is shown and every input is read. */
export interface Zone {
  name: string;
  choose(name: string): void;
  /** UTC, or back to what was shown before. */
  toggle(): void;
}

export const ZoneContext = createContext<Zone>({ name: "UTC", choose: () => {}, toggle: () => {} });
export const useZone = (): Zone => use(ZoneContext);

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Minutes east of UTC at an instant. */
export function offsetOf(zone: string, instant: number): number {
  const wall = wallOf(zone, instant);
  return Math.round((Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second) - Math.floor(instant / 1000) * 1000) / 60_000);
}

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const partsFormats = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall of a zone shows at an instant. */
export function wallOf(zone: string, instant: number): Wall {
  let format = partsFormats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    partsFormats.set(zone, format);
  }
  const wall: Wall = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const part of format.formatToParts(instant)) if (part.type in wall) wall[part.type as keyof Wall] = Number(part.value);
  return wall;
}

/**
 * The instants at which a clock of the zone shows `YYYY-MM-DDTHH:MM`, earliest first: none in the gap of a clock
 * change, two in its overlap.
 */
export function instantsOf(zone: string, wall: string): number[] {
  const asUtc = Date.parse(`${wall.length === 10 ? `${wall}T00:00` : wall}Z`);
  if (Number.isNaN(asUtc)) return [];
  const offsets = new Set([-26, -1, 0, 1, 26].map((hours) => offsetOf(zone, asUtc + hours * 3_600_000)));
  return [...offsets]
    .map((minutes) => asUtc - minutes * 60_000)
    .filter((instant) => asUtc === instant + offsetOf(zone, instant) * 60_000)
    .sort((a, b) => a - b);
}

/** The first instant of a day of the zone. A midnight that the clocks skip begins the day at the next instant that there is. */
export const dayStart = (zone: string, date: string): number => instantsOf(zone, date)[0] ?? instantsOf(zone, `${date}T01:00`)[0] ?? Date.parse(date);

/** `YYYY-MM-DD` of the day before the one that the calendar of the zone shows. */
export function dayBefore(zone: string, instant: number): string {
  const { year, month, day } = wallOf(zone, instant);
  return new Date(Date.UTC(year, month - 1, day - 1)).toISOString().slice(0, 10);
}

/** `YYYY-MM-DDTHH:MM` on the wall of the zone, as an input of type `datetime-local` takes it. */
export function wallText(zone: string, instant: number): string {
  const { year, month, day, hour, minute } = wallOf(zone, instant);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** The short name that people use: KST, UTC, CET; an offset where there is none. */
export function shortZone(zone: string, instant: number): string {
  if (zone === "Asia/Seoul") return "KST";
  if (zone === "Asia/Tokyo") return "JST";
  const part = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "short" }).formatToParts(instant).find((each) => each.type === "timeZoneName");
  return (part?.value ?? zone).replace("GMT", "UTC").replace(/^UTC$/, "UTC");
}

export function offsetText(zone: string, instant: number): string {
  const minutes = offsetOf(zone, instant);
  const two = (value: number) => String(Math.trunc(value)).padStart(2, "0");
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}
