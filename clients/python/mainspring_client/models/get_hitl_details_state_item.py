from enum import StrEnum


class GetHitlDetailsStateItem(StrEnum):
    AWAITING_INPUT = "awaiting_input"
    DEFERRED = "deferred"
    FAILED = "failed"
    NONE = "none"
    NO_STATUS = "no_status"
    QUEUED = "queued"
    REMOVED = "removed"
    RESTARTING = "restarting"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    SKIPPED = "skipped"
    SUCCESS = "success"
    UPSTREAM_FAILED = "upstream_failed"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UP_FOR_RETRY = "up_for_retry"

    def __str__(self) -> str:
        return str(self.value)
