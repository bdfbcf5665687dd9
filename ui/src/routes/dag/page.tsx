import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Suspense, lazy, useEffect } from "react";
import { ApiError, type Schema } from "../../api/client.ts";
import { anyDag, dagCounts, dagDetails } from "../../api/dag.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Icon } from "../../kit/icon.tsx";
import { Boundary, Loaded, Loading } from "../../kit/panel.tsx";
import { Glyph, useStateWord } from "../../kit/state.tsx";
import { Ago, Until, When } from "../../kit/time.tsx";
import { count } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { DagSwitch } from "../home/dags.tsx";
import { useSession } from "../session.tsx";
import { GridTab } from "./grid_tab.tsx";
import { TabCount, Tabs as TabRow } from "../../kit/tabs.tsx";

// A DAG opens with its grid; the rest is loaded when a reader asks for it.
const BackfillDialog = lazy(() => import("../backfills/new.tsx").then((part) => ({ default: part.BackfillDialog })));
const TriggerPage = lazy(() => import("../trigger/page.tsx").then((part) => ({ default: part.TriggerPage })));
const CalendarTab = lazy(() => import("./calendar_tab.tsx").then((part) => ({ default: part.CalendarTab })));
const DurationsTab = lazy(() => import("./durations_tab.tsx").then((part) => ({ default: part.DurationsTab })));
const DefinitionTab = lazy(() => import("./definition.tsx").then((part) => ({ default: part.DefinitionTab })));
const SettingsTab = lazy(() => import("./settings_tab.tsx").then((part) => ({ default: part.SettingsTab })));
const RunsTab = lazy(() => import("./tabs.tsx").then((part) => ({ default: part.RunsTab })));
const ScheduleTab = lazy(() => import("./tabs.tsx").then((part) => ({ default: part.ScheduleTab })));
const VersionsTab = lazy(() => import("./tabs.tsx").then((part) => ({ default: part.VersionsTab })));

const TABS = ["grid", "runs", "calendar", "durations", "versions", "definition", "schedule", "settings"] as const;

/** A DAG: its head, its tabs, and the two dialogs that have an address. */
export function DagPage() {
  const { dagId, tab = "grid" } = useParams({ strict: false }) as { dagId: string; tab?: string };
  const search = useSearch({ strict: false }) as { from_run?: string; from?: string; to?: string };
  const query = useQuery(dagDetails(dagId));
  const isUnsaved = query.error instanceof ApiError && query.error.status === 404;
  const any = useQuery({ ...anyDag(dagId), enabled: isUnsaved });
  useEffect(() => void (document.title = `${dagId} · Mainspring`), [dagId]);
  if (tab === "trigger") {
    return (
      <Suspense fallback={<Loading rows={8} />}>
        <TriggerPage dagId={dagId} fromRun={search.from_run} />
      </Suspense>
    );
  }
  const isBackfill = tab === "backfill";
  if (isUnsaved && !any.error) return <Loaded query={any}>{() => <OnlyRuns dagId={dagId} />}</Loaded>;
  return (
    <Loaded query={query} what={`DAG ${dagId}`}>
      {(dag) => (
        <>
          <Head dag={dag} />
          <Tabs dagId={dagId} tab={isBackfill ? "grid" : tab} />
          <Boundary>
            <Suspense fallback={<Loading rows={8} />}>
              <Tab dag={dag} tab={tab} />
            </Suspense>
          </Boundary>
          {isBackfill && (
            <Boundary>
              <Suspense fallback={null}>
                <BackfillDialog dagId={dagId} from={search.from} to={search.to} />
              </Suspense>
            </Boundary>
          )}
        </>
      )}
    </Loaded>
  );
}

/** A DAG that nobody saved: runs brought its definitions. */
function OnlyRuns({ dagId }: { dagId: string }) {
  const { dag: t, run } = useT();
  return (
    <>
      <div className="head">
        <div>
          <h1 className="row wrap">
            <span className="anywhere">{dagId}</span>
            <span className="tag">{run.not_saved}</span>
          </h1>
          <p className="facts small">{t.only_runs}</p>
        </div>
      </div>
      <Suspense fallback={<Loading rows={8} />}>
        <RunsTab dagId={dagId} />
      </Suspense>
    </>
  );
}

function Tab({ dag, tab }: { dag: Schema<"DagDetails">; tab: string }) {
  const dagId = dag.dag_id;
  if (tab === "calendar") return <CalendarTab dagId={dagId} />;
  if (tab === "durations") return <DurationsTab dagId={dagId} />;
  if (tab === "settings") return <SettingsTab dag={dag} />;
  if (tab === "runs") return <RunsTab dagId={dagId} />;
  if (tab === "versions") return <VersionsTab dagId={dagId} />;
  if (tab === "schedule") return <ScheduleTab dag={dag} />;
  if (tab === "definition") return <DefinitionTab dagId={dagId} />;
  return <GridTab dag={dag} />;
}

