from enum import StrEnum


class BackfillState(StrEnum):
    CANCELLED = "cancelled"
    FINISHED = "finished"
    RUNNING = "running"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
