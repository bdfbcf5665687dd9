from enum import StrEnum


class RetryAction(StrEnum):
    FAIL = "fail"
    RETRY = "retry"

    def __str__(self) -> str:
        return str(self.value)
