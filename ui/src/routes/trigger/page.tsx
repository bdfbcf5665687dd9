import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useState } from "react";
import { type Schema, api, ok, request } from "../../api/client.ts";
import { dagRuns } from "../../api/lists.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Field, Radios } from "../../kit/field.tsx";
import { Menu, MenuItem } from "../../kit/menu.tsx";
import { Failure, Loaded } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { moment } from "../../time/format.ts";
import { faultsOf, pathOf, useTriggerPlan } from "./dry_run.ts";
import { InstantInput } from "./instant.tsx";
import { type Param, paramsOf } from "./params.ts";
import { useNewParams } from "./new_params.ts";
import { ParamFields, ParamsMode, useParamsForm } from "./params_form.tsx";
import { PlanPanel, RequestPanel } from "./plan.tsx";

type Values = Record<string, unknown>;

/** Fields of the request that are no params. */
const OTHERS = ["note", "dag_run_id", "logical_date", "run_after"];

/** Start a run: a form made from the params, what it will do, and the same as a request. */
export function TriggerPage({ dagId, fromRun }: { dagId: string; fromRun?: string | undefined }) {
  const path = { dag_id: dagId };
  const definition = useQuery({ queryKey: ["definition", dagId, undefined], queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/definition", { params: { path }, signal })) });
  const earlier = useQuery({
    queryKey: ["run", dagId, fromRun, "details"],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: { ...path, dag_run_id: fromRun ?? "" } }, signal })),
    enabled: fromRun !== undefined,
  });
  return (
    <Loaded query={definition} what={dagId}>
      {(data) => (fromRun !== undefined && !earlier.data ? null : <TriggerForm dagId={dagId} params={paramsOf(typeof data === "string" ? null : data.params)} start={(earlier.data?.params ?? {}) as Values} />)}
    </Loaded>
  );
}

function TriggerForm({ dagId, params, start }: { dagId: string; params: Param[]; start: Values }) {
  const { actions: t, common } = useT();
  const navigate = useNavigate();
  const toast = useToast();
  const form = useParamsForm(params, start);
  const [more, setMore] = useState<Schema<"TriggerBody">>({});
  const [key, setKey] = useState<string>(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  const body: Schema<"TriggerBody"> = { logical_date: null, ...more, conf: form.conf as Schema<"JsonObject"> };
  const plan = useTriggerPlan(dagId, body);
  const change = useMutation({
    mutationFn: () => request<Schema<"DagRun">>("POST", pathOf(dagId), { body, headers: key ? { "Idempotency-Key": key } : {} }),
    onSuccess: (run) => {
      toast.note(t.triggered);
      void queries.invalidateQueries();
      void navigate({ to: "/dags/$dagId/runs/$runId", params: { dagId, runId: run.dag_run_id } });
    },
    onError: (error) => Object.keys(faultsOf(error, common.single_fault)).length === 0 && toast.fail(error),
  });
  const news = useNewParams(dagId, params);
  const faults = faultsOf(plan.error ?? change.error, common.single_fault);
  const wrong = Object.keys(faults).length;
  // A change that the plan does not know yet is sent as it is: the server judges it once more.
  const isOff = change.isPending || form.isBroken || (plan.isSettled && plan.isError);
  const submit = () => !isOff && change.mutate();
  const cancel = () => void navigate({ to: "/dags/$dagId", params: { dagId } });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    else if (event.key === "Escape") cancel();
  };
  const head = (
    <div className="head">
      <h1>{t.trigger_title(dagId)}</h1>
      {plan.data && (
        <p className="facts beside">
          <span>{t.runs_version(plan.data.version_number)}</span>
          {news && <span>{t.new_params(news.names.size, news.since)}</span>}
        </p>
      )}
      <div className="acts">
        <ParamsMode form={form} />
        <Menu label={t.fill_from} className="btn" trigger={t.fill_from}>
          <EarlierRuns dagId={dagId} onChoose={(run) => form.fill(run.params as Values)} />
        </Menu>
      </div>
    </div>
  );
  return (
    <div onKeyDown={onKeyDown}>
      {head}
      <div className="lay-trig">
        <form
          className="panel"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <div className="pad stack trigger-form">
            <ParamFields form={form} faults={faults} others={OTHERS} news={news && plan.data ? { names: news.names, version: plan.data.version_number } : undefined} />
            <hr className="menu-line" />
            <MoreFields more={more} idempotencyKey={key} faults={faults} onChange={setMore} onKey={setKey} />
          </div>
          <footer className="form-foot">
            <Button primary type="submit" disabled={isOff}>
              {t.trigger} <kbd>Ctrl</kbd>
              <kbd>↵</kbd>
            </Button>
            <Button onClick={cancel}>{common.cancel}</Button>
            {wrong > 0 && (
              <span className="t-bad b small push" role="status">
                {t.to_correct(wrong)}
              </span>
            )}
          </footer>
        </form>
        <div className="stack" style={{ gap: "16px" }}>
          {plan.error && wrong === 0 ? (
            <section className="panel">
              <Failure error={plan.error} retry={() => void plan.refetch()} />
            </section>
          ) : (
            <PlanPanel plan={plan.data} runAfter={more.run_after ?? null} />
          )}
          <RequestPanel dagId={dagId} body={body} idempotencyKey={key} />
        </div>
      </div>
    </div>
  );
}

