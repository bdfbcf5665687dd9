from enum import StrEnum


class CreatedWebhookState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    ENDED = "ended"

    def __str__(self) -> str:
        return str(self.value)
