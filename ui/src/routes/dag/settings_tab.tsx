import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Fragment, type ReactNode, useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { definition } from "../../api/run.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Field } from "../../kit/field.tsx";
import { Panel } from "../../kit/panel.tsx";
import { When } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { Markdown } from "../../markdown/markdown.tsx";
import { duration } from "../../time/format.ts";
import { Anchor } from "../anchor.tsx";
import { Values } from "../run/values.tsx";
import { useSession } from "../session.tsx";
import { secondsOf } from "../task/inputs.ts";

type Dag = Schema<"DagDetails">;

/** What the definition says about the DAG as a whole. Who may, deletes the DAG here. */
export function SettingsTab({ dag }: { dag: Dag }) {
  const { dag: t } = useT();
  const session = useSession();
  const { data } = useQuery(definition(dag.dag_id, undefined));
  const defaults = Object.entries((data as Schema<"Definition"> | undefined)?.default_args ?? {});
  const isAuthor = session.may("author", dag.dag_id);
  return (
    <div className="lay-two">
      <div className="stack panels">
        <Panel title={t.settings.about}>
          <div className="pad">{dag.doc_md ? <Markdown text={dag.doc_md} /> : <p className="muted">{t.settings.no_doc}</p>}</div>
        </Panel>
        <Panel title={t.settings.defaults}>{defaults.length > 0 ? <Values entries={defaults} /> : <p className="pad muted">{t.settings.none}</p>}</Panel>
      </div>
      <div className="stack panels">
        <Limits dag={dag} />
        <Schedule dag={dag} />
        <p className="row wrap small muted">
          <span className="grow">{t.settings.change}</span>
          {isAuthor && (
            <Anchor className="btn" href={`/dags/${encodeURIComponent(dag.dag_id)}/definition/edit`}>
              {t.edit}
            </Anchor>
          )}
          {isAuthor && <DeleteButton dagId={dag.dag_id} />}
        </p>
      </div>
    </div>
  );
}

const List = ({ entries }: { entries: readonly (readonly [name: string, value: ReactNode])[] }) => (
  <dl className="kv pad">
    {entries.map(([name, value]) => (
      <Fragment key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </Fragment>
    ))}
  </dl>
);

function Limits({ dag }: { dag: Dag }) {
  const { dag: t } = useT();
  const { language } = useLanguage();
  const timeout = secondsOf(dag.dag_run_timeout);
  return (
    <Panel title={t.settings.limits}>
      <List
        entries={[
          [t.settings.state, dag.is_paused ? t.settings.is_off : t.settings.is_on],
          [t.settings.runs_at_once, dag.max_active_runs ?? t.settings.no_limit],
          [t.settings.tasks_at_once, dag.max_active_tasks],
          [t.settings.run_timeout, timeout === null ? t.settings.no_limit : duration(language, timeout)],
          ...(dag.owners.length > 0 ? [[t.settings.owners, dag.owners.join(", ")] as const] : []),
          ...(dag.tags.length > 0 ? [[t.settings.tags, dag.tags.map((tag) => tag.name).join(", ")] as const] : []),
        ]}
      />
    </Panel>
  );
}

function Schedule({ dag }: { dag: Dag }) {
  const { dag: t, common } = useT();
  if (dag.timetable_summary === null) {
    return (
      <Panel title={t.settings.schedule}>
        <p className="pad muted">{t.no_schedule}</p>
      </Panel>
    );
  }
  return (
    <Panel title={t.settings.schedule}>
      <List
        entries={[
          [t.settings.schedule, dag.schedule && common.schedule(dag.schedule, dag.timetable_description ?? dag.timetable_summary ?? "")],
          [t.settings.timezone, dag.timezone],
          [t.settings.catchup, t.settings[`catchup_${dag.missed_slots}`]],
          ...(dag.start_date ? [[t.settings.begins, <When key="start" at={dag.start_date} long />] as const] : []),
          ...(dag.end_date ? [[t.settings.ends, <When key="end" at={dag.end_date} long />] as const] : []),
        ]}
      />
    </Panel>
  );
}

function DeleteButton({ dagId }: { dagId: string }) {
  const { dag: t } = useT();
  const toast = useToast();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const remove = useMutation({
    mutationFn: () => ok(api.DELETE("/api/v2/dags/{dag_id}", { params: { path: { dag_id: dagId } } })),
    onSuccess: () => {
      toast.note(t.settings.removed(dagId));
      void navigate({ to: "/" });
      queries.removeQueries({ queryKey: ["dag", dagId] });
      void queries.invalidateQueries();
    },
    onError: (error) => toast.fail(error),
  });
  return (
    <>
      <Button className="danger" onClick={() => setOpen(true)}>
        {t.settings.remove}
      </Button>
      <Dialog open={isOpen} onClose={() => setOpen(false)} title={t.settings.remove_title(dagId)} submit={{ text: t.settings.remove_title(dagId), onSubmit: () => remove.mutate(), isBusy: remove.isPending, off: typed === dagId ? undefined : t.settings.remove_type(dagId) }}>
        <p>{t.settings.remove_text}</p>
        <Field label={t.settings.remove_type(dagId)}>{(ids) => <input {...ids} className="inp mono" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />}</Field>
      </Dialog>
    </>
  );
}
