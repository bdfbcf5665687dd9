import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { logExcerpt, taskHref, taskInstance, type TaskAddress } from "../../api/run.ts";
import type { Neighbours } from "../../graph/dag.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Loaded, Loading } from "../../kit/panel.tsx";
import { Glyph, useStateWord } from "../../kit/state.tsx";
import { Took, Until, useClock } from "../../kit/time.tsx";
import { hashOfLines } from "../../log/find.ts";
import { LineRow } from "../../log/line_row.tsx";
import { count, duration, timeWithSeconds } from "../../time/format.ts";
import { useActions } from "../actions/provider.tsx";
import { Anchor } from "../anchor.tsx";
import { useSession } from "../session.tsx";
import { useWhy } from "./cause.tsx";
import { totalOf, type TaskSummary } from "./states.ts";
import "../../log/log.css";

interface Props {
  task: TaskAddress;
  summary: TaskSummary | undefined;
  median: number | undefined;
  next: Neighbours;
  tryNumber: number | undefined;
  onTry(n: number): void;
}

/** The chosen task: why, when, where, what it blocks, and the lines around its first error. */
export function TaskPanel({ task, summary, median, next, tryNumber, onTry }: Props) {
  const { run: t } = useT();
  const isMapped = summary?.counts !== null && summary?.counts !== undefined && task.mapIndex < 0;
  const instance = useQuery({ ...taskInstance(task), enabled: summary !== undefined && !isMapped });
  const latest = instance.data?.try_number ?? summary?.tries ?? 0;
  const shown = tryNumber !== undefined && tryNumber <= latest ? tryNumber : latest;
  const href = taskHref(task) + (shown !== latest && shown > 0 ? `?try=${shown}` : "");
  return (
    <section className="panel first" aria-label={task.taskId}>
      <header>
        <Glyph state={summary?.state} />
        <h2 className="cut">{task.taskId}</h2>
        <span className="grow" />
        {latest > 1 && <TryChoice latest={latest} shown={shown} onTry={onTry} />}
        <Anchor className="btn bare small" href={href}>
          {t.open} <kbd>↵</kbd>
        </Anchor>
      </header>
      {isMapped ? (
        <Counts summary={summary} href={href} />
      ) : summary === undefined ? (
        <p className="pad muted">{t.not_started}</p>
      ) : (
        <Loaded query={instance}>
          {(data) => (
            <>
              <Facts instance={data} median={median} blocks={isTolerated(data) ? [] : (next.below.get(task.taskId) ?? [])} />
              {shown > 0 && <LogPart task={task} tryNumber={shown} isEnded={shown < latest || ENDED.has(data.state ?? "")} isFailed={data.state === "failed" || data.state === "up_for_retry" || shown < latest} href={href} />}
            </>
          )}
        </Loaded>
      )}
    </section>
  );
}

const MANY_TRIES = 5;
const ENDED = new Set(["success", "failed", "up_for_retry", "skipped"]);

/** A failure that counts as a success for the tasks below it. */
const isTolerated = (instance: Schema<"TaskInstance">): boolean => instance.state === "failed" && instance.allow_failure;

/** Which try: all in sight while there are few, a choice when there are many. */
export function TryChoice({ latest, shown, onTry }: { latest: number; shown: number; onTry(n: number): void }) {
  const { run: t } = useT();
  const numbers = Array.from({ length: latest }, (_, index) => index + 1);
  if (latest > MANY_TRIES) {
    return (
      <select className="inp small" aria-label={t.try} value={shown} onChange={(event) => onTry(Number(event.target.value))}>
        {numbers.map((n) => (
          <option key={n} value={n}>
            {t.try_n(n)}
          </option>
        ))}
      </select>
    );
  }
  return (
    <span className="seg" role="group" aria-label={t.tries}>
      {numbers.map((n) => (
        <button key={n} type="button" className={n === shown ? "on" : ""} aria-pressed={n === shown} onClick={() => onTry(n)}>
          {n === shown ? (
            t.try_n(n)
          ) : (
            <>
              <span className="vh">{t.try_n(n)}</span>
              <span aria-hidden="true">{n}</span>
            </>
          )}
        </button>
      ))}
    </span>
  );
}

function Counts({ summary, href }: { summary: TaskSummary; href: string }) {
  const { run: t } = useT();
  const word = useStateWord();
  const counts = summary.counts ?? {};
  return (
    <div className="pad stack">
      <p className="b">{t.tasks_instances(1, totalOf(counts)).replace(/^.*?, /, "")}</p>
      <p className="counts">
        {Object.entries(counts)
          .filter(([, number]) => number > 0)
          .map(([state, number]) => (
            <span key={state}>
              <Glyph state={state} />
              {number} {word(state)}
            </span>
          ))}
      </p>
      <p>
        <Anchor className="btn" href={href}>
          {t.instances}
        </Anchor>
      </p>
    </div>
  );
}

