from enum import StrEnum


class CreateBackfillDryRunSlots(StrEnum):
    ALL = "all"
    TO_RUN = "to_run"

    def __str__(self) -> str:
        return str(self.value)
