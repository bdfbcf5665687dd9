import type { en } from "./en.ts";

/** What another language must have: the same keys, and functions of the same parameters. */
type Shape<T> = {
  [Key in keyof T]: T[Key] extends (...parameters: infer P) => string ? (...parameters: P) => string : T[Key] extends string ? string : Shape<T[Key]>;
};
export type Messages = Shape<typeof en>;
