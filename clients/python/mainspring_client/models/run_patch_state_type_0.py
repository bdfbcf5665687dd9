from enum import StrEnum


class RunPatchStateType0(StrEnum):
    FAILED = "failed"
    QUEUED = "queued"
    SUCCESS = "success"

    def __str__(self) -> str:
        return str(self.value)
