from enum import StrEnum


class NewApiTokenKind(StrEnum):
    ADMIN = "admin"
    API = "api"
    WORKER = "worker"

    def __str__(self) -> str:
        return str(self.value)