function Tabs({ dagId, tab }: { dagId: string; tab: string }) {
  const { dag: t } = useT();
  const { language } = useLanguage();
  const { data } = useQuery(dagCounts(dagId));
  const counts: Partial<Record<(typeof TABS)[number], string>> = data ? { runs: count(language, data.runs) + (data.isAtLeast ? "+" : ""), versions: count(language, data.versions) } : {};
  return (
    <TabRow label={dagId} current={tab}>
      {TABS.map((each) => (
        <Anchor key={each} href={`/dags/${encodeURIComponent(dagId)}${each === "grid" ? "" : `/${each}`}`} aria-current={each === tab ? "page" : undefined}>
          {t.tabs[each]}
          <TabCount>{counts[each]}</TabCount>
        </Anchor>
      ))}
    </TabRow>
  );
}

function Head({ dag }: { dag: Schema<"DagDetails"> }) {
  const { dag: t, common } = useT();
  const session = useSession();
  const canAct = session.may("operator", dag.dag_id);
  const isAuthor = session.may("author", dag.dag_id);
  const version = dag.latest_dag_version;
  const { data: counts } = useQuery(dagCounts(dag.dag_id));
  const word = useStateWord();
  const hasSchedule = dag.schedule !== null;
  return (
    <div className="head">
      <div style={{ minInlineSize: 0 }}>
        <h1 className="row wrap">
          {counts?.lastState && (
            <span role="img" aria-label={t.last_run(word(counts.lastState))} title={t.last_run(word(counts.lastState))}>
              <Glyph state={counts.lastState} large />
            </span>
          )}
          <span className="anywhere">{dag.dag_id}</span>
          {dag.is_stale && <span className="tag">{t.stale}</span>}
          {canAct && !dag.is_stale ? <DagSwitch dag={dag} /> : dag.is_paused && !dag.is_stale && <span className="tag">{common.states.paused}</span>}
        </h1>
        <p className="facts small">
          <span>{dag.schedule ? common.schedule(dag.schedule, dag.timetable_description ?? "") : t.no_schedule}</span>
          {dag.is_paused ? (
            !dag.is_stale && <span>{t.paused}</span>
          ) : (
            dag.next_dagrun_run_after && (
              <span>
                <b>
                  {t.next_in} <Until at={dag.next_dagrun_run_after} />
                </b>
                , <When at={dag.next_dagrun_run_after} />
              </span>
            )
          )}
          {version && (
            <span>
              {t.saved(version.version_number)} <Ago at={version.created_at} />
              {counts?.author && ` ${t.by(counts.author)}`}
            </span>
          )}
          {dag.bundle_name !== null && <span className="anywhere">{t.of_bundle(dag.bundle_name)}</span>}
          {dag.owners.length > 0 && <span>{dag.owners.join(", ")}</span>}
          {dag.tags.map((tag) => (
            <Link key={tag.name} className="tag" to="/" search={{ tag: tag.name }}>
              {tag.name}
            </Link>
          ))}
        </p>
        {dag.is_stale && <p className="small t-retry">{t.stale_text(dag.bundle_name)}</p>}
        {dag.description && <p className="small muted anywhere">{dag.description}</p>}
      </div>
      {(canAct || isAuthor) && <Acts dagId={dag.dag_id} canAct={canAct && !dag.is_stale} isAuthor={isAuthor} hasSchedule={hasSchedule} />}
    </div>
  );
}

function Acts({ dagId, canAct, isAuthor, hasSchedule }: { dagId: string; canAct: boolean; isAuthor: boolean; hasSchedule: boolean }) {
  const { dag: t } = useT();
  const navigate = useNavigate();
  const open = (tab: string) => void navigate({ to: "/dags/$dagId/$tab", params: { dagId, tab } });
  const edit = `/dags/${encodeURIComponent(dagId)}/definition/edit`;
  useKeys({ KeyT: () => canAct && open("trigger"), KeyB: () => canAct && hasSchedule && open("backfill"), KeyE: () => isAuthor && void navigate({ href: edit }) });
  return (
    <div className="acts">
      {isAuthor && (
        <Anchor className="btn" href={edit}>
          <Icon name="pen" />
          {t.edit} <kbd>E</kbd>
        </Anchor>
      )}
      {canAct && hasSchedule && (
        <Link className="btn" to="/dags/$dagId/$tab" params={{ dagId, tab: "backfill" }}>
          <Icon name="back" />
          {t.backfill} <kbd>B</kbd>
        </Link>
      )}
      {canAct && (
      <Link className="btn pri" to="/dags/$dagId/$tab" params={{ dagId, tab: "trigger" }}>
        <Icon name="play" />
        {t.trigger} <kbd>T</kbd>
      </Link>
      )}
    </div>
  );
}
