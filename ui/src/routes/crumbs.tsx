import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { dagRun, type RunAddress } from "../api/run.ts";
import { type Messages, useT } from "../i18n/index.tsx";
import { useClock } from "../kit/time.tsx";
import { moment } from "../time/format.ts";

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

interface Crumb {
  text: string;
  to: string;
  /** The run that the crumb stands for: the page of a run knows when the run was due, which says more than its id. */
  run?: RunAddress;
}

/** Where the reader is, by the address: each part but the last is a link. */
export function crumbsOf(pathname: string, t: Messages): Crumb[] {
  const parts = pathname.split("/").filter(Boolean);
  const home = { text: t.common.home, to: "/" };
  if (parts[0] === "dags" && parts[1]) {
    const crumbs: Crumb[] = [home, { text: decoded(parts[1]), to: `/dags/${parts[1]}` }];
    const tab = parts[2] as keyof Messages["dag"]["tabs"] | undefined;
    if (tab !== undefined && tab !== "runs" && tab in t.dag.tabs) crumbs.push({ text: t.dag.tabs[tab], to: `/dags/${parts[1]}/${tab}` });
    if (tab === "definition" && parts[3] === "edit") crumbs.push({ text: t.dag.edit, to: pathname });
    if (parts[2] === "runs" && parts[3]) {
      crumbs.push({ text: decoded(parts[3]), to: `/dags/${parts[1]}/runs/${parts[3]}`, run: { dagId: decoded(parts[1]), runId: decoded(parts[3]) } });
      if (parts[4] === "tasks" && parts[5]) crumbs.push({ text: decoded(parts[5]), to: `/dags/${parts[1]}/runs/${parts[3]}/tasks/${parts[5]}` });
    }
    return crumbs;
  }
  const names: Record<string, string> = { runs: t.common.runs, upcoming: t.common.upcoming, backfills: t.common.backfills, approvals: t.common.approvals, admin: t.common.admin };
  const first = parts[0];
  if (!first || !(first in names)) return [home];
  const crumbs = [home, { text: names[first] ?? first, to: `/${first}` }];
  if (first === "backfills" && parts[1]) crumbs.push({ text: `#${decoded(parts[1])}`, to: pathname });
  return crumbs;
}

export function Crumbs() {
  const t = useT();
  const { pathname } = useLocation();
  const crumbs = crumbsOf(pathname, t);
  return (
    <nav className="crumbs grow" aria-label={t.common.breadcrumb}>
      {crumbs.map((crumb, index) => {
        const isLast = index === crumbs.length - 1;
        const isMiddle = index > 0 && !isLast;
        return [
          index > 0 && (
            <span key={`${crumb.to} sep`} className="sep" aria-hidden="true">
              /
            </span>
          ),
          <Link key={crumb.to} to={crumb.to} className={isLast ? "here cut" : isMiddle ? "mid cut" : index === 0 && crumbs.length > 2 ? "first" : ""} {...(isLast ? { "aria-current": "page" as const } : {})} title={crumb.text}>
            {crumb.run ? <RunName run={crumb.run} text={crumb.text} /> : crumb.text}
          </Link>,
        ];
      })}
    </nav>
  );
}

function RunName({ run, text }: { run: RunAddress; text: string }) {
  const clock = useClock();
  const { data } = useQuery(dagRun(run));
  return <>{data?.dag_run_id === run.runId ? moment(clock, Date.parse(data.run_after)) : text}</>;
}
