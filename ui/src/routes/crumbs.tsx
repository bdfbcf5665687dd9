import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { type ReactNode, Suspense, lazy } from "react";
import { dagRun, type RunAddress } from "../api/run.ts";
import { type Messages, useT } from "../i18n/index.tsx";
import { Icon } from "../kit/icon.tsx";
import { Menu } from "../kit/menu.tsx";
import { Loading } from "../kit/panel.tsx";
import { useClock } from "../kit/time.tsx";
import { moment } from "../time/format.ts";

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const DagChoices = lazy(() => import("./switchers.tsx").then((module) => ({ default: module.DagChoices })));
const RunChoices = lazy(() => import("./switchers.tsx").then((module) => ({ default: module.RunChoices })));
const TaskChoices = lazy(() => import("./switchers.tsx").then((module) => ({ default: module.TaskChoices })));

/** What a crumb can be exchanged for. `rest`: the part of the address below the crumb, which another one keeps. */
type Switch = { kind: "dag"; dagId: string; rest: string } | { kind: "run"; run: RunAddress; rest: string } | { kind: "task"; run: RunAddress; taskId: string; rest: string };

interface Crumb {
  text: string;
  to: string;
  choice?: Switch;
  /** The run that the crumb stands for: the page of a run knows when the run was due, which says more than its id. */
  run?: RunAddress;
}

/** Where the reader is, by the address: each part but the last is a link. */
export function crumbsOf(pathname: string, t: Messages): Crumb[] {
  const parts = pathname.split("/").filter(Boolean);
  const home = { text: t.common.home, to: "/" };
  if (parts[0] === "dags" && parts[1]) {
    const dagId = decoded(parts[1]);
    const tab = parts[2] as keyof Messages["dag"]["tabs"] | undefined;
    const isTab = tab !== undefined && tab in t.dag.tabs && parts.length === 3;
    const crumbs: Crumb[] = [home, { text: dagId, to: `/dags/${parts[1]}`, choice: { kind: "dag", dagId, rest: isTab ? `/${tab}` : "" } }];
    if (tab !== undefined && tab !== "runs" && tab in t.dag.tabs) crumbs.push({ text: t.dag.tabs[tab], to: `/dags/${parts[1]}/${tab}` });
    if (tab === "definition" && parts[3] === "edit") crumbs.push({ text: t.dag.edit, to: pathname });
    if (parts[2] === "runs" && parts[3]) {
      const run = { dagId, runId: decoded(parts[3]) };
      // Another run or task need not have the mapped instance.
      const below = parts.slice(4, parts[6] === "mapped" ? 6 : undefined);
      crumbs.push({ text: run.runId, to: `/dags/${parts[1]}/runs/${parts[3]}`, run, choice: { kind: "run", run, rest: below.map((part) => `/${part}`).join("") } });
      if (parts[4] === "tasks" && parts[5]) {
        const rest = below.slice(2).map((part) => `/${part}`).join("");
        crumbs.push({ text: decoded(parts[5]), to: `/dags/${parts[1]}/runs/${parts[3]}/tasks/${parts[5]}`, choice: { kind: "task", run, taskId: decoded(parts[5]), rest } });
      }
    }
    return crumbs;
  }
  const names: Record<string, string> = { runs: t.common.runs, upcoming: t.common.upcoming, backfills: t.common.backfills, approvals: t.common.approvals, admin: t.common.admin };
  const first = parts[0];
  if (!first || !(first in names)) return [home];
  const crumbs = [home, { text: names[first] ?? first, to: `/${first}` }];
  const part = parts[1] as keyof Messages["admin"]["parts"] | undefined;
  if (first === "admin" && part !== undefined && part in t.admin.parts) crumbs.push({ text: t.admin.parts[part], to: `/admin/${part}` });
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
        const place = isLast ? "here" : isMiddle ? "mid" : crumbs.length > 2 ? "first" : "";
        return [
          index > 0 && (
            <span key={`${index} sep`} className="sep" aria-hidden="true">
              /
            </span>
          ),
          <span key={index} className={`crumb ${place}`}>
            <Link to={crumb.to} className={index > 0 ? "cut" : ""} {...(isLast ? { "aria-current": "page" as const } : {})} title={crumb.text}>
              {crumb.run ? <RunName run={crumb.run} text={crumb.text} /> : crumb.text}
            </Link>
            {crumb.choice && <Switcher choice={crumb.choice} />}
          </span>,
        ];
      })}
    </nav>
  );
}

/** The menu at a crumb: others of its kind. */
function Switcher({ choice }: { choice: Switch }) {
  const { common } = useT();
  return (
    <Menu label={common.switch_to[choice.kind]} className="switcher icon" align="start" trigger={<Icon name="chev" />}>
      <Suspense fallback={<Loading rows={3} />}>{choicesOf(choice)}</Suspense>
    </Menu>
  );
}

function choicesOf(choice: Switch): ReactNode {
  switch (choice.kind) {
    case "dag":
      return <DagChoices dagId={choice.dagId} tab={choice.rest} />;
    case "run":
      return <RunChoices run={choice.run} rest={choice.rest} />;
    case "task":
      return <TaskChoices run={choice.run} taskId={choice.taskId} rest={choice.rest} />;
  }
}

function RunName({ run, text }: { run: RunAddress; text: string }) {
  const clock = useClock();
  const { data } = useQuery(dagRun(run));
  return <>{data?.dag_run_id === run.runId ? moment(clock, Date.parse(data.run_after)) : text}</>;
}
