import type { Schema } from "../../api/client.ts";

const s = (n: number) => (n === 1 ? "" : "s");

export const common = {
  skip: "Skip to content",
  home: "Home",
  runs: "Runs",
  upcoming: "Upcoming",
  backfills: "Backfills",
  approvals: "Approvals",
  admin: "Admin",
  main_navigation: "Main",
  breadcrumb: "Breadcrumb",
  switch_to: { dag: "Another DAG", run: "Another run", task: "Another task" },
  all_of: (n: number) => `All ${n}`,
  search_or_jump: "Search or jump to",
  /** A schedule in words; the server has them in English. */
  schedule: (_parts: Schema<"ScheduleParts">, description: string) => description,
  /** A sentence of the server, or one that a program wrote. */
  said: (sentence: string) => sentence,
  /** An error by its code, with the sentence of the server, which names the thing. */
  fault: (_code: string, sentence: string) => sentence,
  single_fault: (_code: string, sentence: string) => sentence,
  language: "Language",
  theme: "Theme",
  theme_names: { system: "as the system", light: "light", dark: "dark" },
  zone: "Time zone",
  zone_mine: "this browser",
  zone_server: "this server",
  account: "Account",
  log_out: "Log out",
  change_password: "Change password",
  keys: "Keys",
  single_keys: "Single-letter keys",
  cancel: "Cancel",
  close: "Close",
  save: "Save",
  remove: "Delete",
  create: "Create",
  more: "More",
  all: "All",
  none: "none",
  never: "never",
  yes: "yes",
  no: "no",
  copy: "Copy",
  copied: "Copied",
  try_now: "Try now",
  copy_details: "Copy details",
  clear_filter: "Clear the filter",
  show_more: "Show more",
  on: "On",
  off: "Off",
  ago: (span: string) => `${span} ago`,
  in_span: (span: string) => `in ${span}`,
  late_by: (span: string) => `${span} late`,
  count_dags: (n: number) => `${n} DAG${s(n)}`,
  count_runs: (n: number) => `${n} run${s(n)}`,
  count_tasks: (n: number) => `${n} task${s(n)}`,
  selected: (n: number) => `${n} selected`,
  not_found: "Not found, or not yours to see",
  not_found_text: (what: string) => `There is no ${what} that you may read.`,
  page_not_found: "This page does not exist",
  panel_failed: "This part could not be loaded",
  page_failed: "This page failed",
  failed_text: (status: number, code: string, sentence: string) => (status ? `${status} ${code}: ${sentence}` : "The server does not answer."),
  request_id: (id: string) => `request ${id}`,
  tries_again_in: (span: string) => `Tries again in ${span}; the rest of the page works on.`,
  forbidden_now: "You may not do this.",
  nothing_fits: (text: string) => `Nothing fits “${text}”`,
  live: {
    live: "Live",
    connecting: "Connecting",
    reconnecting: (age: string) => `Reconnecting, ${age} old`,
    polling: (every: string) => `Polling every ${every}`,
    paused: (n: number) => (n ? `Paused by you, ${n} change${s(n)} wait${n === 1 ? "s" : ""}` : "Paused by you"),
    offline: "Offline",
    offline_since: (time: string, age: string) => `No connection since ${time}. What you see is ${age} old; buttons that change something are off.`,
    pause: "Pause updates",
    resume: "Resume updates",
  },
  new_build: "A new version of this page is here.",
  reload: "Load it",
  session_over: "Your session is over",
  session_over_text: "Log in to go on. Nothing you typed is lost.",
  states: {
    success: "success",
    failed: "failed",
    running: "running",
    queued: "queued",
    scheduled: "scheduled",
    skipped: "skipped",
    upstream_failed: "upstream failed",
    up_for_retry: "up for retry",
    restarting: "restarting",
    deferred: "deferred",
    removed: "removed",
    late: "late",
    asks: "asks",
    paused: "paused",
    retrying: "retrying",
    none: "not yet",
  } as Record<StateWord, string>,
  run_types: {
    scheduled: "scheduled",
    manual: "manual",
    backfill: "backfill",
    asset_triggered: "after other DAGs",
    operator_triggered: "by a task",
  } as Record<string, string>,
  key_groups: {
    everywhere: "Everywhere",
    pages: "Pages",
    lists: "Lists, grid, graph",
    acting: "Open a dialog",
  },
  key_list: {
    help: "this list",
    search: "search or jump: DAG, run, task, page",
    filter: "filter this page",
    go: "go to Home, Runs, Upcoming, Backfills, Approvals",
    rows: "next, previous row",
    cells: "move in grid and graph",
    open: "open",
    back: "back, close",
    log: "log",
    retry: "retry",
    clear: "clear",
    explain: "explain",
    trigger: "trigger",
    backfill: "backfill",
    edit: "edit the definition",
    pause: "pause updates",
    zone: "UTC or your zone",
    neighbours: "earlier, later run",
    tries: "earlier, later try",
    submit: "do what the dialog says",
  },
};

export type StateWord =
  | "success"
  | "failed"
  | "running"
  | "queued"
  | "scheduled"
  | "skipped"
  | "upstream_failed"
  | "up_for_retry"
  | "restarting"
  | "deferred"
  | "removed"
  | "late"
  | "asks"
  | "paused"
  | "retrying"
  | "none";
