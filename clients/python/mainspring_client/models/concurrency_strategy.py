from enum import StrEnum


class ConcurrencyStrategy(StrEnum):
    CANCEL_RUNNING = "cancel_running"
    KEEP_LATEST = "keep_latest"
    QUEUE = "queue"
    REJECT = "reject"

    def __str__(self) -> str:
        return str(self.value)
