"""How a command that speaks to a server ends: exit codes for scripts, and their errors."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from mainspring import exit_codes
from mainspring.errors import MainspringError
from mainspring_cli.client.terminal_text import printable

__all__ = ["Exit", "OutputClosed", "OutputFailed", "Rejected", "RemoteError", "Unreachable", "describe_fault"]


class Exit(IntEnum):
    """Exit codes of every command that speaks to a server."""

    SUCCESS = exit_codes.SUCCESS
    FAILED = exit_codes.FAILED
    """The run, or what was asked for, failed."""
    USAGE = 2
    """The command line makes no sense."""
    CANCELLED = exit_codes.CANCELLED
    """The run was cancelled."""
    STILL_RUNNING = exit_codes.STILL_RUNNING
    """The deadline has passed; the run goes on."""
    UNREACHABLE = 5
    """The server gave no answer, or answered that the service is unavailable. What became of the request is not
    known."""
    REJECTED = 6
    """The server refused the request, and would again."""
    OUTPUT = 74
    """What was done could not be told: the output cannot be written. EX_IOERR of sysexits.h."""
    OUTPUT_CLOSED = 128 + 13
    """No process reads the output any more. As if ended by SIGPIPE."""
    INTERRUPTED = 130
    """Ctrl-C; the run goes on."""


class OutputFailed(MainspringError):
    """Standard output cannot be written; a full disk, for example."""


class OutputClosed(MainspringError):
    """No process reads standard output any more."""


class RemoteError(MainspringError):
    """A request failed."""

    exit = Exit.FAILED


class Unreachable(RemoteError):
    """No answer, or none of use; asking again later may help."""

    exit = Exit.UNREACHABLE


class Rejected(RemoteError):
    """The request was refused."""

    exit = Exit.REJECTED

    def __init__(self, message: str, *, status: int, faults: Sequence[Mapping[str, Any]] = ()) -> None:
        """faults: the faults of the request from the server (`pointer`, `message`, `line`, `hint`)."""
        super().__init__(message if len(faults) < 2 else "\n  ".join([f"{status}", *map(describe_fault, faults)]))
        self.status = status
        self.faults = faults


def describe_fault(fault: Mapping[str, Any]) -> str:
    """A fault in words, without its line, printable: it may quote a definition."""
    pointer, hint = fault["pointer"], fault["hint"]
    return printable(f"{pointer}: {fault['message']}".removeprefix(": ") + (f" ({hint})" if hint else ""))
