/** How an instance of a task is named wherever it stands, and which part it plays in its run. Pure functions. */
import type { Messages } from "../i18n/types.ts";

/** `load [eu]` by the key of a mapped instance or its index; `load` for a task that is not mapped. */
export const instanceName = (taskId: string, rendered: string | null | undefined): string => (rendered === null || rendered === undefined ? taskId : `${taskId} [${rendered}]`);

interface Part {
  handler: string | null;
  setup_teardown_type: string | null;
}

/** The word for a set-up, a tear-down or a handler of the run; empty for any other task. */
export function roleOf(words: Pick<Messages["run"], "roles" | "handlers">, { handler, setup_teardown_type: type }: Part): string {
  if (type !== null) return words.roles[type] ?? type;
  return handler === null ? "" : (words.handlers[handler] ?? handler);
}
