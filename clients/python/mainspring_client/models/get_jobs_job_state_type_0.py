from enum import StrEnum


class GetJobsJobStateType0(StrEnum):
    FAILED = "failed"
    RUNNING = "running"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
