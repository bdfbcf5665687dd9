from enum import StrEnum


class CreatedApiTokenKind(StrEnum):
    ADMIN = "admin"
    API = "api"
    WORKER = "worker"

    def __str__(self) -> str:
        return str(self.value)
