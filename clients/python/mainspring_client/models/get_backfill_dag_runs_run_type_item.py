from enum import StrEnum


class GetBackfillDagRunsRunTypeItem(StrEnum):
    ASSET_MATERIALIZATION = "asset_materialization"
    ASSET_TRIGGERED = "asset_triggered"
    BACKFILL = "backfill"
    MANUAL = "manual"
    NONE = "none"
    OPERATOR_TRIGGERED = "operator_triggered"
    SCHEDULED = "scheduled"

    def __str__(self) -> str:
        return str(self.value)
