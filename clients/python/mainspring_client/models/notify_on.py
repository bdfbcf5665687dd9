from enum import StrEnum


class NotifyOn(StrEnum):
    APPROVAL = "approval"
    FAILED = "failed"
    LATE = "late"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
