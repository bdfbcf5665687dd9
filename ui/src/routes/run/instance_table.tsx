import type { Schema } from "../../api/client.ts";
import { useT } from "../../i18n/index.tsx";
import { instanceName, roleOf } from "../../kit/instance.ts";
import { State, useReason } from "../../kit/state.tsx";
import { Took, When } from "../../kit/time.tsx";
import { Anchor } from "../anchor.tsx";

export const STATES = ["failed", "upstream_failed", "up_for_retry", "running", "deferred", "queued", "scheduled", "skipped", "removed", "success"] as const;

interface Props {
  instances: readonly Schema<"TaskInstance">[];
  /** Whether the rows are instances of one mapped task. */
  isMapped?: boolean;
  hrefOf(instance: Schema<"TaskInstance">): string;
}

export function InstanceTable({ instances, isMapped = false, hrefOf }: Props) {
  const { run: t } = useT();
  const reason = useReason();
  return (
    <div className="scroll-x" tabIndex={0}>
      <table className="tbl">
        <thead>
          <tr>
            <th>{isMapped ? t.instance : t.task}</th>
            <th>{t.state}</th>
            <th>{t.why}</th>
            <th className="num hide-s">{t.try}</th>
            <th className="hide-s">{t.started}</th>
            <th className="num">{t.took}</th>
          </tr>
        </thead>
        <tbody>
          {instances.map((each) => (
            <tr key={`${each.task_id} ${each.map_index}`}>
              <td className="cut">
                <Anchor className="id" href={hrefOf(each)}>
                  {isMapped ? each.rendered_map_index : instanceName(each.task_id, each.rendered_map_index)}
                </Anchor>
                {roleOf(t, each) && <span className="muted"> {roleOf(t, each)}</span>}
              </td>
              <td>
                <State state={each.state} />
                {each.state === "failed" && each.allow_failure && <span className="muted"> {t.failure_allowed}</span>}
              </td>
              <td className="muted why">{each.state_reason === "exit_code" && each.exit_code !== null && each.exit_code !== undefined ? t.exit_code(each.exit_code) : reason(each.state_reason)}</td>
              <td className="num hide-s">{each.try_number || ""}</td>
              <td className="hide-s">
                <When at={each.start_date} />
              </td>
              <td className="num">
                <Took seconds={each.duration} from={each.state === "running" ? each.start_date : null} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
