from enum import StrEnum


class ChangeOp(StrEnum):
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"

    def __str__(self) -> str:
        return str(self.value)
