from enum import StrEnum


class WorkerStatus(StrEnum):
    ALIVE = "alive"
    SILENT = "silent"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return str(self.value)
