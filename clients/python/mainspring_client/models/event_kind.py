from enum import StrEnum


class EventKind(StrEnum):
    APPROVAL = "approval"
    BACKFILL = "backfill"
    DAG = "dag"
    LOG = "log"
    MANY = "many"
    POOL = "pool"
    RESET = "reset"
    RUN = "run"
    SIGNAL = "signal"
    TASK = "task"
    WEBHOOK = "webhook"
    WORKER = "worker"

    def __str__(self) -> str:
        return str(self.value)
