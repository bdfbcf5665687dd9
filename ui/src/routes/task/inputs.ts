/** What a task got, for people to read. Pure functions. */

export interface Input {
  name: string;
  value: unknown;
  /** Name of the secret that stands behind the input; null = a plain value. */
  secret: string | null;
}

/** The rendered fields, with the variables of the environment as entries of their own. */
export function inputsOf(fields: unknown): Input[] {
  if (typeof fields !== "object" || fields === null) return [];
  return Object.entries(fields).flatMap(([name, value]): Input[] => {
    if (value === null || value === undefined) return [];
    if (name === "env" && typeof value === "object") return Object.entries(value).map(([variable, each]) => inputOf(variable, each));
    return [inputOf(name, value)];
  });
}

function inputOf(name: string, value: unknown): Input {
  const secret = typeof value === "object" && value !== null && "secret" in value && Object.keys(value).length === 1 && typeof value.secret === "string" ? value.secret : null;
  return { name, value, secret };
}

const PARTS = /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const SECONDS = [604_800, 86_400, 3600, 60, 1];
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of a span as definitions write it: PT15M, 20s, or a number; null = none, or not readable. */
export function secondsOf(span: unknown): number | null {
  if (typeof span === "number") return span;
  if (typeof span !== "string") return null;
  const short = /^(\d+(?:\.\d+)?)([smhd])$/.exec(span);
  if (short) return Number(short[1]) * UNITS[short[2]!]!;
  const parts = PARTS.exec(span);
  if (!parts || !/\d/.test(span)) return null;
  return SECONDS.reduce((sum, seconds, index) => sum + seconds * Number(parts[index + 1] ?? 0), 0);
}
