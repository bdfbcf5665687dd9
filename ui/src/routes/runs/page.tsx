import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { runs } from "../../api/lists.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button } from "../../kit/button.tsx";
import { TypedInput } from "../../kit/field.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Empty, Loaded } from "../../kit/panel.tsx";
import { useClock } from "../../kit/time.tsx";
import { count, moment } from "../../time/format.ts";
import { useSession } from "../session.tsx";
import { BulkBar } from "./bulk.tsx";
import { useSelection } from "./selection.ts";
import { RunTable } from "./table.tsx";

const PAGE = 50;
const STATES = ["failed", "running", "queued", "success"] as const;
const TYPES = ["scheduled", "manual", "backfill", "operator_triggered", "asset_triggered"] as const;

interface Filter {
  state?: string | undefined;
  dag?: string | undefined;
  type?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  conf?: string | undefined;
}

/** Runs of all DAGs, latest first; the filter stands in the address, and what is chosen can be changed at once. */
export function RunsPage() {
  const { common, lists } = useT();
  const { language } = useLanguage();
  const filter: Filter = useSearch({ from: "/shell/runs" });
  const [limit, setLimit] = useState(PAGE);
  const session = useSession();
  const selection = useSelection();
  const query = useQuery(runs({ ...(filter as object), limit }));
  useEffect(() => void (document.title = `${common.runs} · Mainspring`), [common]);
  const isFiltered = Object.values(filter).some(Boolean);
  const total = query.data?.total_entries;
  return (
    <>
      <div className="head">
        <h1>{common.runs}</h1>
        {total !== undefined && (
          <p className="facts beside">
            <span>{query.data?.total_entries_limit ? `${count(language, total)}+` : common.count_runs(total)}</span>
          </p>
        )}
      </div>
      <section className="panel">
        <header className="wrap">
          <Filters filter={filter} />
        </header>
        <Loaded query={query} rows={8}>
          {(data) =>
            data.dag_runs.length ? (
              <RunTable runs={data.dag_runs} selection={session.maySomewhere("operator") ? selection : undefined} />
            ) : isFiltered ? (
              <Empty title={lists.no_runs_fit}>
                <ClearFilter />
              </Empty>
            ) : (
              <Empty title={lists.no_runs}>
                <p>{lists.no_runs_text}</p>
                <code>mainspring run DAG</code>
              </Empty>
            )
          }
        </Loaded>
        {query.data && query.data.dag_runs.length >= limit && (
          <p className="pad">
            <Button onClick={() => setLimit(limit + PAGE)}>{common.show_more}</Button>
          </p>
        )}
      </section>
      <BulkBar selection={selection} />
    </>
  );
}

function useFilterChange(): (change: Filter) => void {
  const navigate = useNavigate();
  return (change) => void navigate({ to: "/runs", search: (before) => ({ ...before, ...change }) as Record<string, string>, replace: true });
}

function ClearFilter() {
  const { common } = useT();
  const navigate = useNavigate();
  return <Button onClick={() => void navigate({ to: "/runs", search: {} })}>{common.clear_filter}</Button>;
}

function Filters({ filter }: { filter: Filter }) {
  const { lists, common } = useT();
  const change = useFilterChange();
  const input = useRef<HTMLInputElement>(null);
  const clock = useClock();
  useKeys({ "/": () => input.current?.focus() });
  const select = (name: "state" | "type", label: string, any: string, options: [string, string][]) => (
    <select className="inp small" aria-label={label} value={filter[name] ?? ""} onChange={(event) => change({ [name]: event.target.value || undefined })}>
      <option value="">{any}</option>
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
  return (
    <>
      <label className="find">
        <Icon name="search" />
        <TypedInput ref={input} type="search" aria-label={lists.any_dag} placeholder={lists.any_dag} value={filter.dag ?? ""} onChange={(dag) => change({ dag: dag || undefined })} onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
        <kbd>/</kbd>
      </label>
      {select("state", lists.columns.state, lists.any_state, STATES.map((state) => [state, common.states[state]]))}
      {select("type", lists.columns.type, lists.any_type, TYPES.map((type) => [type, common.run_types[type] ?? type]))}
      {(filter.from || filter.to) && (
        <button type="button" className="chip" aria-pressed="true" onClick={() => change({ from: undefined, to: undefined })}>
          {filter.from && moment(clock, Date.parse(filter.from))} – {filter.to && moment(clock, Date.parse(filter.to))} ×
        </button>
      )}
    </>
  );
}