function Facts({ instance, median, blocks }: { instance: Schema<"TaskInstance">; median: number | undefined; blocks: readonly string[] }) {
  const { run: t, common } = useT();
  const { language } = useLanguage();
  const clock = useClock();
  const why = useWhy(instance);
  const at = (text: string): string => timeWithSeconds(clock, Date.parse(text));
  const waited = instance.queued_when && instance.start_date ? (Date.parse(instance.start_date) - Date.parse(instance.queued_when)) / 1000 : 0;
  const facts: [string, ReactNode][] = [];
  if (why || instance.message) {
    facts.push([
      t.why,
      <>
        {why} {instance.state_reason && why !== instance.state_reason && <span className="dim">({instance.state_reason})</span>}
        {instance.message && <span className="muted"> {common.said(instance.message)}</span>}
        {isTolerated(instance) && <span className="muted"> ({t.failure_allowed})</span>}
      </>,
    ]);
  }
  if (instance.setup_teardown_type) facts.push([t.role, t.roles[instance.setup_teardown_type]]);
  if (instance.handler) facts.push([t.runs_when, t.handlers[instance.handler]]);
  if (instance.start_date) {
    const span = instance.end_date ? t.ran_text(at(instance.start_date), at(instance.end_date)) : t.running_since(at(instance.start_date));
    const where = [instance.hostname && t.on_host(instance.hostname), instance.executor && t.by_executor(instance.executor)].filter(Boolean).join(" ");
    facts.push([
      t.ran,
      <>
        {span}, <Took seconds={instance.duration} from={instance.start_date} />
        {where && `, ${where}`}
      </>,
    ]);
  }
  if (instance.next_try_at && instance.state === "up_for_retry") facts.push([t.next_try, <Until at={instance.next_try_at} />]);
  if (waited > 1 || instance.pool !== "default_pool") facts.push([t.pool, [`${instance.pool}, ${t.pool_slots(instance.pool_slots)}`, waited > 1 && t.waited(duration(language, waited))].filter(Boolean).join("; ")]);
  if (blocks.length > 0) facts.push([t.blocks, blocks.slice(0, 6).join(", ") + (blocks.length > 6 ? ` +${blocks.length - 6}` : "")]);
  if (median !== undefined) facts.push([t.usual, duration(language, median)]);
  if (instance.note) facts.push([t.note, instance.note]);
  return (
    <dl className="kv small pad">
      {facts.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

interface LogPartProps {
  task: TaskAddress;
  tryNumber: number;
  isEnded: boolean;
  isFailed: boolean;
  href: string;
}

function LogPart({ task, tryNumber, isEnded, isFailed, href }: LogPartProps) {
  const { run: t } = useT();
  const { language } = useLanguage();
  const session = useSession();
  const actions = useActions();
  const query = useQuery(logExcerpt({ ...task, tryNumber }, isFailed));
  const excerpt = query.data;
  const [first, last] = [excerpt?.lines[0]?.[0], excerpt?.lines.at(-1)?.[0]];
  return (
    <>
      {query.data === undefined && query.error === null && <Loading rows={5} />}
      {excerpt && excerpt.lines.length > 0 && (
        <div className="excerpt line-top">
          {excerpt.lines.map(([n, , text]) => (
            <LineRow key={n} n={n} text={text} time="" kind={excerpt.errors.includes(n) ? "err" : excerpt.warnings.includes(n) ? "warn" : ""} isAt={n === excerpt.firstError} isChosen={false} ranges={[]} href={`${href}${hashOfLines(n, n)}`} />
          ))}
        </div>
      )}
      {excerpt?.lines.length === 0 && <p className="pad small muted line-top">{isEnded ? t.empty_log : t.no_log}</p>}
      <footer className="row pad small line-top wrap">
        {session.may("operator", task.dagId) && (
          <Button onClick={() => actions.retry({ dagId: task.dagId, runId: task.runId, taskId: task.taskId, ...(task.mapIndex >= 0 ? { mapIndex: task.mapIndex } : {}) })}>{t.retry_from_here}</Button>
        )}
        <span className="grow" />
        {excerpt && first !== undefined && last !== undefined && <span className="dim hide-s">{t.lines_of(count(language, first), count(language, last), count(language, excerpt.total))}</span>}
        <Anchor className="btn" href={href}>
          {t.full_log} <kbd>L</kbd>
        </Anchor>
      </footer>
    </>
  );
}
