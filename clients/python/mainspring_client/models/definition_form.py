from enum import StrEnum


class DefinitionForm(StrEnum):
    FLAT = "flat"
    NORMALISED = "normalised"
    SENT = "sent"

    def __str__(self) -> str:
        return str(self.value)
