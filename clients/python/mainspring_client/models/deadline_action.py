from enum import StrEnum


class DeadlineAction(StrEnum):
    FAIL = "fail"
    NOTIFY = "notify"

    def __str__(self) -> str:
        return str(self.value)
