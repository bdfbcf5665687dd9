from enum import StrEnum


class DagRunType(StrEnum):
    BACKFILL = "backfill"
    MANUAL = "manual"
    OPERATOR_TRIGGERED = "operator_triggered"
    SCHEDULED = "scheduled"

    def __str__(self) -> str:
        return str(self.value)
