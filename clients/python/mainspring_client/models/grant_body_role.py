from enum import StrEnum


class GrantBodyRole(StrEnum):
    AUTHOR = "author"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def __str__(self) -> str:
        return str(self.value)
