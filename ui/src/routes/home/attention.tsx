import { Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import type { Attention, Summary } from "../../api/shapes.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button } from "../../kit/button.tsx";
import { instanceName } from "../../kit/instance.ts";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph, useReason } from "../../kit/state.tsx";
import { Ago, useClock } from "../../kit/time.tsx";
import { near, roughly } from "../../time/format.ts";
import { useActions } from "../actions/provider.tsx";
import { useSession } from "../session.tsx";

const GLYPHS: Record<Attention["kind"], string> = { failed: "failed", retrying: "up_for_retry", late: "late", slow: "late", approval: "asks", backfill_paused: "late" };

interface Props {
  query: { data: Summary | undefined; error: unknown; refetch: () => unknown };
}

/** What needs a person, worst first: the task, the reason, the line of the log that says why, and two buttons. */
export function AttentionPanel({ query }: Props) {
  const { home } = useT();
  const items = query.data?.attention ?? [];
  const keys = (
    <span className="small dim hide-s">
      <kbd>J</kbd> <kbd>K</kbd>
    </span>
  );
  return (
    <div style={{ marginBlock: "4px 16px" }}>
      <Panel title={home.attention} aside={items.length || ""} actions={items.length > 1 ? keys : undefined}>
        <Loaded query={query} rows={3}>
          {() => (items.length ? <Items items={items} /> : <p className="pad muted row"><Glyph state="success" />{home.attention_none}</p>)}
        </Loaded>
      </Panel>
    </div>
  );
}

const keyOf = (item: Attention) => [item.kind, item.dag_id, item.dag_run_id, item.task_id, item.map_index].join(" ");

function Items({ items }: { items: Attention[] }) {
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const navigate = useNavigate();
  const actions = useActions();
  const session = useSession();
  const chosen = Math.min(at, items.length - 1);
  const item = items[chosen];
  const move = (step: number) => {
    const next = Math.max(0, Math.min(items.length - 1, chosen + step));
    setAt(next);
    list.current?.querySelectorAll<HTMLElement>("li > .acts > .btn:first-child")[next]?.focus();
  };
  const open = () => item && void navigate({ href: targetOf(item) });
  useKeys({
    KeyJ: () => move(1),
    KeyK: () => move(-1),
    KeyL: open,
    Enter: open,
    KeyR: () => item?.dag_run_id && session.may("operator", item.dag_id) && actions.retry({ dagId: item.dag_id, runId: item.dag_run_id }),
  });
  return (
    <ul ref={list}>
      {items.map((each, index) => (
        <Item key={keyOf(each)} item={each} isChosen={index === chosen} onFocus={() => setAt(index)} />
      ))}
    </ul>
  );
}

/** Where the first button leads: a failed try's log opens at its error. */
export function targetOf(item: Attention): string {
  const dag = `/dags/${encodeURIComponent(item.dag_id)}`;
  if (item.kind === "backfill_paused") return "/backfills";
  if (item.kind === "approval") return "/approvals";
  if (!item.dag_run_id) return dag;
  const run = `${dag}/runs/${encodeURIComponent(item.dag_run_id)}`;
  if (!item.task_id) return run;
  const mapped = item.map_index !== null && item.map_index >= 0 ? `/mapped/${item.map_index}` : "";
  return `${run}/tasks/${encodeURIComponent(item.task_id)}${mapped}${item.try_number ? `?try=${item.try_number}` : ""}`;
}

function Item({ item, isChosen, onFocus }: { item: Attention; isChosen: boolean; onFocus(): void }) {
  const { common } = useT();
  const isQuoted = item.line !== null && (item.kind === "failed" || item.kind === "retrying");
  const why = item.line?.text ?? common.said(item.message ?? "");
  const onKeyDown = (event: KeyboardEvent) => event.key === "Enter" && event.stopPropagation();
  return (
    <li className="att" aria-current={isChosen} onFocus={onFocus} onPointerMove={onFocus} onKeyDown={onKeyDown}>
      <Glyph state={GLYPHS[item.kind]} large />
      <p className="cut">
        <Link className="b" to="/dags/$dagId" params={{ dagId: item.dag_id }}>
          {item.dag_id}
        </Link>
        {item.task_id && (
          <>
            {" "}
            <span className="dim">/</span>{" "}
            <a className="b" href={targetOf(item)}>
              {instanceName(item.task_id, item.rendered_map_index)}
            </a>
          </>
        )}{" "}
        <span className="muted">
          <Reason item={item} />
        </span>{" "}
        <span className="dim nw">
          · <Ago at={item.since} />
        </span>
      </p>
      {why && <p className={isQuoted ? "why" : "why plain"}>{why}</p>}
      <Buttons item={item} isChosen={isChosen} />
    </li>
  );
}

function Reason({ item }: { item: Attention }) {
  const { home } = useT();
  const { language } = useLanguage();
  const reason = useReason();
  const clock = useClock(5);
  const parts: (string | false | 0 | null)[] = [];
  if (item.kind === "late") parts.push(item.due_at && home.due(near(clock, Date.parse(item.due_at))));
  else if (item.kind === "slow") parts.push(home.slow);
  else if (item.kind === "approval") parts.push(home.asks, item.due_at && home.gives_up(near(clock, Date.parse(item.due_at))));
  else if (item.kind === "backfill_paused") parts.push(home.backfill_paused);
  else parts.push(reason(item.state_reason), !!item.try_number && home.try_of(item.try_number));
  if (item.kind === "retrying" && item.next_try_at) {
    const left = (Date.parse(item.next_try_at) - clock.now) / 1000;
    parts.push(left > 0 ? home.tries_again(roughly(language, left)) : home.tries_again_now);
  }
  if (item.failed_in_a_row && item.failed_in_a_row > 1) parts.push(home.in_a_row(item.failed_in_a_row));
  return <>{parts.filter(Boolean).join(", ")}</>;
}

function Buttons({ item, isChosen }: { item: Attention; isChosen: boolean }) {
  const { home } = useT();
  const session = useSession();
  const actions = useActions();
  const canAct = session.may("operator", item.dag_id);
  const link = (to: string, text: ReactNode, isMain = false) => (
    <Link className={isMain ? "btn pri" : "btn"} to={to}>
      {text} {isMain && <kbd>↵</kbd>}
    </Link>
  );
  const target = targetOf(item);
  const run = item.dag_run_id ? `/dags/${encodeURIComponent(item.dag_id)}/runs/${encodeURIComponent(item.dag_run_id)}` : "";
  const first = item.kind === "approval" && canAct ? link(target, home.answer, isChosen) : item.kind === "late" ? link(target, home.why, isChosen) : item.task_id ? link(target, home.log, isChosen) : link(target, home.open, isChosen);
  const second =
    item.kind === "failed" && run && canAct ? (
      <Button onClick={() => actions.retry({ dagId: item.dag_id, runId: item.dag_run_id ?? "" })} hotkey={isChosen ? "R" : undefined}>
        {home.retry_failed}
      </Button>
    ) : (
      run && link(run, home.open_run)
    );
  return (
    <span className="acts">
      {first}
      {second}
    </span>
  );
}
