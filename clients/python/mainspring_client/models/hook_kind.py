from enum import StrEnum


class HookKind(StrEnum):
    BEARER = "bearer"
    GITHUB = "github"
    GITLAB = "gitlab"
    STANDARD = "standard"
    STRIPE = "stripe"

    def __str__(self) -> str:
        return str(self.value)
