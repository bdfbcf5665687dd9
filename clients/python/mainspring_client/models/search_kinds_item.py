from enum import StrEnum


class SearchKindsItem(StrEnum):
    DAG = "dag"
    RUN = "run"
    TASK = "task"

    def __str__(self) -> str:
        return str(self.value)
