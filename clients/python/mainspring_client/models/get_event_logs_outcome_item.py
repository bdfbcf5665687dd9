from enum import StrEnum


class GetEventLogsOutcomeItem(StrEnum):
    DONE = "done"
    REFUSED = "refused"

    def __str__(self) -> str:
        return str(self.value)
