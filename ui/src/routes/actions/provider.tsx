import { type ReactNode, createContext, use, useMemo, useState } from "react";
import { RetryDialog } from "./retry.tsx";

export interface RetryTarget {
  dagId: string;
  runId: string;
  /** One task with what is downstream; absent = all that failed in the run. */
  taskId?: string;
  mapIndex?: number;
}

/** The dialogs that change something from anywhere; each shows a dry run first. */
export interface Actions {
  retry(target: RetryTarget): void;
}

const Context = createContext<Actions>({ retry: () => {} });
export const useActions = (): Actions => use(Context);

export function ActionsProvider({ children }: { children: ReactNode }) {
  const [target, setTarget] = useState<RetryTarget | null>(null);
  const actions = useMemo(() => ({ retry: setTarget }), []);
  return (
    <Context value={actions}>
      {children}
      {target && <RetryDialog target={target} onClose={() => setTarget(null)} />}
    </Context>
  );
}
