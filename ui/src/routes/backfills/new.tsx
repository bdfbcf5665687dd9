import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { lastSuccess } from "../../api/lists.ts";
import { queries } from "../../api/queries.ts";
import { dayAfter, monthAfter } from "../../calendar/months.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Checkbox, Field, Radios, TypedInput } from "../../kit/field.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Failure, Loading } from "../../kit/panel.tsx";
import { useClock } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { instantsOf, useZone, wallText } from "../../time/zone.ts";
import { InstantInput } from "../trigger/instant.tsx";
import { SlotCalendar } from "./slot_calendar.tsx";

type Body = Schema<"BackfillBody">;
type Rule = Schema<"ReprocessBehavior">;

/** A backfill, over the page of its DAG: range and rules at the left, the slots that it would run at the right. */
export function BackfillDialog({ dagId, from, to }: { dagId: string; from: string | undefined; to: string | undefined }) {
  const { lists } = useT();
  const zone = useZone();
  const clock = useClock();
  const midnight = instantsOf(zone.name, wallText(zone.name, clock.now).slice(0, 10))[0] ?? clock.now;
  const [body, setBody] = useState<Body>(() => ({
    dag_id: dagId,
    from_date: from ?? new Date(midnight - 7 * 86_400_000).toISOString(),
    to_date: to ?? new Date(midnight).toISOString(),
    reprocess_behavior: "none",
    max_active_runs: 4,
    run_backwards: false,
  }));
  const navigate = useNavigate();
  const toast = useToast();
  const plan = useQuery({ queryKey: ["backfill plan", body], queryFn: ({ signal }) => ok(api.POST("/api/v2/backfills/dry_run", { params: { query: { slots: "all" } }, body, signal })), meta: { isStatic: true }, retry: false });
  const count = plan.data?.total_entries ?? 0;
  const change = useMutation({
    mutationFn: () => ok(api.POST("/api/v2/backfills", { body })),
    onSuccess: (made) => {
      toast.note(lists.backfill_made);
      void queries.invalidateQueries();
      void navigate({ to: "/backfills/$backfillId", params: { backfillId: String(made.id) } });
    },
    onError: (error) => toast.fail(error),
  });
  const close = () => void navigate({ to: "/dags/$dagId", params: { dagId } });
  const off = count === 0 || plan.isError ? lists.will_run(count) : undefined;
  const all = Object.values(plan.data?.totals ?? {}).reduce((sum, each) => sum + each, 0);
  return (
    <Dialog open wide onClose={close} title={lists.backfill_title(dagId)} status={plan.data && lists.slots.chosen(count, all)} submit={{ text: lists.make_backfill(count), onSubmit: () => change.mutate(), off, isBusy: change.isPending }}>
      <div className="lay-backfill">
        <Inputs body={body} onChange={setBody} />
        <section aria-label={lists.columns.progress}>
          {plan.error ? (
            <Failure error={plan.error} retry={() => void plan.refetch()} />
          ) : plan.data ? (
            <SlotCalendar plan={plan.data} places={body.max_active_runs ?? 1} />
          ) : (
            <Loading />
          )}
        </section>
      </div>
    </Dialog>
  );
}

/** Ranges that are often meant. Whole days end with the present day's midnight of the shown zone. */
function Ranges({ dagId, onChange }: { dagId: string; onChange(range: Pick<Body, "from_date" | "to_date">): void }) {
  const { lists } = useT();
  const { data: success } = useQuery(lastSuccess(dagId));
  const zone = useZone();
  const clock = useClock();
  const today = wallText(zone.name, clock.now).slice(0, 10);
  const midnight = (day: string): string => new Date(instantsOf(zone.name, day)[0] ?? Date.parse(day)).toISOString();
  const ranges = [
    [lists.slots.week, dayAfter(today, -7)],
    [lists.slots.month, monthAfter(today, 0)],
    [lists.slots.last_month, monthAfter(today, -1)],
  ] as const;
  return (
    <span className="row wrap">
      {ranges.map(([name, first], index) => (
        <Button key={name} className="small" onClick={() => onChange({ from_date: midnight(first), to_date: midnight(index === 2 ? monthAfter(today, 0) : today) })}>
          {name}
        </Button>
      ))}
      <Button className="small" off={success === null ? lists.slots.no_success : undefined} disabled={!success} onClick={() => success && onChange(sinceSlot(success, clock.now))}>
        {lists.slots.since_success}
      </Button>
    </span>
  );
}

/** The slots behind one that succeeded, up to now. */
const sinceSlot = (slot: string, now: number): Pick<Body, "from_date" | "to_date"> => ({ from_date: new Date(Date.parse(slot) + 1000).toISOString(), to_date: new Date(Math.max(now, Date.parse(slot) + 1000)).toISOString() });

function Inputs({ body, onChange }: { body: Body; onChange(body: Body): void }) {
  const { lists } = useT();
  // The inputs keep what is typed; a range from a button begins them anew.
  const [generation, renew] = useState(0);
  const set = (change: Partial<Body>) => onChange({ ...body, ...change });
  const rules: Rule[] = ["none", "failed", "completed"];
  return (
    <div className="stack backfill-form">
      <div className="row wrap" style={{ gap: "18px", alignItems: "flex-start" }}>
        <Field label={lists.first_slot}>{(ids) => <InstantInput key={`from ${generation}`} ids={ids} value={body.from_date} onChange={(value) => value && set({ from_date: value })} />}</Field>
        <Field label={lists.last_slot}>{(ids) => <InstantInput key={`to ${generation}`} ids={ids} value={body.to_date} onChange={(value) => value && set({ to_date: value })} />}</Field>
      </div>
      <Ranges
        dagId={body.dag_id}
        onChange={(range) => {
          renew(generation + 1);
          set(range);
        }}
      />
      <div className="field">
        <span className="lab">{lists.reprocess}</span>
        <Radios label={lists.reprocess} value={body.reprocess_behavior ?? "none"} options={rules.map((rule) => [rule, lists.reprocess_names[rule]] as const)} onChange={(rule) => set({ reprocess_behavior: rule })} />
      </div>
      <Field label={lists.places}>
        {(ids) => <TypedInput {...ids} className="inp narrow" type="number" min={1} value={String(body.max_active_runs)} onChange={(text) => set({ max_active_runs: Math.max(1, Number(text)) })} />}
      </Field>
      <Field label={lists.pause_after}>
        {(ids) => <TypedInput {...ids} className="inp narrow" type="number" min={1} value={String(body.max_failed_runs ?? "")} onChange={(text) => set({ max_failed_runs: text ? Math.max(1, Number(text)) : null })} />}
      </Field>
      <Checkbox checked={body.run_backwards ?? false} onChange={(run_backwards) => set({ run_backwards })}>
        {lists.backwards}
      </Checkbox>
    </div>
  );
}
