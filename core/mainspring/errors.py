"""All errors that Mainspring raises on purpose, ordered by the caller's remedy.

    MainspringError
    ├── InvalidInput          the request is wrong; mend it
    │   ├── InvalidDag        every problem of a definition, each with its place
    │   └── InvalidParams     the params of a trigger do not fit the DAG's schema
    ├── NotFound              no such thing (or not yours to see)
    ├── Conflict              it exists already, or its state forbids the request
    ├── PreconditionFailed    its version differs from the request's; read it again
    ├── QuotaExceeded         the quota is used up; delete some, or wait
    ├── ExpressionError       an expression could not be evaluated on the data it met
    ├── StoreUnavailable      the database cannot be used now; try again later
    ├── LogStoreUnavailable   the store of old logs cannot be used now; everything else works
    └── ExecutorError         an executor cannot be used as asked

A message names the thing, the value and the cure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Conflict",
    "ExecutorError",
    "ExpressionError",
    "InvalidDag",
    "InvalidInput",
    "InvalidParams",
    "LogStoreUnavailable",
    "MainspringError",
    "NotFound",
    "PreconditionFailed",
    "Problem",
    "QuotaExceeded",
    "StoreUnavailable",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A fault of an input, with its place."""

    pointer: str
    """RFC 6901 pointer into the document, e.g. `/tasks/load/depends_on/0`; empty = the document itself."""
    message: str
    line: int | None = None
    """Counts from 1; `None` where the input has no lines of its own (JSON)."""
    hint: str | None = None
    """The cure, where one can be guessed: "did you mean 'extract'?"."""
    code: str = "invalid"
    """The kind of problem, stable over versions, for programs: `unknown_field`, `cycle`, `not_supported_yet`, ..."""

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line is not None else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.pointer or '/'}: {self.message}{hint}"


class MainspringError(Exception):
    """Base of all of them."""


class InvalidInput(MainspringError):
    """The input is wrong. `problems` holds every fault that was found, in document order; never empty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class InvalidDag(InvalidInput):
    """A definition that cannot be saved."""


class InvalidParams(InvalidInput):
    """Params that do not fit the DAG's schema."""


class NotFound(MainspringError):
    """There is no such thing."""


class PreconditionFailed(MainspringError):
    """The resource is not in the state that the request requires."""

    def __init__(self, message: str, *, version_number: int | None = None, entity_tag: str | None = None) -> None:
        """version_number: the current version of the DAG. entity_tag: the tag of the present state. `None` = unknown or
        no state."""
        super().__init__(message)
        self.version_number = version_number
        self.entity_tag = entity_tag


class Conflict(MainspringError):
    """The resource exists already, or its present state forbids the request."""


class QuotaExceeded(MainspringError):
    """The user has reached the quota."""


class ExpressionError(MainspringError):
    """An expression could not be evaluated: an absent name, a wrong type, or more work than its bounds allow."""


class StoreUnavailable(MainspringError):
    """The database cannot be reached or is too busy."""


class LogStoreUnavailable(MainspringError):
    """The store of logs outside the database cannot be reached, is full, or lacks a log."""


class ExecutorError(MainspringError):
    """An executor cannot be used as asked."""
