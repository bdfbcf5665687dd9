import { useState } from "react";

export type Times = "full" | "relative" | "off";

/** A choice that is kept in this browser. */
export function useSetting<Value extends string>(name: string, values: readonly Value[], first: Value): [Value, (value: Value) => void] {
  const key = `mainspring.log.${name}`;
  const [value, setValue] = useState<Value>(() => values.find((each) => each === localStorage.getItem(key)) ?? first);
  const choose = (next: Value): void => {
    localStorage.setItem(key, next);
    setValue(next);
  };
  return [value, choose];
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** 03:09:51.820 in the zone, or +12:04.820 since the start. */
export function lineTime(timestamp: string, times: Times, zone: string, startedAt: number | null): string {
  if (times === "off") return "";
  const instant = Date.parse(timestamp);
  if (Number.isNaN(instant)) return "";
  if (times === "relative" && startedAt !== null) return sinceStart(instant - startedAt);
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });
    formats.set(zone, format);
  }
  return format.format(instant);
}

function sinceStart(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "+";
  const all = Math.abs(milliseconds);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const hours = Math.floor(all / 3_600_000);
  const tail = `${two((all / 60_000) % 60)}:${two((all / 1000) % 60)}.${String(all % 1000).padStart(3, "0")}`;
  return `${sign}${hours > 0 ? `${hours}:` : ""}${tail}`;
}
