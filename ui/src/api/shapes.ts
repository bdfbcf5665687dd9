/** Answers of the operations that the page was designed with. Each leaves this file when the document has it. */

export interface UiConfig {
  instance_name: string;
  logins: string[];
  languages: string[];
  build: string;
  banner?: string | null;
  default_timezone?: string | null;
  version?: string;
  public_url?: string | null;
}

export type AttentionKind = "failed" | "retrying" | "late" | "slow" | "approval" | "backfill_paused";

export interface Attention {
  kind: AttentionKind;
  since: string;
  dag_id: string;
  dag_run_id: string | null;
  task_id: string | null;
  map_index: number | null;
  try_number: number | null;
  state_reason: string | null;
  message: string | null;
  line: { n: number; text: string } | null;
  failed_in_a_row: number | null;
  next_try_at: string | null;
  due_at: string | null;
  choices: string[] | null;
}

export interface Summary {
  counts: {
    running: number;
    queued: number;
    failing: number;
    late: number;
    approvals: number;
    runs_24h: number;
    success_24h: number;
  };
  attention: Attention[];
  health: Record<string, unknown>;
}

/** Start, success, failed, running, planned. */
export type ActivityBin = [start: string, success: number, failed: number, running: number, planned: number];

export interface Activity {
  bins: ActivityBin[];
}

export type OverviewRun = [
  dag_run_id: string,
  state: string,
  run_type: string,
  start: string | null,
  duration: number | null,
  version_number: number,
];

export interface OverviewDag {
  dag_id: string;
  tags: string[];
  owners: string[];
  is_paused: boolean;
  paused_by: string | null;
  paused_at: string | null;
  state: string | null;
  timetable_description: string | null;
  timezone: string | null;
  next: { run_after: string; logical_date: string | null } | null;
  version: { version_number: number; created_at: string; created_by: string | null };
  median_duration: number | null;
  runs: OverviewRun[];
}

export interface Overview {
  dags: OverviewDag[];
  total_entries: number;
}

export type GridCell = [state: string | null, tries: number, counts?: Record<string, number>] | null;

export interface GridRun {
  dag_run_id: string;
  run_type: string;
  state: string;
  version_number: number;
  run_after: string;
  start_date: string | null;
  end_date: string | null;
  cells: GridCell[];
}

export interface Grid {
  tasks: { task_id: string; is_mapped: boolean; versions: [from: number, to: number] }[];
  runs: GridRun[];
  before: string | null;
}

export interface Upcoming {
  runs: {
    dag_id: string;
    run_after: string;
    logical_date: string | null;
    dag_run_id: string | null;
    kind: string;
  }[];
}

export interface SearchHit {
  kind: string;
  title: string;
  dag_id: string;
  dag_run_id: string | null;
  task_id: string | null;
}
