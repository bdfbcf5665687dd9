/** What a task gets, for people to read. Pure functions. */

export interface Input {
  name: string;
  value: unknown;
  /** Name of the secret that stands behind the input; null = a plain value. */
  secret: string | null;
}

/** Fields of a task that say what it works on. The others say when, where and how often it runs. */
const FIELDS = new Set("command script env callable source args kwargs inputs working_dir method url query headers body json conf dag_id message choices choose until for http".split(" "));

/** What a task works on, as its definition says; variables of the environment are entries of their own. */
export function inputsOf(task: unknown): Input[] {
  if (typeof task !== "object" || task === null) return [];
  return Object.entries(task).flatMap(([name, value]): Input[] => {
    if (!FIELDS.has(name) || value === null || value === undefined) return [];
    if (name === "env" && typeof value === "object") return Object.entries(value).map(([variable, each]) => inputOf(variable, each));
    return [inputOf(name, value)];
  });
}

function inputOf(name: string, value: unknown): Input {
  const secret = typeof value === "object" && value !== null && "secret" in value && Object.keys(value).length === 1 && typeof value.secret === "string" ? value.secret : null;
  return { name, value, secret };
}

/** The run that a task of the type `dag` made: the one that it waits for, or the one that it put out. Null = unknown. */
export function childRunOf(task: unknown, waitsFor: unknown, outputs: readonly { key: string; value: unknown }[]): { dagId: string; runId: string } | null {
  const text = (value: unknown, name: string): string | null => {
    const member: unknown = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : null;
    return typeof member === "string" && !member.includes("${{") ? member : null;
  };
  if (text(task, "type") !== "dag") return null;
  const dagId = text(waitsFor, "dag_id") ?? text(task, "dag_id");
  const put = outputs.find((output) => output.key === "run_id")?.value;
  const runId = text(waitsFor, "run_id") ?? (typeof put === "string" ? put : null);
  return dagId === null || runId === null ? null : { dagId, runId };
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
