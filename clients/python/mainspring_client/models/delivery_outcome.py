from enum import StrEnum


class DeliveryOutcome(StrEnum):
    DUPLICATE = "duplicate"
    FAILED = "failed"
    FILTERED = "filtered"
    PING = "ping"
    REFUSED = "refused"
    RUN = "run"

    def __str__(self) -> str:
        return str(self.value)
