import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, ok } from "../../api/client.ts";
import { DAGS_PAGE, overview, queries } from "../../api/queries.ts";
import type { Overview, OverviewDag, Summary } from "../../api/shapes.ts";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Button, Chip } from "../../kit/button.tsx";
import { Switch, TypedInput } from "../../kit/field.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Empty, Loaded } from "../../kit/panel.tsx";
import { Glyph, familyOf, useStateWord } from "../../kit/state.tsx";
import { Strip } from "../../kit/strip.tsx";
import { Took, Until, When } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { useSession } from "../session.tsx";
import { ratioText } from "./ratio.ts";


interface HomeSearch {
  q?: string;
  state?: string;
  tag?: string;
  owner?: string;
  sort?: "attention" | "dag_id";
}

function useHomeSearch(): [HomeSearch, (change: HomeSearch) => void] {
  const search: HomeSearch = useSearch({ from: "/shell/" });
  const navigate = useNavigate();
  return [search, (change) => void navigate({ from: "/", to: "/", search: (before) => ({ ...before, ...change }), replace: true })];
}

/** All DAGs, failing ones first, with filters that stand in the address. */
export function DagsPanel({ counts }: { counts: Summary["counts"] | undefined }) {
  const { home, common } = useT();
  const [search] = useHomeSearch();
  const [limit, setLimit] = useState(DAGS_PAGE);
  const query = useQuery(overview({ ...search, limit }));
  const total = query.data?.total_entries ?? 0;
  return (
    <section className="panel">
      <header className="wrap">
        <h2>{home.columns.dag}s</h2>
        <span className="dim">{total || ""}</span>
        <Filters counts={counts} />
      </header>
      <Loaded query={query} rows={8}>
        {(data) => (data.dags.length ? <Table dags={data.dags} /> : <NoDags total={counts ? counts.runs_24h : 0} />)}
      </Loaded>
      {total > limit && (
        <p className="pad">
          <Button onClick={() => setLimit(limit + DAGS_PAGE)}>{common.show_more}</Button>
        </p>
      )}
    </section>
  );
}

function Filters({ counts }: { counts: Summary["counts"] | undefined }) {
  const { home } = useT();
  const [search, change] = useHomeSearch();
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  const chip = (state: string, text: string, className = "") => (
    <Chip className={className} on={search.state === state} onClick={() => change({ state: search.state === state ? undefined : state } as HomeSearch)}>
      {text}
    </Chip>
  );
  return (
    <>
      <label className="find">
        <Icon name="search" />
        <TypedInput
          ref={input}
          type="search"
          aria-label={home.filter}
          placeholder={home.filter}
          value={search.q ?? ""}
          onChange={(q) => change({ q: q || undefined } as HomeSearch)}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
        <kbd>/</kbd>
      </label>
      {chip("failed", home.filter_failing(counts?.failing ?? 0))}
      {chip("running", home.filter_running(counts?.running ?? 0))}
      {chip("queued", home.filter_queued(counts?.queued ?? 0), "hide-s")}
      {chip("paused", home.filter_paused, "hide-s")}
      {search.tag && <Chip on onClick={() => change({ tag: undefined } as unknown as HomeSearch)}>{search.tag} ×</Chip>}
      {search.owner && <Chip on onClick={() => change({ owner: undefined } as unknown as HomeSearch)}>{search.owner} ×</Chip>}
    </>
  );
}

function NoDags({ total }: { total: number }) {
  const { home, common } = useT();
  const [search, change] = useHomeSearch();
  const isFiltered = Boolean(search.q ?? search.state ?? search.tag ?? search.owner);
  if (!isFiltered) {
    return (
      <Empty title={home.empty_title}>
        <p>{home.empty_text}</p>
        <code>mainspring dags put dag.yaml</code>
      </Empty>
    );
  }
  return (
    <Empty title={common.nothing_fits(search.q ?? search.state ?? search.tag ?? search.owner ?? "")}>
      {total > 0 && <p />}
      <Button onClick={() => change({ q: undefined, state: undefined, tag: undefined, owner: undefined } as unknown as HomeSearch)}>{common.clear_filter}</Button>
    </Empty>
  );
}

