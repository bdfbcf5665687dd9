from enum import StrEnum


class GetEventsTypesItem(StrEnum):
    APPROVAL = "approval"
    BACKFILL = "backfill"
    DAG = "dag"
    LOG = "log"
    MANY = "many"
    POOL = "pool"
    RUN = "run"
    SIGNAL = "signal"
    TASK = "task"
    WEBHOOK = "webhook"
    WORKER = "worker"

    def __str__(self) -> str:
        return str(self.value)
