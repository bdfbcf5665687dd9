from enum import StrEnum


class AnsweringRole(StrEnum):
    ADMIN = "admin"
    AUTHOR = "author"
    OPERATOR = "operator"

    def __str__(self) -> str:
        return str(self.value)
