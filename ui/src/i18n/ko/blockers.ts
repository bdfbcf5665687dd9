import type { Schema } from "../../api/client.ts";

type BlockCode = Schema<"BlockCode">;

/** The cause of a wait. */
export const blocked: Record<BlockCode, string> = {
  scheduler_down: "동작 중인 스케줄러가 없습니다",
  database_degraded: "스케줄러가 데이터베이스 연결을 잃었습니다",
  clock_guard: "스케줄러의 시계가 맞지 않아 실행을 만들지 않습니다",
  restore_hold: "백업에서 복원한 뒤 아직 재개하지 않았습니다",
  dag_paused: "DAG가 일시 정지되어 있습니다",
  run_after_ahead: "실행의 시작 시각이 아직 되지 않았습니다",
  backfill_paused: "백필이 일시 정지되어 있습니다",
  max_active_runs: "동시 실행 수 한도에 도달했습니다",
  max_active_tasks: "실행의 동시 태스크 수 한도에 도달했습니다",
  upstream_not_done: "상위 태스크가 아직 끝나지 않았습니다",
  trigger_rule: "트리거 규칙이 충족되지 않았습니다",
  when: "조건(when)이 거짓입니다",
  branch: "분기가 이 태스크를 선택하지 않았습니다",
  expand_empty: "펼칠 항목이 없습니다",
  depends_on_past: "이전 실행에서 이 태스크가 성공하지 않았습니다",
  max_active_tis: "이 실행에서 태스크의 동시 인스턴스 한도에 도달했습니다",
  max_active_tis_per_dag: "모든 실행에서 태스크의 동시 인스턴스 한도에 도달했습니다",
  retry_delay: "다음 시도까지 기다리는 중입니다",
  pool_missing: "풀이 없습니다",
  pool_too_small: "풀의 전체 슬롯보다 많은 슬롯이 필요합니다",
  pool_full: "풀에 빈 슬롯이 부족합니다",
  executor_missing: "태스크의 실행기를 가진 스케줄러가 없습니다",
  executor_refuses: "머신에 태스크를 더 실행할 여유가 없습니다",
  executor_full: "실행기가 지금은 태스크를 더 받지 않습니다",
  no_worker: "이 큐를 맡은 워커가 없습니다",
  workers_busy: "이 큐의 워커가 아직 태스크를 가져가지 않았습니다",
  starting: "실행기가 태스크를 시작하는 중입니다",
  decision_pending: "스케줄러가 다음 차례에 결정합니다",
  wait_time: "정해진 시각을 기다립니다",
  wait_http: "주소가 원하는 응답을 할 때까지 기다립니다",
  wait_run: "다른 DAG의 실행이 끝나기를 기다립니다",
  approval_open: "사람의 응답을 기다립니다",
  no_schedule: "DAG에 일정이 없습니다",
  schedule_error: "스케줄러가 다음 실행을 계획하지 못합니다",
  not_due: "다음 실행 시각이 아직 되지 않았습니다",
  start_date: "DAG의 시작일이 아직 되지 않았습니다",
  end_date: "일정이 끝났습니다",
  excluded_day: "달력이나 시계 변경으로 제외된 시각입니다",
  catchup: "놓친 시각이며 다시 실행하지 않습니다",
};

/** What is in order; the sentence of the server stands for the others. */
export const inOrder: Partial<Record<BlockCode, string>> = {
  upstream_not_done: "상위 태스크가 모두 끝났습니다",
  pool_full: "풀에 빈 슬롯이 있습니다",
  dag_paused: "DAG가 켜져 있습니다",
  run_after_ahead: "실행의 시작 시각이 되었습니다",
  backfill_paused: "백필이 진행 중입니다",
  max_active_runs: "실행이 시작되었습니다",
  max_active_tasks: "실행의 동시 태스크 수에 여유가 있습니다",
  clock_guard: "스케줄러의 시계가 맞습니다",
  scheduler_down: "스케줄러가 동작 중입니다",
};
