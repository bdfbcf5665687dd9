from enum import StrEnum


class ApiTokenKind(StrEnum):
    ADMIN = "admin"
    API = "api"

    def __str__(self) -> str:
        return str(self.value)
