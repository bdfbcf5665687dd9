/** Queries of the pages of a run and of a task. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { logSource, type LogAddress } from "../log/source.ts";
import type { TimelineAnswer } from "../timeline/rows.ts";
import { type Schema, api, ok, shaped } from "./client.ts";
import { firstOf } from "./pages.ts";

export interface RunAddress {
  dagId: string;
  runId: string;
}

export interface TaskAddress extends RunAddress {
  taskId: string;
  /** -1 = not one of the instances of a mapped task. */
  mapIndex: number;
}

const runPath = ({ dagId, runId }: RunAddress) => ({ dag_id: dagId, dag_run_id: runId });
const taskPath = ({ taskId, ...run }: TaskAddress) => ({ ...runPath(run), task_id: taskId });

/** The key of everything of a run, so that an event can mark it stale. */
const runKey = ({ dagId, runId }: RunAddress, ...more: unknown[]) => ["run", dagId, runId, ...more];

export const dagRun = (run: RunAddress) =>
  queryOptions({
    queryKey: runKey(run, "details"),
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", { params: { path: runPath(run) }, signal })),
  });

/** Mapped tasks are folded into counts, but for the expanded one. */
export const timeline = (run: RunAddress, expanded: string | null = null) =>
  queryOptions({
    queryKey: runKey(run, "timeline", expanded),
    queryFn: ({ signal }) => {
      const query = expanded === null ? {} : { expand: [expanded] };
      return shaped<TimelineAnswer>(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/timeline", { params: { path: runPath(run), query }, signal }));
    },
  });

/** The definition of one version never changes. */
/** A definition without groups: all tasks by full id. */
export const definition = (dagId: string, version: number | undefined) =>
  queryOptions({
    queryKey: ["definition", dagId, version],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/definition", { params: { path: { dag_id: dagId }, query: { form: "flat", ...(version === undefined ? {} : { version_number: version }) } }, signal })),
    meta: { isStatic: version !== undefined },
    staleTime: version === undefined ? 2000 : Infinity,
    enabled: version !== 0,
  });

export const latestVersion = (dagId: string) =>
  queryOptions({
    queryKey: ["dag", dagId, "latest"],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { limit: 1, order_by: ["-version_number"] } }, signal })),
  });

export const versions = (dagId: string, limit: number) =>
  queryOptions({
    queryKey: ["dag", dagId, "versions", limit],
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { limit, order_by: ["-version_number"] } }, signal })),
  });

export const taskInstance = (task: TaskAddress) =>
  queryOptions({
    queryKey: runKey(task, "instance", task.taskId, task.mapIndex),
    queryFn: ({ signal }) =>
      task.mapIndex < 0
        ? ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", { params: { path: taskPath(task) }, signal }))
        : ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", { params: { path: { ...taskPath(task), map_index: task.mapIndex } }, signal })),
  });

export const taskTries = (task: TaskAddress) =>
  queryOptions({
    queryKey: runKey(task, "tries", task.taskId, task.mapIndex),
    queryFn: ({ signal }) =>
      task.mapIndex < 0
        ? ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", { params: { path: taskPath(task) }, signal }))
        : ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries", { params: { path: { ...taskPath(task), map_index: task.mapIndex } }, signal })),
  });

/** Instances of a mapped task; `state` filters on the server. */
export const mappedInstances = (task: TaskAddress, state: string | undefined, limit: number) =>
  queryOptions({
    queryKey: runKey(task, "mapped", task.taskId, state, limit),
    queryFn: ({ signal }) =>
      firstOf("task_instances", limit, (page) =>
        ok(
          api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped", {
            params: { path: taskPath(task), query: { ...page, ...(state ? { state: [state as never] } : {}) } },
            signal,
          }),
        ),
      ),
  });

/** The first instances of a run. */
export const instances = (run: RunAddress, state: string | undefined, limit: number) =>
  queryOptions({
    queryKey: runKey(run, "instances", state, limit),
    queryFn: ({ signal }) =>
      firstOf("task_instances", limit, (page) =>
        ok(
          api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", {
            params: { path: runPath(run), query: { ...page, ...(state ? { state: [state as never] } : {}) } },
            signal,
          }),
        ),
      ),
  });

