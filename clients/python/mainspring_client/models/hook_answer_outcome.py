from enum import StrEnum


class HookAnswerOutcome(StrEnum):
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    PING = "ping"
    RUN = "run"

    def __str__(self) -> str:
        return str(self.value)
