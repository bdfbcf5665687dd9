import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Panel } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { moment } from "../../time/format.ts";
import { runHref } from "../../api/run.ts";
import { Anchor } from "../anchor.tsx";
import { textOf } from "../run/values.tsx";

type Plan = Schema<"DagPlan">;

const SIGNS: Record<string, readonly [className: string, sign: string]> = { add: ["add", "+"], remove: ["del", "−"], change: ["mod", "~"] };

/** What a save would do: differences by meaning, callers that break, the next runs, and the runs on their way. */
export function PlanPanel({ plan, version, isCurrent }: { plan: Plan | undefined; version: number; isCurrent: boolean }) {
  const { editor: t } = useT();
  const broken = plan ? plan.breaking.length + plan.hidden_breaking : 0;
  const badge = broken > 0 && (
    <span className="badge bad">
      <Glyph state="failed" />
      {t.breaks}
    </span>
  );
  return (
    <Panel title={t.plan} aside={isCurrent && plan?.action === "change" ? t.plan_of(version, version + 1) : ""} actions={badge || undefined}>
      {!plan || !isCurrent ? (
        <p className="pad muted" aria-busy={!isCurrent}>
          {plan ? t.planning : ""}
        </p>
      ) : plan.changes.length === 0 ? (
        <p className="pad muted">{t.no_changes}</p>
      ) : (
        <ul className="diff">
          <Broken plan={plan} />
          {plan.changes.map((change, index) => (
            <Change key={index} change={change} next={change.kind === "schedule" ? plan.next_runs : null} />
          ))}
          {plan.catchup_runs > 0 && (
            <li>
              <span className="op mod" aria-hidden="true">
                !
              </span>
              <p>{t.catchup(plan.catchup_runs)}</p>
            </li>
          )}
        </ul>
      )}
    </Panel>
  );
}

function Broken({ plan }: { plan: Plan }) {
  const { editor: t } = useT();
  const lines = plan.breaking.map((each) => (each.kind === "dag" ? t.caller_dag(each.caller, each.why) : t.caller(each.caller, each.count, each.why)));
  if (plan.hidden_breaking > 0) lines.push(t.hidden_callers(plan.hidden_breaking));
  return lines.map((line) => (
    <li key={line}>
      <span className="op brk" aria-hidden="true">
        !
      </span>
      <p className="anywhere">{line}</p>
    </li>
  ));
}

function Change({ change, next }: { change: Schema<"DefinitionChange">; next: Schema<"NextRuns"> | null }) {
  const { editor: t, common } = useT();
  const clock = useClock();
  const [className, sign] = SIGNS[change.op] ?? ["mod", "~"];
  const first = (runs: readonly string[]): string => (runs[0] ? moment(clock, Date.parse(runs[0])) : t.no_next_run);
  return (
    <li>
      <span className={`op ${className}`} aria-hidden="true">
        {sign}
      </span>
      <div>
        <p className="anywhere">{common.said(change.text)}</p>
        {change.op === "change" && (
          <p className="change-values">
            <span className="was">{textOf(change.before)}</span>
            <span>{textOf(change.after)}</span>
          </p>
        )}
        {next && (
          <p className="small muted">
            {t.next_run}: <span className="was">{first(next.before)}</span> → {first(next.after)}
          </p>
        )}
      </div>
    </li>
  );
}

/** Runs that have not ended keep their version. */
export function InFlight({ plan }: { plan: Plan }) {
  const { editor: t } = useT();
  const more = plan.in_flight_total - plan.in_flight.length;
  if (plan.in_flight.length === 0) return null;
  return (
    <Panel title={t.in_flight}>
      <ul className="pad stack small">
        {plan.in_flight.map((run) => (
          <li key={run.dag_run_id} className="row wrap">
            <Glyph state="running" />
            <Anchor className="l mono anywhere" href={runHref({ dagId: plan.dag_id, runId: run.dag_run_id })}>
              {run.dag_run_id}
            </Anchor>{" "}
            {t.stays(run.version_number)}
          </li>
        ))}
        {more > 0 && <li className="muted">{t.more_in_flight(more)}</li>}
      </ul>
    </Panel>
  );
}
