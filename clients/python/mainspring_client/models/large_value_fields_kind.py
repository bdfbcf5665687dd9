from enum import StrEnum


class LargeValueFieldsKind(StrEnum):
    ARRAY = "array"
    OBJECT = "object"
    STRING = "string"

    def __str__(self) -> str:
        return str(self.value)
