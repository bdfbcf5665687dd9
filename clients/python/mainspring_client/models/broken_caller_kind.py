from enum import StrEnum


class BrokenCallerKind(StrEnum):
    CLIENT = "client"
    DAG = "dag"

    def __str__(self) -> str:
        return str(self.value)
