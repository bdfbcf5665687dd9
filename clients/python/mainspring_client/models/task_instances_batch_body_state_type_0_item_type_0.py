from enum import StrEnum


class TaskInstancesBatchBodyStateType0ItemType0(StrEnum):
    DEFERRED = "deferred"
    FAILED = "failed"
    NONE = "none"
    NO_STATUS = "no_status"
    QUEUED = "queued"
    REMOVED = "removed"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    SKIPPED = "skipped"
    SUCCESS = "success"
    UPSTREAM_FAILED = "upstream_failed"
    UP_FOR_RETRY = "up_for_retry"

    def __str__(self) -> str:
        return str(self.value)
