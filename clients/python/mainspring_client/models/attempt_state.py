from enum import StrEnum


class AttemptState(StrEnum):
    CANCELLED = "cancelled"
    DEFERRED = "deferred"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    QUEUED = "queued"
    RUNNING = "running"
    SKIPPED = "skipped"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
