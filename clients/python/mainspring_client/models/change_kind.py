from enum import StrEnum


class ChangeKind(StrEnum):
    EDGE = "edge"
    LIMITS = "limits"
    OUTPUTS = "outputs"
    PARAMS = "params"
    SCHEDULE = "schedule"
    TASK = "task"
    TEXT = "text"

    def __str__(self) -> str:
        return str(self.value)
