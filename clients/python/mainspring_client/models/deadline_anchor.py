from enum import StrEnum


class DeadlineAnchor(StrEnum):
    QUEUED = "queued"
    RUN_AFTER = "run_after"
    RUN_START = "run_start"

    def __str__(self) -> str:
        return str(self.value)
