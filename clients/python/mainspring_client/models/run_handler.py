from enum import StrEnum


class RunHandler(StrEnum):
    FINALLY = "finally"
    ON_CANCEL = "on_cancel"
    ON_FAILURE = "on_failure"
    ON_SUCCESS = "on_success"

    def __str__(self) -> str:
        return str(self.value)
