import { createContext, use } from "react";

export interface RunId {
  dagId: string;
  runId: string;
}

/** The dialogs that change something; each shows a dry run first. */
export interface Actions {
  /** Retry the failed tasks of a run, or one task, with what is downstream. */
  retry(target: RunId & { taskId?: string; mapIndex?: number }): void;
}

export const ActionsContext = createContext<Actions>({ retry: () => {} });
export const useActions = (): Actions => use(ActionsContext);
