import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { HomePage } from "./home/page.tsx";
import { LoginPage } from "./login.tsx";
import { NotFoundPage, RouteFailure } from "./failures.tsx";
import { Shell } from "./shell.tsx";
import { type Search, choice, natural, text } from "./search.ts";

const root = createRootRoute({ notFoundComponent: NotFoundPage });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const login = createRoute({ getParentRoute: () => root, path: "/login", component: LoginPage, validateSearch: (search: Search) => text(search, "next") });

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: HomePage,
  validateSearch: (search: Search) => ({ ...text(search, "q", "state", "tag", "owner"), ...choice(search, "sort", ["attention", "dag_id"]), ...choice(search, "span", ["12h", "24h", "7d"]) }),
});

const dagSearch = (search: Search) => ({ ...choice(search, "view", ["graph", "table", "gantt"]), ...choice(search, "type", ["scheduled", "manual", "backfill", "operator_triggered", "asset_triggered"]), ...natural(search, "version"), ...text(search, "run", "task", "state", "from_run", "from", "to", "expand"), ...natural(search, "runs") });
const dag = createRoute({ getParentRoute: () => shell, path: "/dags/$dagId", component: lazyRouteComponent(() => import("./dag/page.tsx"), "DagPage"), validateSearch: dagSearch });
const dagTab = createRoute({ getParentRoute: () => shell, path: "/dags/$dagId/$tab", component: lazyRouteComponent(() => import("./dag/page.tsx"), "DagPage"), validateSearch: dagSearch });
const editor = createRoute({ getParentRoute: () => shell, path: "/dags/$dagId/definition/edit", component: lazyRouteComponent(() => import("./editor/page.tsx"), "EditorPage") });
const compare = createRoute({ getParentRoute: () => shell, path: "/dags/$dagId/versions/$pair", component: lazyRouteComponent(() => import("./dag/compare.tsx"), "ComparePage") });
const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  component: lazyRouteComponent(() => import("./runs/page.tsx"), "RunsPage"),
  validateSearch: (search: Search) => text(search, "state", "dag", "type", "from", "to", "conf"),
});
const upcoming = createRoute({ getParentRoute: () => shell, path: "/upcoming", component: lazyRouteComponent(() => import("./upcoming/page.tsx"), "UpcomingPage"), validateSearch: (search: Search) => ({ ...choice(search, "view", ["list", "calendar"]), ...text(search, "day") }) });
const backfills = createRoute({ getParentRoute: () => shell, path: "/backfills", component: lazyRouteComponent(() => import("./backfills/page.tsx"), "BackfillsPage"), validateSearch: (search: Search) => text(search, "dag") });
const backfill = createRoute({ getParentRoute: () => shell, path: "/backfills/$backfillId", component: lazyRouteComponent(() => import("./backfills/page.tsx"), "BackfillsPage") });
const approvals = createRoute({ getParentRoute: () => shell, path: "/approvals", component: lazyRouteComponent(() => import("./approvals/page.tsx"), "ApprovalsPage") });
const admin = createRoute({ getParentRoute: () => shell, path: "/admin", component: lazyRouteComponent(() => import("./admin/page.tsx"), "AdminPage") });
const adminPart = createRoute({ getParentRoute: () => shell, path: "/admin/$part", component: lazyRouteComponent(() => import("./admin/page.tsx"), "AdminPage"), validateSearch: (search: Search) => text(search, "q") });

const run = createRoute({
  getParentRoute: () => shell,
  path: "/dags/$dagId/runs/$runId",
  component: lazyRouteComponent(() => import("./run/page.tsx"), "RunPage"),
  validateSearch: (search: Search) => ({ ...text(search, "task", "q", "expand"), ...natural(search, "map", "try"), ...choice(search, "view", ["graph", "durations", "table"]) }),
});
const runTab = createRoute({
  getParentRoute: () => shell,
  path: "/dags/$dagId/runs/$runId/$tab",
  component: lazyRouteComponent(() => import("./run/page.tsx"), "RunPage"),
  validateSearch: (search: Search) => ({ ...text(search, "task", "q", "state"), ...natural(search, "map", "try", "show") }),
});

const task = createRoute({
  getParentRoute: () => shell,
  path: "/dags/$dagId/runs/$runId/tasks/$taskId",
  component: lazyRouteComponent(() => import("./task/page.tsx"), "TaskPage"),
  validateSearch: (search: Search) => ({ ...text(search, "q", "state"), ...natural(search, "try", "show") }),
});
const taskTab = createRoute({
  getParentRoute: () => shell,
  path: "/dags/$dagId/runs/$runId/tasks/$taskId/$tab",
  component: lazyRouteComponent(() => import("./task/page.tsx"), "TaskPage"),
  validateSearch: (search: Search) => ({ ...text(search, "q", "state"), ...natural(search, "try", "show") }),
});
const mappedTask = createRoute({
  getParentRoute: () => shell,
  path: "/dags/$dagId/runs/$runId/tasks/$taskId/mapped/$mapIndex",
  component: lazyRouteComponent(() => import("./task/page.tsx"), "TaskPage"),
  validateSearch: (search: Search) => ({ ...text(search, "q", "state"), ...natural(search, "try", "show") }),
});

/** Airflow's list of DAGs is Home here. */
const dags = createRoute({
  getParentRoute: () => root,
  path: "/dags",
  beforeLoad: () => {
    throw redirect({ to: "/" });
  },
});

export const router = createRouter({
  routeTree: root.addChildren([login, dags, shell.addChildren([home, dag, dagTab, editor, compare, runs, upcoming, backfills, backfill, approvals, admin, adminPart, run, runTab, task, taskTab, mappedTask])]),
  defaultErrorComponent: RouteFailure,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
  // Within a page an answer stays while the next one loads. Another object begins anew: what is shown, and what keys act
  // on, must be of the object in the address.
  defaultRemountDeps: ({ params }: { params: Record<string, string | undefined> }) => [params.dagId, params.runId, params.taskId, params.mapIndex, params.backfillId],
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
