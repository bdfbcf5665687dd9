import { ApiError } from "../api/client.ts";
import type { Messages } from "../i18n/index.tsx";

/** An error as a sentence in the reader's language. */
export function faultText({ common }: Pick<Messages, "common">, error: unknown): string {
  if (error instanceof ApiError) return common.fault(error.code, error.message);
  return error instanceof Error ? error.message : String(error);
}
