from enum import StrEnum


class GetHomeDagRunStateItem(StrEnum):
    FAILED = "failed"
    NONE = "none"
    NO_STATUS = "no_status"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
