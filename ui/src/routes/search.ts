/** What stands in the address after `?`: read with types, so that every state of the page is an address. */
export type Search = Record<string, unknown>;

/** Texts; what is absent or no text is left out. */
export function text<Name extends string>(search: Search, ...names: Name[]): { [Key in Name]?: string } {
  const read: { [Key in Name]?: string } = {};
  for (const name of names) {
    const value = search[name];
    if (typeof value === "string" && value) read[name] = value;
    else if (typeof value === "number" || typeof value === "boolean") read[name] = String(value);
  }
  return read;
}

/** Whole numbers from 0. */
export function natural<Name extends string>(search: Search, ...names: Name[]): { [Key in Name]?: number } {
  const read: { [Key in Name]?: number } = {};
  for (const name of names) {
    const value = Number(search[name]);
    if (search[name] !== undefined && Number.isInteger(value) && value >= 0) read[name] = value;
  }
  return read;
}

/** One of a few. */
export function choice<Name extends string, const Value extends string>(search: Search, name: Name, values: readonly Value[]): { [Key in Name]?: Value } {
  const value = values.find((each) => each === search[name]);
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: Value };
}
