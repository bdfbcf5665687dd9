from enum import StrEnum


class SetupTeardownType(StrEnum):
    SETUP = "setup"
    TEARDOWN = "teardown"

    def __str__(self) -> str:
        return str(self.value)
