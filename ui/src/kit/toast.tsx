import { Toast } from "@base-ui/react/toast";
import { type ReactNode } from "react";
import { ApiError } from "../api/client.ts";
import { useT } from "../i18n/index.tsx";
import { faultText } from "./fault.ts";
import { Glyph } from "./state.tsx";

/** Say in a word what happened, at the foot of the page: `note("nightly_sales is paused")`. */
export function useToast(): { note(text: string): void; fail(error: unknown): void } {
  const manager = Toast.useToastManager();
  const t = useT();
  return {
    note: (text) => void manager.add({ title: text, timeout: 4000 }),
    fail: (error) => {
      const code = error instanceof ApiError && error.code ? `${error.code}: ` : "";
      void manager.add({ title: code + faultText(t, error), type: "failed", timeout: 10_000, priority: "high" });
    },
  };
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      {toast.type === "failed" && <Glyph state="failed" />}
      <Toast.Title className="grow anywhere" />
      <Toast.Close className="btn bare icon" aria-label="×">
        <i className="i i-x" aria-hidden="true" />
      </Toast.Close>
    </Toast.Root>
  ));
}

export const Toasts = ({ children }: { children: ReactNode }) => (
  <Toast.Provider>
    {children}
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        <List />
      </Toast.Viewport>
    </Toast.Portal>
  </Toast.Provider>
);
