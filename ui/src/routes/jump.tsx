import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, createContext, use, useEffect, useMemo, useState } from "react";
import { dagNames, search } from "../api/lists.ts";
import type { SearchHit } from "../api/shapes.ts";
import { useT } from "../i18n/index.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Icon, type IconName } from "../kit/icon.tsx";

interface Jump {
  open(): void;
}
const Context = createContext<Jump>({ open: () => {} });
export const useJump = (): Jump => use(Context);

export function JumpProvider({ children }: { children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const jump = useMemo(() => ({ open: () => setOpen(true) }), []);
  return (
    <Context value={jump}>
      {children}
      {isOpen && <JumpDialog onClose={() => setOpen(false)} />}
    </Context>
  );
}

interface Target {
  key: string;
  to: string;
  glyph: ReactNode;
  title: string;
  kind: string;
}

/** Pages and DAGs by name. Up and down choose, Enter goes. */
function JumpDialog({ onClose }: { onClose(): void }) {
  const { common } = useT();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { targets, isSettled } = useTargets(text.trim());
  const [isWaiting, setWaiting] = useState(false);
  const chosen = Math.min(at, targets.length - 1);
  const go = (target: Target | undefined) => {
    if (!target) return;
    onClose();
    void navigate({ href: target.to });
  };
  // Enter before the answer goes to the first hit of that answer, not to what the list shows of an earlier text.
  useEffect(() => {
    if (!isWaiting || !isSettled) return;
    setWaiting(false);
    go(targets[0]);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + targets.length) % Math.max(1, targets.length));
    else if (event.key === "Enter" && isSettled) go(targets[chosen]);
    else if (event.key === "Enter") setWaiting(true);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog open onClose={onClose} title={common.search_or_jump} isBare>
      <input
        className="inp"
        role="combobox"
        aria-expanded="true"
        aria-controls="jump-list"
        aria-activedescendant={targets[chosen] ? `jump-${chosen}` : undefined}
        aria-label={common.search_or_jump}
        autoFocus
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="jump-list" role="listbox" aria-label={common.search_or_jump} className="jump">
        {targets.map((target, index) => (
          <li key={target.key} id={`jump-${index}`} role="option" aria-selected={index === chosen} className="menu-item" data-highlighted={index === chosen || undefined} onClick={() => go(target)} onPointerMove={() => setAt(index)}>
            {target.glyph}
            <span className="cut grow">{target.title}</span>
            <span className="dim small">{target.kind}</span>
          </li>
        ))}
      </ul>
      {targets.length === 0 && <p className="muted pad">{common.nothing_fits(text)}</p>}
    </Dialog>
  );
}

/** Pages by name, and what the server's search finds: DAGs, tasks, runs. Without a text the first DAGs. */
function useTargets(text: string): { targets: Target[]; isSettled: boolean } {
  const { common } = useT();
  const names = useQuery({ ...dagNames(""), enabled: text === "" });
  const found = useQuery({ ...search(text), enabled: text !== "" });
  const pages: [string, string, IconName][] = [
    ["/", common.home, "home"],
    ["/runs", common.runs, "runs"],
    ["/upcoming", common.upcoming, "clock"],
    ["/backfills", common.backfills, "back"],
    ["/approvals", common.approvals, "hand"],
    ["/admin", common.admin, "gear"],
  ];
  const shown = pages.filter(([, title]) => title.toLowerCase().includes(text.toLowerCase())).map(([to, title, icon]) => ({ key: to, to, glyph: <Icon name={icon} />, title, kind: "" }));
  const dags = (names.data?.dags ?? []).map((dag) => target({ kind: "dag", title: dag.dag_id, dag_id: dag.dag_id, dag_run_id: null, task_id: null }));
  if (text === "") return { targets: [...shown, ...dags], isSettled: true };
  return { targets: [...(found.data?.hits ?? []).map(target), ...shown], isSettled: !found.isPlaceholderData && !found.isPending };
}

const KINDS: Record<string, string> = { dag: "DAG" };

/** A task leads to its DAG, where the grid shows it in all runs. */
function target({ kind, title, dag_id, dag_run_id, task_id }: SearchHit): Target {
  const dag = `/dags/${encodeURIComponent(dag_id)}`;
  const to = dag_run_id ? `${dag}/runs/${encodeURIComponent(dag_run_id)}` : task_id ? `${dag}?task=${encodeURIComponent(task_id)}` : dag;
  return { key: `${kind} ${to}`, to, glyph: <Icon name={kind === "run" ? "play" : kind === "task" ? "runs" : "book"} />, title, kind: KINDS[kind] ?? dag_id };
}
