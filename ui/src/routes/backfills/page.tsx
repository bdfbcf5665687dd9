import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type Schema, api, ok } from "../../api/client.ts";
import { backfill, backfillRuns, backfills } from "../../api/lists.ts";
import { PAGE_MAX } from "../../api/pages.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Badge } from "../../kit/state.tsx";
import { Ago, When, useClock } from "../../kit/time.tsx";
import { useToast } from "../../kit/toast.tsx";
import { near } from "../../time/format.ts";
import { RunTable } from "../runs/table.tsx";
import { useSession } from "../session.tsx";

type Backfill = Schema<"Backfill">;

export function BackfillsPage() {
  const { backfillId } = useParams({ strict: false }) as { backfillId?: string };
  return backfillId ? <One id={Number(backfillId)} /> : <All />;
}

function All() {
  const { lists, common } = useT();
  const [limit, setLimit] = useState(PAGE_MAX);
  const query = useQuery(backfills(limit));
  useEffect(() => void (document.title = `${lists.backfills_title} · Mainspring`), [lists]);
  const isOver = (each: Backfill) => each.state === "finished" || each.state === "cancelled";
  return (
    <>
      <div className="head">
        <h1>{lists.backfills_title}</h1>
      </div>
      <Panel label={lists.backfills_title}>
        <Loaded query={query}>
          {(data) =>
            data.backfills.length ? (
              <Table rows={data.backfills.toSorted((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.id - a.id)} />
            ) : (
              <Empty title={lists.no_backfills}>
                <p>{lists.no_backfills_text}</p>
              </Empty>
            )
          }
        </Loaded>
        {query.data && query.data.total_entries > query.data.backfills.length && (
          <p className="pad">
            <Button onClick={() => setLimit(limit + PAGE_MAX)}>{common.show_more}</Button>
          </p>
        )}
      </Panel>
    </>
  );
}

function Table({ rows }: { rows: Backfill[] }) {
  const { lists } = useT();
  const { columns } = lists;
  return (
    <div className="scroll-x">
      <table className="tbl">
        <thead>
          <tr>
            <th>{columns.id}</th>
            <th>{columns.dag}</th>
            <th>{columns.state}</th>
            <th className="fill">{columns.progress}</th>
            <th className="hide-s">{columns.range}</th>
            <th className="num hide-s">{columns.created}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => (
            <tr key={each.id}>
              <td className="dim">{each.id}</td>
              <td>
                <Link className="id" to="/backfills/$backfillId" params={{ backfillId: String(each.id) }}>
                  {each.dag_id}
                </Link>
              </td>
              <td>
                <StateOf backfill={each} />
              </td>
              <td>
                <Progress backfill={each} />
              </td>
              <td className="hide-s muted">
                <When at={each.from_date} long /> – <When at={each.to_date} long />
              </td>
              <td className="num hide-s dim">
                <Ago at={each.created_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StateOf({ backfill: each }: { backfill: Backfill }) {
  const state = each.is_paused ? "paused" : { running: "running", waiting: "queued", cancelled: "removed", finished: each.progress.runs_failed ? "failed" : "success" }[each.state];
  return <Badge state={state} />;
}

/** Success, failed and running as a bar, and the count in words. */
function Progress({ backfill: { progress } }: { backfill: Backfill }) {
  const { lists } = useT();
  const share = (runs: number) => ({ "--w": progress.slots_total ? runs / progress.slots_total : 0 });
  return (
    <span className="row" style={{ minInlineSize: "120px" }}>
      <span className="meter grow" style={{ minInlineSize: "60px", maxInlineSize: "240px" }}>
        <i style={share(progress.runs_success)} />
        <i className="f" style={share(progress.runs_failed)} />
        <i className="r" style={share(progress.runs_running)} />
        <i className="k" style={share(progress.slots_skipped)} />
      </span>
      <span className="small muted nw">{lists.backfill_progress(progress.slots_done, progress.slots_total)}</span>
      {progress.runs_failed > 0 && <span className="small t-bad nw">{lists.failed_runs(progress.runs_failed)}</span>}
    </span>
  );
}

function One({ id }: { id: number }) {
  const { lists, common } = useT();
  const [limit, setLimit] = useState(PAGE_MAX);
  const query = useQuery(backfill(id));
  const runs = useQuery(backfillRuns(id, limit));
  const session = useSession();
  const each = query.data;
  useEffect(() => void (document.title = `${lists.backfills_title} #${id} · Mainspring`), [lists, id]);
  return (
    <Loaded query={query} what={`backfill ${id}`}>
      {(data) => (
        <>
          <div className="head">
            <h1 className="row wrap">
              {lists.backfill_of(data.dag_id)} <StateOf backfill={data} />
            </h1>
            <p className="facts small beside">
              <span>
                <When at={data.from_date} long /> – <When at={data.to_date} long />
              </span>
              <span>{lists.reprocess_names[data.reprocess_behavior]}</span>
              {data.progress.estimated_completion_at && (
                <span>
                  <EndsAbout at={data.progress.estimated_completion_at} />
                </span>
              )}
            </p>
            {each && session.may("operator", each.dag_id) && each.state !== "finished" && each.state !== "cancelled" && <Buttons backfill={each} />}
          </div>
          {data.message && <p className="note retry" style={{ marginBlockEnd: "12px" }}>{common.said(data.message)}</p>}
          <Panel title={lists.columns.progress} actions={<Progress backfill={data} />}>
            <Loaded query={runs}>{(list) => (list.dag_runs.length ? <RunTable runs={list.dag_runs} isOneDag /> : <Empty title={lists.no_runs} />)}</Loaded>
            {runs.data && runs.data.dag_runs.length >= limit && (
              <p className="pad">
                <Button onClick={() => setLimit(limit + PAGE_MAX)}>{common.show_more}</Button>
              </p>
            )}
          </Panel>
        </>
      )}
    </Loaded>
  );
}

function EndsAbout({ at }: { at: string }) {
  const { lists } = useT();
  const clock = useClock();
  return <>{lists.ends_about(near(clock, Date.parse(at)))}</>;
}

function Buttons({ backfill: each }: { backfill: Backfill }) {
  const { lists } = useT();
  const toast = useToast();
  const [isCancelling, setCancelling] = useState(false);
  const path = { backfill_id: each.id };
  const change = useMutation({
    mutationFn: (act: "pause" | "unpause" | "cancel") =>
      act === "pause" ? ok(api.PUT("/api/v2/backfills/{backfill_id}/pause", { params: { path } })) : act === "unpause" ? ok(api.PUT("/api/v2/backfills/{backfill_id}/unpause", { params: { path } })) : ok(api.PUT("/api/v2/backfills/{backfill_id}/cancel", { params: { path } })),
    onError: (error) => toast.fail(error),
    onSettled: () => {
      setCancelling(false);
      void queries.invalidateQueries({ queryKey: ["backfills"] });
    },
  });
  return (
    <div className="acts">
      <Button onClick={() => change.mutate(each.is_paused ? "unpause" : "pause")}>{each.is_paused ? lists.unpause : lists.pause}</Button>
      <Button className="danger" onClick={() => setCancelling(true)}>
        {lists.cancel_backfill}
      </Button>
      <Dialog open={isCancelling} onClose={() => setCancelling(false)} title={lists.cancel_backfill} submit={{ text: lists.cancel_backfill, onSubmit: () => change.mutate("cancel"), isBusy: change.isPending }}>
        <p>{lists.cancel_backfill_text}</p>
      </Dialog>
    </div>
  );
}
