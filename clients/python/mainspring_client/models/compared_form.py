from enum import StrEnum


class ComparedForm(StrEnum):
    NORMALISED = "normalised"
    SENT = "sent"

    def __str__(self) -> str:
        return str(self.value)
