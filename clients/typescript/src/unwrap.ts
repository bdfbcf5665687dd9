/** Answers as values, errors as exceptions. */

import { errorOf, isProblem } from "./errors.js";

/** The answer of a call, or a `MainspringError` thrown: `const run = await unwrap(client.GET(...))`. */
export async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) {
    throw errorOf(response.status, isProblem(error) ? error : undefined);
  }
  return data as T;
}
