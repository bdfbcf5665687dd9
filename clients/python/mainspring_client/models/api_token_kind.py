from enum import StrEnum


class ApiTokenKind(StrEnum):
    ADMIN = "admin"
    API = "api"
    WORKER = "worker"

    def __str__(self) -> str:
        return str(self.value)
