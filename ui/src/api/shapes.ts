/**
 * Answers with compact rows. The types are those of the document; only the places of a row have names here, because the
 * document has the rows as plain arrays.
 */
import type { Schema } from "./client.ts";

/** `Answer` with other types for some members, each of which must be a member of it. */
type With<Answer, Members extends { [Name in keyof Members]: Name extends keyof Answer ? unknown : never }> = Omit<Answer, keyof Members> & Members;

export type AttentionKind = "failed" | "retrying" | "late" | "slow" | "approval" | "backfill_paused";
export type Attention = With<Schema<"AttentionItem">, { kind: AttentionKind }>;
export type Summary = With<Schema<"Summary">, { attention: Attention[] }>;

export type ActivityBin = [start: string, success: number, failed: number, running: number, planned: number];
export type Activity = With<Schema<"Activity">, { bins: ActivityBin[] }>;

export type OverviewRun = [dag_run_id: string, state: string, run_type: string, start: string | null, duration: number | null, version_number: number];
export type OverviewDag = With<Schema<"DagOverviewRow">, { runs: OverviewRun[] }>;
export type Overview = With<Schema<"DagOverviewCollection">, { dags: OverviewDag[] }>;

export type Home = With<Schema<"Home">, { summary: Summary; activity: Activity; overview: Overview }>;

export type GridCell = [state: string | null, tries: number, counts?: Record<string, number>] | null;
export type GridRun = With<Schema<"GridColumn">, { cells: GridCell[] }>;
export type GridTask = With<Schema<"GridTask">, { versions: [from: number, to: number] }>;
export type Grid = With<Schema<"Grid">, { tasks: GridTask[]; runs: GridRun[] }>;

export type Upcoming = Schema<"Upcoming">;
export type UpcomingDay = [date: string, runs: number, is_complete: boolean];
export type UpcomingDays = With<Schema<"UpcomingDays">, { days: UpcomingDay[] }>;
export type SearchHit = Schema<"SearchHit">;
