import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode } from "react";
import type { Schema } from "../../api/client.ts";
import { runHref, taskOutputs, taskTries, type TaskAddress } from "../../api/run.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph, useReason } from "../../kit/state.tsx";
import { Took } from "../../kit/time.tsx";
import { duration } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { textOf } from "../run/values.tsx";
import { useSearchChange } from "../search_change.ts";
import { childRunOf, inputsOf, secondsOf } from "./inputs.ts";

interface Props {
  task: TaskAddress;
  instance: Schema<"TaskInstance">;
  defined: object | undefined;
  shown: number;
  median: number | undefined;
}

/** Beside the log: tries, inputs, outputs, waits and limits. */
export function Sides({ task, instance, defined, shown, median }: Props) {
  return (
    <div className="stack task-sides">
      {instance.try_number > 0 && <Tries task={task} shown={shown} median={median} />}
      <Inputs instance={instance} defined={defined} />
      <Outputs task={task} instance={instance} defined={defined} />
      <Limits instance={instance} defined={defined as Record<string, unknown> | undefined} />
    </div>
  );
}

function Tries({ task, shown, median }: { task: TaskAddress; shown: number; median: number | undefined }) {
  const { task: t } = useT();
  const { language } = useLanguage();
  const change = useSearchChange();
  const query = useQuery(taskTries(task));
  const choose = (n: number): void => change({ try: n });
  return (
    <Panel title={t.tries}>
      <Loaded query={query} rows={2}>
        {({ task_instances: tries }) => (
          <table className="tbl small">
            <tbody>
              {tries
                .toSorted((a, b) => b.try_number - a.try_number)
                .map((each) => (
                  <tr key={each.try_number} aria-selected={each.try_number === shown} onClick={() => choose(each.try_number)}>
                    <td>
                      <button type="button" className="bare-button st">
                        <Glyph state={each.state} />
                        <span className="vh">{t.try_n(each.try_number)}</span>
                        <span aria-hidden="true">{each.try_number}</span>
                      </button>
                    </td>
                    <td>
                      <TryReason instance={each} />
                      {each.turn !== null && <span className="small muted"> {t.turn_n(each.turn + 1)}</span>}
                    </td>
                    <td className="num">
                      <Took seconds={each.duration} from={each.start_date} />
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        )}
      </Loaded>
      {median !== undefined && <p className="pad small muted line-top">{t.usually(duration(language, median))}</p>}
    </Panel>
  );
}

function TryReason({ instance }: { instance: { state_reason?: string | null; exit_code?: number | null; message?: string | null } }) {
  const { task: t } = useT();
  const reason = useReason();
  const { exit_code: code } = instance;
  return <span title={instance.message ?? ""}>{instance.state_reason === "exit_code" && code !== null && code !== undefined ? t.exit(code) : reason(instance.state_reason)}</span>;
}

/** As the latest try got them; before, as the version that ran has them, with their expressions. Secrets stand by their names. */
function Inputs({ instance, defined }: { instance: Schema<"TaskInstance">; defined: object | undefined }) {
  const { task: t } = useT();
  const resolved = instance.rendered_fields as Record<string, unknown>;
  const isResolved = Object.keys(resolved).length > 0;
  const inputs = inputsOf(isResolved ? resolved : defined);
  return (
    <Panel title={t.inputs} actions={inputs.length > 0 && <span className="small dim">{isResolved ? t.as_resolved : t.as_written}</span>}>
      {inputs.length === 0 ? (
        <p className="pad small muted">{t.no_inputs}</p>
      ) : (
        <List
          entries={inputs.map(({ name, value, secret }) => [
            name,
            secret === null ? (
              <pre key={name} tabIndex={0}>
                {textOf(value)}
              </pre>
            ) : (
              <span key={name} className="muted">
                {t.secret} <span className="mono">{secret}</span>
              </span>
            ),
          ])}
          isMono
        />
      )}
    </Panel>
  );
}

function Outputs({ task, instance, defined }: { task: TaskAddress; instance: Schema<"TaskInstance">; defined: object | undefined }) {
  const { task: t } = useT();
  const query = useQuery(taskOutputs(task));
  const child = childRunOf(defined, instance.waits_for, query.data ?? []);
  const empty = instance.state === "failed" ? t.no_outputs_failed : t.no_outputs;
  return (
    <Panel
      title={t.outputs}
      actions={
        child && (
          <Anchor className="btn bare small" href={runHref(child)}>
            {t.child_run}
          </Anchor>
        )
      }
    >
      <Loaded query={query} rows={2}>
        {(outputs) =>
          outputs.length === 0 ? (
            <p className="pad small muted">{empty}</p>
          ) : (
            <List
              entries={outputs.map(({ key, value, large, download }) => [
                key,
                large ? (
                  <span key={key}>
                    <pre tabIndex={0}>{large.excerpt}…</pre>
                    <a href={download} download={`${key}.json`}>
                      {t.download_value((large.bytes / 1_048_576).toFixed(1))}
                    </a>
                  </span>
                ) : (
                  <pre key={key} tabIndex={0}>
                    {textOf(value)}
                  </pre>
                ),
              ])}
              isMono
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Limits({ instance, defined }: { instance: Schema<"TaskInstance">; defined: Record<string, unknown> | undefined }) {
  const { task: t } = useT();
  const { language } = useLanguage();
  const waited = instance.queued_when && instance.start_date ? (Date.parse(instance.start_date) - Date.parse(instance.queued_when)) / 1000 : null;
  const timeout = secondsOf(defined?.["execution_timeout"]);
  const delay = secondsOf(defined?.["retry_delay"]) ?? 300;
  const entries: [string, ReactNode][] = [
    [t.pool, t.pool_text(instance.pool, instance.pool_slots)],
    [t.queue, instance.queue],
    [t.queued, waited === null ? null : duration(language, Math.max(0, waited))],
    [t.timeout, timeout === null ? null : duration(language, timeout)],
    [t.retries, t.retries_text(instance.max_tries, duration(language, delay))],
    [t.priority, instance.priority_weight],
  ];
  return (
    <Panel title={t.waits_limits}>
      <List entries={entries.filter(([, value]) => value !== null && value !== undefined)} />
    </Panel>
  );
}

const List = ({ entries, isMono = false }: { entries: readonly (readonly [string, ReactNode])[]; isMono?: boolean }) => (
  <dl className="kv small pad">
    {entries.map(([name, value]) => (
      <Fragment key={name}>
        <dt className={isMono ? "mono anywhere" : ""}>{name}</dt>
        <dd>{value}</dd>
      </Fragment>
    ))}
  </dl>
);
