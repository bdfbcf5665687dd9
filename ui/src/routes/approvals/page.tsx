import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { approvals } from "../../api/lists.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Glyph } from "../../kit/state.tsx";
import { Question } from "./question.tsx";

const PAGE = 100;

/** Questions that wait for a person, oldest first, with their choices as buttons. */
export function ApprovalsPage() {
  const { common, lists } = useT();
  const [limit, setLimit] = useState(PAGE);
  const query = useQuery(approvals(limit));
  useEffect(() => void (document.title = `${lists.approvals_title} · Mainspring`), [lists]);
  return (
    <>
      <div className="head">
        <h1>{lists.approvals_title}</h1>
        <p className="facts beside">
          <span>{lists.approvals_text}</span>
        </p>
      </div>
      <Panel label={common.approvals}>
        <Loaded query={query}>
          {(data) =>
            data.approvals.length ? (
              <ul>
                {data.approvals.map((each) => (
                  <Question key={`${each.dag_id} ${each.dag_run_id} ${each.task_id} ${each.map_index}`} approval={each} />
                ))}
              </ul>
            ) : (
              <Empty icon={<Glyph state="success" large />} title={lists.no_approvals} />
            )
          }
        </Loaded>
        {query.data && query.data.total_entries > query.data.approvals.length && (
          <p className="pad">
            <Button onClick={() => setLimit(limit + PAGE)}>{common.show_more}</Button>
          </p>
        )}
      </Panel>
    </>
  );
}
