import { ApiError } from "../api/client.ts";
import type { Messages } from "../i18n/index.tsx";

/** The words for a single fault: its code and the sentence of the server. */
export type FaultWord = Messages["common"]["single_fault"];

/** An error as a sentence in the reader's language. */
export function faultText({ common }: Pick<Messages, "common">, error: unknown): string {
  if (error instanceof ApiError) return common.fault(error.code, error.message);
  return error instanceof Error ? error.message : String(error);
}
