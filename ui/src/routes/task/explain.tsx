import { runHref, taskHref, type Blocker, type Explanation } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { Ago, When } from "../../kit/time.tsx";
import { Anchor } from "../anchor.tsx";

const HOLDERS_SHOWN = 4;
/** States from which something starts still. */
const WAITING = new Set(["scheduled", "queued", "up_for_retry", "deferred", "waiting", "due"]);

/** Why something waits: what holds now with those that hold it, and below what is in order. */
export function Blockers({ explanation }: { explanation: Explanation }) {
  const { task: t } = useT();
  const { blockers, satisfied, earliest_start: earliest } = explanation;
  return (
    <>
      {blockers.length === 0 && <p className="pad muted">{t.nothing_blocks}</p>}
      <ul className="diff">
        {blockers.map((blocker, index) => (
          <li key={`${blocker.code} ${index}`}>
            <span className="op mod" aria-hidden="true">
              {index + 1}
            </span>
            <div>
              <p className="b anywhere">{t.blocked[blocker.code] ?? blocker.text}</p>
              {t.blocked[blocker.code] && <p className="small muted anywhere">{blocker.text}</p>}
              <Holders blocker={blocker} />
            </div>
          </li>
        ))}
        {satisfied.map((each) => (
          <li key={each.code}>
            <span className="op add" aria-hidden="true">
              ✓
            </span>
            <p className="anywhere">{t.in_order[each.code] ?? each.text}</p>
          </li>
        ))}
      </ul>
      {blockers.length > 0 && WAITING.has(explanation.state) && (
        <p className="pad small muted">
          {earliest ? (
            <>
              {t.earliest}: <When at={earliest} long />
            </>
          ) : (
            t.earliest_free
          )}
        </p>
      )}
    </>
  );
}

function Holders({ blocker }: { blocker: Blocker }) {
  const { task: t } = useT();
  const shown = blocker.holders.slice(0, HOLDERS_SHOWN);
  const others = blocker.holders_total - shown.length;
  if (!blocker.since && shown.length === 0 && blocker.position === null) return null;
  return (
    <p className="small muted">
      {blocker.since && <Ago at={blocker.since} />}
      {shown.length > 0 && (
        <>
          {blocker.since && "; "}
          {t.held_by}{" "}
          {shown.map((holder, index) => {
            const run = { dagId: holder.dag_id, runId: holder.dag_run_id };
            const href = holder.task_id === null ? runHref(run) : taskHref({ ...run, taskId: holder.task_id, mapIndex: holder.map_index ?? -1 });
            return (
              <span key={href}>
                {index > 0 && ", "}
                <Anchor className="l" href={href}>
                  {holder.dag_id}
                  {holder.task_id !== null && ` / ${holder.task_id}`}
                </Anchor>
              </span>
            );
          })}
          {others > 0 && `, ${t.others(others)}`}
        </>
      )}
      {blocker.position !== null && `; ${t.in_line(blocker.position)}`}
    </p>
  );
}
