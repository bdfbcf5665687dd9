from enum import StrEnum


class GetNotifierDeliveriesTypeItem(StrEnum):
    APPROVAL_ANSWERED = "approval.answered"
    APPROVAL_WAITING = "approval.waiting"
    BACKFILL_CANCELLED = "backfill.cancelled"
    BACKFILL_COMPLETED = "backfill.completed"
    BACKFILL_CREATED = "backfill.created"
    BACKFILL_PAUSED = "backfill.paused"
    BACKFILL_UNPAUSED = "backfill.unpaused"
    DAG_DELETED = "dag.deleted"
    DAG_PAUSED = "dag.paused"
    DAG_SAVED = "dag.saved"
    DAG_UNPAUSED = "dag.unpaused"
    RUN_CHANGED = "run.changed"
    RUN_DELETED = "run.deleted"
    RUN_FAILED = "run.failed"
    RUN_LATE = "run.late"
    RUN_PAUSED = "run.paused"
    RUN_QUEUED = "run.queued"
    RUN_RUNNING = "run.running"
    RUN_SUCCESS = "run.success"
    RUN_UNPAUSED = "run.unpaused"
    SIGNAL_RECEIVED = "signal.received"
    TASK_DEFERRED = "task.deferred"
    TASK_FAILED = "task.failed"
    TASK_LATE = "task.late"
    TASK_QUEUED = "task.queued"
    TASK_REMOVED = "task.removed"
    TASK_RUNNING = "task.running"
    TASK_SCHEDULED = "task.scheduled"
    TASK_SKIPPED = "task.skipped"
    TASK_SUCCESS = "task.success"
    TASK_UPSTREAM_FAILED = "task.upstream_failed"
    TASK_UP_FOR_RETRY = "task.up_for_retry"

    def __str__(self) -> str:
        return str(self.value)
