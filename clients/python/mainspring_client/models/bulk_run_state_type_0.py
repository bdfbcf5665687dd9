from enum import StrEnum


class BulkRunStateType0(StrEnum):
    FAILED = "failed"
    QUEUED = "queued"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
