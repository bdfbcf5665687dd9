"""How a command that speaks to a server ends: exit codes for scripts, and the errors that lead to them."""

from enum import IntEnum

from mainspring.errors import MainspringError

__all__ = ["Exit", "Rejected", "RemoteError", "Unreachable"]


class Exit(IntEnum):
    """Exit codes, the same for every command that speaks to a server."""

    SUCCESS = 0
    FAILED = 1
    """The run, or what was asked for, failed."""
    USAGE = 2
    """The command line makes no sense."""
    CANCELLED = 3
    """The run was cancelled."""
    STILL_RUNNING = 4
    """The deadline has passed; the run goes on."""
    UNREACHABLE = 5
    """The server gave no answer, or said that it cannot now. What became of the request is not known."""
    REJECTED = 6
    """The server refused the request, and would again."""
    INTERRUPTED = 130
    """Ctrl-C; the run goes on."""


class RemoteError(MainspringError):
    """A request was not answered as it should be."""

    exit = Exit.FAILED


class Unreachable(RemoteError):
    """No answer, or none of use; asking again later may help."""

    exit = Exit.UNREACHABLE


class Rejected(RemoteError):
    """The request was refused."""

    exit = Exit.REJECTED

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
