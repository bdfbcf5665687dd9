/** Dates and durations as people read them. Only `Intl` knows calendars. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: zone, hourCycle: "h23", ...options });
    formats.set(key, known);
  }
  return known;
}

export interface Clock {
  language: string;
  zone: string;
  now: number;
}

const DAY = 86_400_000;

/** 02:30 */
export const time = (clock: Clock, instant: number): string =>
  format(clock.language, clock.zone, { hour: "2-digit", minute: "2-digit" }).format(instant);

/** 02:30:07 */
export const timeWithSeconds = (clock: Clock, instant: number): string =>
  format(clock.language, clock.zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(instant);

/** Fri 27 Nov; with the year when it is not this one. */
export function day(clock: Clock, instant: number): string {
  const isThisYear = yearOf(clock, instant) === yearOf(clock, clock.now);
  const parts = format(clock.language, clock.zone, { weekday: "short", day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) });
  return parts.format(instant).replace(",", "");
}

/** Fri 27 */
export const dayOfMonth = (clock: Clock, instant: number): string => format(clock.language, clock.zone, { weekday: "short", day: "numeric" }).format(instant);

/** Fri 27 Nov 02:30 */
export const moment = (clock: Clock, instant: number): string => `${day(clock, instant)} ${time(clock, instant)}`;

/** The time alone today, the weekday within six days, else the day. */
export function near(clock: Clock, instant: number): string {
  if (sameDay(clock, instant, clock.now)) return time(clock, instant);
  if (Math.abs(instant - clock.now) < 6 * DAY) {
    return `${format(clock.language, clock.zone, { weekday: "short" }).format(instant)} ${time(clock, instant)}`;
  }
  return format(clock.language, clock.zone, { day: "numeric", month: "short" }).format(instant);
}

/** For a tooltip: the whole instant in the shown zone and in UTC. */
export function exact(clock: Clock, instant: number): string {
  const whole = format(clock.language, clock.zone, { dateStyle: "full", timeStyle: "long" }).format(instant);
  return clock.zone === "UTC" ? whole : `${whole}\n${new Date(instant).toISOString().replace(".000", "")}`;
}

export const sameDay = (clock: Clock, one: number, other: number): boolean => {
  const parts = format("en", clock.zone, { year: "numeric", month: "numeric", day: "numeric" });
  return parts.format(one) === parts.format(other);
};

const yearOf = (clock: Clock, instant: number): string => format("en", clock.zone, { year: "numeric" }).format(instant);

const unit = (language: string, value: number, name: "second" | "minute" | "hour" | "day", digits = 0): string => {
  if (language === "ko") return `${value.toFixed(digits)}${{ second: "초", minute: "분", hour: "시간", day: "일" }[name]}`;
  return `${value.toFixed(digits)} ${{ second: "s", minute: "min", hour: "h", day: "d" }[name]}`;
};

/** 0.4 s, 41 s, 4 min 12 s, 1 h 48 min, 2 d 3 h. Two units at most. */
export function duration(language: string, seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 9.95) return unit(language, Math.max(0, seconds), "second", seconds < 0.05 ? 0 : 1);
  if (whole < 60) return unit(language, whole, "second");
  const two = (large: string, small: string, rest: number) => (rest ? `${large} ${small}` : large);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return two(unit(language, minutes, "minute"), unit(language, whole % 60, "second"), whole % 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(unit(language, hours, "hour"), unit(language, minutes % 60, "minute"), minutes % 60);
  return two(unit(language, Math.floor(hours / 24), "day"), unit(language, hours % 24, "hour"), hours % 24);
}

/** The largest unit alone: 41 s, 4 min, 2 h, 3 d. */
export function roughly(language: string, seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return unit(language, whole, "second");
  if (whole < 3600) return unit(language, Math.floor(whole / 60), "minute");
  if (whole < 48 * 3600) return unit(language, Math.floor(whole / 3600), "hour");
  return unit(language, Math.floor(whole / 86_400), "day");
}

/** 12,480 */
export const count = (language: string, value: number): string => new Intl.NumberFormat(language).format(value);
