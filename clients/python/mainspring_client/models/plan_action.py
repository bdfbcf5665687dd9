from enum import StrEnum


class PlanAction(StrEnum):
    CHANGE = "change"
    CREATE = "create"
    REMOVE = "remove"
    UNCHANGED = "unchanged"

    def __str__(self) -> str:
        return str(self.value)