const EARLIER_MAX = 15;

/** The latest runs, to take the params of one of them. */
function EarlierRuns({ dagId, onChoose }: { dagId: string; onChoose(run: Schema<"DagRun">): void }) {
  const { actions: t, common } = useT();
  const clock = useClock();
  const query = useQuery(dagRuns(dagId, undefined, EARLIER_MAX));
  return (
    <Loaded query={query} rows={3}>
      {({ dag_runs: runs }) =>
        runs.length === 0 ? (
          <p className="pad muted">{t.no_runs}</p>
        ) : (
          runs.map((run) => (
            <MenuItem key={run.dag_run_id} onClick={() => onChoose(run)}>
              <Glyph state={run.state} />
              <span className="grow">{moment(clock, Date.parse(run.run_after))}</span>
              <span className="dim small">{common.run_types[run.run_type] ?? run.run_type}</span>
            </MenuItem>
          ))
        )
      }
    </Loaded>
  );
}

interface MoreProps {
  more: Schema<"TriggerBody">;
  idempotencyKey: string;
  faults: Record<string, string>;
  onChange(more: Schema<"TriggerBody">): void;
  onKey(key: string): void;
}

function MoreFields({ more, idempotencyKey, faults, onChange, onKey }: MoreProps) {
  const { actions: t } = useT();
  const [isLater, setLater] = useState(false);
  const set = (name: keyof Schema<"TriggerBody">, value: string | undefined) => {
    const next = { ...more, [name]: value };
    if (value === undefined) delete next[name];
    onChange(next);
  };
  const choose = (later: boolean) => {
    setLater(later);
    if (!later) set("run_after", undefined);
  };
  return (
    <>
      <div className="field">
        <span className="lab">{t.when}</span>
        <Radios label={t.when} value={isLater ? "later" : "now"} options={[["now", t.now] as const, ["later", t.at_time] as const]} onChange={(value) => choose(value === "later")} />
        {isLater && <InstantInput ids={{ id: "run-after" }} value={more.run_after ?? undefined} onChange={(value) => set("run_after", value)} />}
      </div>
      <Field label={t.note} aside={t.note_hint} error={faults["note"]}>
        {(ids) => <input {...ids} className="inp" value={more.note ?? ""} onChange={(event) => set("note", event.target.value || undefined)} />}
      </Field>
      <details>
        <summary className="muted">{t.details}</summary>
        <div className="stack" style={{ marginBlockStart: "10px" }}>
          <Field label={t.run_id} aside={t.run_id_hint} error={faults["dag_run_id"]}>
            {(ids) => <input {...ids} className="inp mono" value={more.dag_run_id ?? ""} onChange={(event) => set("dag_run_id", event.target.value || undefined)} />}
          </Field>
          <Field label={t.logical_date} aside={t.logical_date_hint} error={faults["logical_date"]}>
            {(ids) => <InstantInput ids={ids} value={more.logical_date ?? undefined} onChange={(value) => set("logical_date", value)} />}
          </Field>
          <Field label={t.idempotency_key} hint={t.idempotency_key_hint}>
            {(ids) => <input {...ids} className="inp mono" maxLength={255} value={idempotencyKey} onChange={(event) => onKey(event.target.value)} />}
          </Field>
        </div>
      </details>
    </>
  );
}
