from enum import StrEnum


class RunStateRule(StrEnum):
    ANY_FAILURE = "any_failure"
    LEAVES = "leaves"

    def __str__(self) -> str:
        return str(self.value)
