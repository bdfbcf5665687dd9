/** What goes wrong, as errors. */

import type { components } from "./schema.js";

type Problem = components["schemas"]["Problem"];

/** The server answered with an error. */
export class MainspringError extends Error {
  override readonly name: string = "MainspringError";

  constructor(
    readonly status: number,
    /** Undefined when something else than the server answered, a proxy for example. */
    readonly problem: Problem | undefined,
  ) {
    super(`${status}: ${problem === undefined ? "no answer of Mainspring" : messageOf(problem)}`);
  }

  /** Stable name of what is wrong, `not_found` for example; undefined when something else than the server answered. */
  get code(): string | undefined {
    return this.problem?.code;
  }
}

/** The token was valid until its end: a new one helps. */
export class TokenExpiredError extends MainspringError {
  override readonly name = "TokenExpiredError";
}

/** The exception for an answer with an error. */
export function errorOf(status: number, problem: Problem | undefined): MainspringError {
  return problem?.code === "token_expired" ? new TokenExpiredError(status, problem) : new MainspringError(status, problem);
}

/** The error that a response without success tells. */
export async function failureOf(response: Response): Promise<MainspringError> {
  const body: unknown = await response.json().catch(() => undefined);
  return errorOf(response.status, isProblem(body) ? body : undefined);
}

export function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

function messageOf(problem: Problem): string {
  if (problem.errors !== undefined && problem.errors.length > 0) {
    return problem.errors.map(faultOf).join("; ");
  }
  const { detail } = problem;
  if (typeof detail === "string") {
    return problem.hint === undefined ? detail : `${detail} (${problem.hint})`;
  }
  return "message" in detail ? String(detail.message) : JSON.stringify(detail);
}

function faultOf({ line, pointer, message, hint }: components["schemas"]["ErrorItem"]): string {
  const place = `${line === null ? "" : `line ${line}, `}${pointer === "" ? "" : `${pointer}: `}`;
  return `${place}${message}${hint === null ? "" : ` (${hint})`}`;
}
