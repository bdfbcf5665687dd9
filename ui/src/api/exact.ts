/** JSON whose numbers keep their text where a number of JavaScript would change it. */

interface RawJson {
  rawJSON?(text: string): unknown;
}

/** A number as its author wrote it: `String` and `JSON.stringify` give that text back. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  /** A browser from before 2025 has no raw JSON and rounds. */
  toJSON(): unknown {
    return (JSON as RawJson).rawJSON?.(this.text) ?? Number(this.text);
  }
}

type Keeps = (value: number, text: string) => boolean;

/** The text of a number as JSON spells it. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LONG_INTEGER = /^-?\d{16,}$/;
/** Where JSON may have an integer that is rounded. Nearly all answers have none, and are read the fast way. */
const MAY_HAVE_LONG = /(?:^|[[:,\s])-?\d{16}/;

const isAltered: Keeps = (value, text) => String(value) !== text;

function read(json: string, keeps: Keeps): unknown {
  const revive = (_: string, value: unknown, context?: { source?: string }): unknown => (typeof value === "number" && context?.source !== undefined && keeps(value, context.source) ? new ExactNumber(context.source) : value);
  return JSON.parse(json, revive);
}

/** The value of an answer; integers that would be rounded are exact numbers. Throws as `JSON.parse`. */
export const fromJson = (json: string): unknown => (MAY_HAVE_LONG.test(json) ? read(json, (value, text) => LONG_INTEGER.test(text) && isAltered(value, text)) : JSON.parse(json));

/** The value of JSON that a person typed: it is sent as typed, `1.0` as `1.0`. Throws as `JSON.parse`. */
export const fromTyped = (json: string): unknown => read(json, isAltered);

/** A number that a person typed. What is no number stays a text, so that the server says what is wrong with it. */
export function typedNumber(text: string): number | string | ExactNumber {
  const typed = text.trim();
  if (NUMBER.test(typed)) return isAltered(Number(typed), typed) ? new ExactNumber(typed) : Number(typed);
  return typed !== "" && Number.isFinite(Number(typed)) ? Number(typed) : text;
}
