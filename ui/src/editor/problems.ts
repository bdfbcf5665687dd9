/** Faults of a definition, as the server says them, for the editor. Pure functions. */

import type { FaultWord } from "../kit/fault.ts";

export interface ServerProblem {
  code: string;
  pointer: string;
  message: string;
  line?: number | null | undefined;
  hint?: string | null | undefined;
}

export interface EditorProblem {
  /** From 1; null = the server knows no line. */
  line: number | null;
  /** Columns within the line; the whole of it when nothing in it is named. */
  from: number;
  to: number;
  message: string;
  severity: "error" | "warning";
  /** A word that would cure it, in place of what stands from `from` to `to`. */
  fix: string | null;
}

const QUOTED = /'([^']+)'|"([^"]+)"|`([^`]+)`/g;
const quotedIn = (text: string): string[] => [...text.matchAll(QUOTED)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");

/** The pointer without the place of the definition in the plan. */
export const pointerOf = (problem: ServerProblem): string => problem.pointer.replace(/^\/definitions\/\d+/, "");

export function problemOf(problem: ServerProblem, severity: "error" | "warning", lines: readonly string[], word: FaultWord = (_code, sentence) => sentence): EditorProblem {
  const line = problem.line && problem.line >= 1 && problem.line <= lines.length ? problem.line : null;
  const text = line === null ? "" : (lines[line - 1] ?? "");
  // A message names the task first, then what is wrong with it.
  const name = quotedIn(problem.message).findLast((each) => text.includes(each));
  const start = name === undefined ? text.length - text.trimStart().length : text.indexOf(name);
  const end = name === undefined ? text.trimEnd().length : start + name.length;
  const cures = problem.hint && /did you mean/i.test(problem.hint) ? quotedIn(problem.hint) : [];
  const message = word(problem.code, problem.hint ? `${problem.message}. ${problem.hint}` : problem.message);
  return { line, from: start, to: Math.max(start, end), message, severity, fix: name !== undefined && cures.length === 1 ? (cures[0] ?? null) : null };
}
