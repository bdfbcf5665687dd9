/** The params of a DAG as a form: which control a schema gets, and what its text means. */
import { typedNumber } from "../../api/exact.ts";

export interface ParamSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  format?: string;
  items?: ParamSchema;
  minimum?: number;
  maximum?: number;
}

export type Control = "text" | "number" | "switch" | "select" | "checks" | "date" | "datetime" | "json";

export interface Param {
  name: string;
  schema: ParamSchema;
  control: Control;
  isRequired: boolean;
}

const isText = (value: unknown): value is string => typeof value === "string";

/** What a schema that the form does not know is edited as: JSON. */
export function controlOf({ type, enum: values, format, items }: ParamSchema): Control {
  if (values?.every(isText)) return "select";
  if (type === "boolean") return "switch";
  if (type === "number" || type === "integer") return "number";
  if (type === "array" && items?.enum?.every(isText)) return "checks";
  if (type === "string") return format === "date" ? "date" : format === "date-time" ? "datetime" : "text";
  return "json";
}

export function paramsOf(schema: unknown): Param[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, required } = schema as { properties?: Record<string, ParamSchema>; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, each]) => ({ name, schema: each, control: controlOf(each), isRequired: required?.includes(name) ?? false }));
}

/** The values that the form begins with: those of an earlier run, else the defaults. */
export const startOf = (params: readonly Param[], earlier: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  Object.fromEntries(params.map(({ name, schema }) => [name, earlier[name] ?? schema.default]).filter(([, value]) => value !== undefined));

/** What is sent: values that differ from the defaults, and what the schema has no name for. */
export function confOf(params: readonly Param[], values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const defaults = new Map(params.map(({ name, schema }) => [name, JSON.stringify(schema.default)]));
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== undefined && JSON.stringify(value) !== defaults.get(name)));
}

/** A number as typed; undefined = the field is empty. */
export const numberOf = (text: string): unknown => (text.trim() === "" ? undefined : typedNumber(text));

/** Names of the params that an earlier version lacked. */
export function newNames(params: readonly Param[], earlier: readonly Param[]): Set<string> {
  const known = new Set(earlier.map(({ name }) => name));
  return new Set(params.map(({ name }) => name).filter((name) => !known.has(name)));
}
