import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { Panel } from "../../kit/panel.tsx";
import { Values } from "./values.tsx";

/** The params of the run: defaults of the DAG, and over them what the trigger sent. */
export function ParamsTab({ run }: { run: Schema<"DagRun"> }) {
  const { run: t } = useT();
  const sent = (run.conf ?? {}) as Record<string, unknown>;
  const params = Object.entries(run.params as Record<string, unknown>);
  const others = Object.entries(sent).filter(([name]) => !(name in (run.params as object)));
  return (
    <Panel title={t.params} aside={t.params_from}>
      {params.length === 0 && others.length === 0 ? <p className="pad muted">{t.no_params}</p> : <Values entries={[...params.map(([name, value]) => [name, value, name in sent ? t.sent : t.default] as const), ...others.map(([name, value]) => [name, value, t.sent] as const)]} />}
    </Panel>
  );
}