/** The first instances of a run that have a note. */
export const notedInstances = (run: RunAddress, limit: number) =>
  queryOptions({
    queryKey: runKey(run, "notes", limit),
    queryFn: ({ signal }) =>
      firstOf("task_instances", limit, (page) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", { params: { path: runPath(run), query: { ...page, has_note: true } }, signal }))),
  });

export interface Output {
  key: string;
  value: unknown;
  /** A value of megabytes, which the page shows by its beginning; null = `value` is the whole value. */
  large: Schema<"XCom">["large_value"];
  /** Address of the whole entry. */
  download: string;
}

/** The outputs of an instance, with their values. */
export const taskOutputs = (task: TaskAddress) =>
  queryOptions({
    queryKey: runKey(task, "outputs", task.taskId, task.mapIndex),
    queryFn: async ({ signal }): Promise<Output[]> => {
      const query = task.mapIndex < 0 ? {} : { map_index: task.mapIndex };
      const path = taskPath(task);
      const { xcom_entries: entries } = await ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", { params: { path, query }, signal }));
      return Promise.all(
        entries.map(async ({ key, large_value: large }) => {
          const [dag, run, id, name] = [task.dagId, task.runId, task.taskId, key].map(encodeURIComponent);
          const download = `/api/v2/dags/${dag}/dagRuns/${run}/taskInstances/${id}/xcomEntries/${name}${task.mapIndex < 0 ? "" : `?map_index=${task.mapIndex}`}`;
          if (large) return { key, value: null, large, download };
          const entry = await ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}", { params: { path: { ...path, xcom_key: key }, query }, signal }));
          return { key, value: "value" in entry ? entry.value : null, large: null, download };
        }),
      );
    },
  });

/** Everything that the tasks of a run put out; names without values. */
export const runOutputs = (run: RunAddress) =>
  queryOptions({
    queryKey: runKey(run, "outputs"),
    queryFn: ({ signal }) =>
      firstOf("xcom_entries", 200, (page) =>
        ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", { params: { path: { ...runPath(run), task_id: "~" }, query: page }, signal })),
      ),
  });

const EVENTS_PAGE = 500;

/** All state changes of a run and its tasks, oldest first, a page at a time. */
export const runEvents = (run: RunAddress) =>
  infiniteQueryOptions({
    queryKey: runKey(run, "events"),
    queryFn: ({ signal, pageParam }) =>
      ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/events", { params: { path: runPath(run), query: { limit: EVENTS_PAGE, ...(pageParam ? { after: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => (page.events.length < EVENTS_PAGE ? undefined : page.cursor),
  });

export type Blocker = Schema<"WaitBlocker">;
export type Explanation = Schema<"WaitExplanation">;

export const explainTask = (task: TaskAddress) =>
  queryOptions({
    queryKey: runKey(task, "explain", task.taskId, task.mapIndex),
    queryFn: ({ signal }) => {
      const query = task.mapIndex < 0 ? {} : { map_index: task.mapIndex };
      return ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/explain", { params: { path: taskPath(task), query }, signal }));
    },
  });

export const explainRun = (run: RunAddress) =>
  queryOptions({
    queryKey: runKey(run, "explain"),
    queryFn: ({ signal }) => ok(api.GET("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/explain", { params: { path: runPath(run) }, signal })),
  });

export interface Excerpt {
  lines: readonly (readonly [n: number, timestamp: string, text: string])[];
  total: number;
  firstError: number | null;
  errors: readonly number[];
  warnings: readonly number[];
}

const BEFORE_ERROR = 4;
const EXCERPT_LINES = 10;

/** A few lines of a log: around its first error, else its end. */
export const logExcerpt = (address: LogAddress, isFailed: boolean) =>
  queryOptions({
    queryKey: runKey(address, "excerpt", address.taskId, address.mapIndex, address.tryNumber, isFailed),
    queryFn: async ({ signal }): Promise<Excerpt> => {
      const source = logSource(address);
      const marks = isFailed ? await source.marks(signal) : null;
      const error = marks?.first_error ?? null;
      const answer = error === null ? await source.tail(EXCERPT_LINES, signal) : await source.lines(Math.max(1, error - BEFORE_ERROR), EXCERPT_LINES, signal);
      return { lines: answer.lines, total: answer.total, firstError: error, errors: marks?.errors ?? [], warnings: marks?.warnings ?? [] };
    },
  });

export const addressOf = ({ dagId, runId }: RunAddress): string => `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}`;

/** The addresses of the page itself. */
export const runHref = ({ dagId, runId }: RunAddress): string => `/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`;
export const taskHref = ({ taskId, mapIndex, ...run }: TaskAddress): string => `${runHref(run)}/tasks/${encodeURIComponent(taskId)}${mapIndex >= 0 ? `/mapped/${mapIndex}` : ""}`;
