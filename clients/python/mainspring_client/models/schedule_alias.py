from enum import StrEnum


class ScheduleAlias(StrEnum):
    VALUE_0 = "@once"
    VALUE_1 = "@continuous"

    def __str__(self) -> str:
        return str(self.value)
