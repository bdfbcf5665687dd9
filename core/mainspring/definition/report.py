"""The collecting of problems: faults are listed up to a bound, and further faults are counted."""

from collections.abc import Collection
from itertools import islice
from typing import Any

from mainspring.errors import Problem
from mainspring.hints import did_you_mean

__all__ = ["INVALID", "PROBLEMS_MAX", "Report", "show"]

INVALID: Any = object()
"""Stands for an unusable value whose problem is reported."""

PROBLEMS_MAX = 100
"""Told about one document."""
_HINTS_MAX = 20
"""Problems that get a guess; each guess compares names and costs up to a few milliseconds."""

_KNOWN_SHOWN = 50


class Report:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._dropped = 0

    @property
    def is_full(self) -> bool:
        return len(self.problems) >= PROBLEMS_MAX

    def add(self, code: str, pointer: str, message: str, hint: str | None = None) -> Any:
        """Note a problem; beyond `PROBLEMS_MAX` they are only counted. Returns `INVALID`, for the reader to return."""
        if self.is_full:
            self._dropped += 1
        else:
            self.problems.append(Problem(pointer=pointer, message=message, hint=hint, code=code))
        return INVALID

    def add_unknown(self, code: str, pointer: str, what: str, name: str, choices: Collection[str]) -> Any:
        """Note an unknown name: "{what} 'name'", with a guess at the intended name."""
        if self.is_full:  # neither guess nor text for what is only counted
            return self.add(code, pointer, "")
        hint = did_you_mean(name, choices) if len(self.problems) < _HINTS_MAX else None
        some = ", ".join(islice(choices, _KNOWN_SHOWN)) + (", …" if len(choices) > _KNOWN_SHOWN else "")
        return self.add(code, pointer, f"{what} {show(name)}", hint or (f"known: {some}" if some else None))

    def counted(self) -> list[Problem]:
        """A final problem with the number of faults beyond the bound; empty when all were."""
        if not self._dropped:
            return []
        message = f"and {self._dropped} more problems"
        return [Problem(pointer="", message=message, code="too_many_problems")]


def show(value: Any) -> str:
    """A value for a message, short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}…'"