function Table({ dags }: { dags: OverviewDag[] }) {
  const { home } = useT();
  const [search, change] = useHomeSearch();
  const session = useSession();
  const sort = search.sort ?? "attention";
  const { columns } = home;
  return (
    <table className="tbl">
      <thead>
        <tr>
          <th className="sort" aria-sort="ascending">
            <button type="button" onClick={() => change({ sort: sort === "attention" ? "dag_id" : "attention" })}>
              {home.sorts[sort]}
            </button>
          </th>
          <th className="hide-s">{columns.state}</th>
          <th>{columns.runs}</th>
          <th className="num hide-s">{columns.last}</th>
          <th className="num hide-s">{columns.took}</th>
          <th className="num hide-s">{columns.next}</th>
          <th className="hide-s hide-m">{columns.schedule}</th>
          <th className="hide-s hide-m">{columns.owner}</th>
          {session.maySomewhere("operator") && <th className="num hide-s">{columns.on}</th>}
        </tr>
      </thead>
      <tbody>
        {dags.map((dag) => (
          <Row key={dag.dag_id} dag={dag} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ dag }: { dag: OverviewDag }) {
  const { home, common } = useT();
  const word = useStateWord();
  const session = useSession();
  const [, change] = useHomeSearch();
  const state = dag.is_paused ? "paused" : dag.state;
  const family = familyOf(state);
  const last = dag.runs.at(-1);
  const failed = dag.runs.filter(([, each]) => each === "failed").length;
  return (
    <tr>
      <td>
        <span className="row">
          <Link className="row" to="/dags/$dagId" params={{ dagId: dag.dag_id }}>
            <Glyph state={state} />
            <span className="id">{dag.dag_id}</span>
          </Link>
          {dag.tags.map((tag) => (
            <button key={tag} type="button" className="tag" onClick={() => change({ tag })}>
              {tag}
            </button>
          ))}
        </span>
      </td>
      <td className={`hide-s ${family === "bad" || family === "retry" ? `t-${family}` : "dim"}`}>{word(state)}</td>
      <td>
        <Link className="strip" to="/dags/$dagId" params={{ dagId: dag.dag_id }} aria-label={home.strip(dag.dag_id, failed, dag.runs.length)}>
          <Strip runs={dag.runs} median={dag.median_duration} />
        </Link>
      </td>
      <td className="num hide-s">
        <When at={last?.[3]} />
      </td>
      <td className="num hide-s">{last && <Duration dag={dag} />}</td>
      <td className="num hide-s">
        <Next dag={dag} />
      </td>
      <td className="muted hide-s hide-m">{dag.schedule ? common.schedule(dag.schedule, dag.timetable_description ?? "") : home.only_by_trigger}</td>
      <td className="dim hide-s hide-m">{dag.owners.join(", ")}</td>
      {session.maySomewhere("operator") && <td className="num hide-s">{session.may("operator", dag.dag_id) && <DagSwitch dag={dag} />}</td>}
    </tr>
  );
}

function Duration({ dag }: { dag: OverviewDag }) {
  const last = dag.runs.at(-1);
  if (!last) return null;
  const [, state, , start, seconds] = last;
  const ratio = seconds !== null && state !== "running" ? ratioText(seconds, dag.median_duration) : "";
  return (
    <>
      <Took seconds={seconds} from={state === "running" ? start : null} /> {ratio && <span className="t-retry small">{ratio}</span>}
    </>
  );
}

function Next({ dag }: { dag: OverviewDag }) {
  const { common } = useT();
  if (dag.is_paused) {
    return (
      <>
        <span className="b">{common.states.paused}</span> {dag.paused_by && <span className="dim">{dag.paused_by}</span>}
      </>
    );
  }
  if (!dag.next) return null;
  return (
    <>
      <span className="b">
        <Until at={dag.next.run_after} />
      </span>{" "}
      <span className="dim">
        <When at={dag.next.run_after} />
      </span>
    </>
  );
}

/** On or paused. The change is drawn at once and taken back when the server refuses it. */
export function DagSwitch({ dag }: { dag: { dag_id: string; is_paused: boolean } }) {
  const { home } = useT();
  const toast = useToast();
  const set = (isPaused: boolean) =>
    queries.setQueriesData<Overview>({ queryKey: ["overview"] }, (before) => before && { ...before, dags: before.dags.map((each) => (each.dag_id === dag.dag_id ? { ...each, is_paused: isPaused } : each)) });
  const change = async (on: boolean) => {
    set(!on);
    try {
      await ok(api.PATCH("/api/v2/dags/{dag_id}", { params: { path: { dag_id: dag.dag_id } }, body: { is_paused: !on } }));
      toast.note(on ? home.switched_on(dag.dag_id) : home.switched_off(dag.dag_id));
    } catch (error) {
      set(on);
      toast.fail(error);
    }
    void queries.invalidateQueries({ queryKey: ["overview"] });
    void queries.invalidateQueries({ queryKey: ["dag", dag.dag_id] });
  };
  return <Switch on={!dag.is_paused} onChange={(on) => void change(on)} label={home.switch_on(dag.dag_id)} />;
}
