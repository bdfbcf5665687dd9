"""The plan of a task: the decision of its task type before the start."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mainspring.attempts import Attempt
from mainspring.states import StateReason
from mainspring_executors.outputs import OutputRoom
from mainspring_executors.protocol.results import Result, TaskEnded, failed

__all__ = ["Call", "Plan", "Program", "Work", "environment_of", "rejected", "resolve_secret", "spell", "working_dir_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """An attempt, and where it is about to run."""

    attempt: Attempt
    folder: str = ""
    """Path of the private temporary folder, which the host makes before the start; empty in a host of threads."""
    http_allow: tuple[str, ...] = ()
    values_folder: str = ""
    """Where the task leaves large outputs: a private folder of the host; empty = nowhere."""

    @property
    def room(self) -> OutputRoom:
        """The bounds of the outputs, and where large ones go."""
        limits = self.attempt.limits
        return OutputRoom(
            bytes_max=limits.output_bytes_max,
            value_bytes_max=limits.value_bytes_max if self.values_folder else 0,
            folder=self.values_folder,
            attempt_id=self.attempt.attempt_id,
            types=self.attempt.output_types,
        )

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.attempt.payload

    @property
    def input_path(self) -> str:
        return os.path.join(self.folder, ".mainspring-input")

    @property
    def output_path(self) -> str:
        return os.path.join(self.folder, ".mainspring-output")

    @property
    def script_path(self) -> str:
        return os.path.join(self.folder, ".mainspring-script")


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A process to start. Its outputs come from the file MAINSPRING_OUTPUT."""

    argv: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path -> content, written before the start."""
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str | None = None
    """`None` = the private temporary folder."""
    skip_exit_code: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A function to call, in a thread or in a process forked for it. It prints into the attempt's log."""

    function: Callable[[], Result]
    """Raises nothing."""
    abort: Callable[[], None] | None = None
    """Makes `function` return soon, from another thread; `None` = cannot be done."""
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str | None = None


Plan = Program | Call | Result


def rejected(message: str) -> TaskEnded:
    """The end of an attempt whose payload can never be run."""
    return TaskEnded(failed(StateReason.REJECTED, message))


def resolve_secret(value: Any, attempt: Attempt) -> Any:
    """`{"secret": name}` as the secret's value; anything else as it is. Raises `TaskEnded` when it is missing."""
    if not (isinstance(value, Mapping) and set(value) == {"secret"}):
        return value
    name = value["secret"]
    if name not in attempt.secrets:
        raise TaskEnded(
            failed(StateReason.SECRET_MISSING, f"there is no secret '{name}'; create it, then clear this task")
        )
    return attempt.secrets[name]


def spell(value: Any) -> str:
    """The text form of a value: text unchanged; a number, a boolean, null or a list in JSON.

    Raises:
        TaskEnded: The value is an object. An expression with an object as its value could otherwise name a secret.
    """
    if isinstance(value, Mapping):
        raise rejected("an object stands where the task needs text; name a single value of the object")
    text = value if isinstance(value, str) else json.dumps(value)
    if "\0" in text:
        raise rejected(f"{text[:40]!r} holds the character U+0000, which no process can be given; remove it")
    return text


def environment_of(attempt: Attempt) -> dict[str, str]:
    """The task's own `env`, secrets replaced."""
    env = {}
    for name, value in (attempt.payload.get("env") or {}).items():
        if not name or "=" in name or "\0" in name:
            raise rejected(f"env names the variable {name!r}; a name has no `=` and is not empty")
        env[name] = spell(resolve_secret(value, attempt))
    return env


def working_dir_of(attempt: Attempt) -> str | None:
    """The task's `working_dir`, which must be a folder here."""
    path = attempt.payload.get("working_dir")
    if path is None:
        return None
    if not (isinstance(path, str) and os.path.isabs(path) and os.path.isdir(path)):
        raise rejected(f"working_dir is {path!r}; it must be the absolute path of a folder on the machine that runs it")
    return path
