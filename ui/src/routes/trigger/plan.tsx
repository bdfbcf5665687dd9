import { useState } from "react";
import type { Schema } from "../../api/client.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Button, Segments } from "../../kit/button.tsx";
import { copyText } from "../../kit/copy.ts";
import { Loading, Panel } from "../../kit/panel.tsx";
import { useClock } from "../../kit/time.tsx";
import { duration, moment } from "../../time/format.ts";
import { FORMS, type RequestForm, type TriggerPlan, requestOf } from "./dry_run.ts";

/** What will happen, before it happens. */
export function PlanPanel({ plan, runAfter }: { plan: TriggerPlan | undefined; runAfter: string | null }) {
  const { actions: t, common } = useT();
  const { language } = useLanguage();
  const clock = useClock();
  const starts = plan && (runAfter ? t.starts_at(moment(clock, Date.parse(runAfter))) : plan.starts === "now" ? t.starts_now : t.starts_queued);
  return (
    <Panel title={t.what_it_will_do}>
      {plan ? (
        <div className="pad stack">
          <p>{starts}</p>
          {plan.reasons.map((reason) => (
            <p key={reason} className="muted">
              {common.said(reason)}
            </p>
          ))}
          <p>{t.instances(plan.instances)}</p>
          {plan.estimated_seconds !== null && <p>{t.estimated(duration(language, plan.estimated_seconds))}</p>}
        </div>
      ) : (
        <Loading rows={3} />
      )}
    </Panel>
  );
}

/** The request as other clients send it. */
export function RequestPanel({ dagId, body, idempotencyKey }: { dagId: string; body: Schema<"TriggerBody">; idempotencyKey: string }) {
  const { actions: t, common } = useT();
  const [form, setForm] = useState<RequestForm>("curl");
  const lines = requestOf(form, dagId, body, idempotencyKey) ?? [t.no_such_option];
  return (
    <Panel
      title={t.same_request}
      actions={
        <>
          <Segments<RequestForm> label={t.same_request} value={form} options={FORMS.map((each) => [each, each] as const)} onChange={setForm} />
          <Button bare onClick={() => void copyText(lines.join("\n"))}>
            {common.copy}
          </Button>
        </>
      }
    >
      <div className="code wraps" tabIndex={0} role="region" aria-label={t.same_request}>
        {lines.map((line, index) => (
          <div key={index}>
            <span>{line}</span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
