"""What travels between the scheduler and an executor: the specification of one try, and the reports about the try.

Both are plain data and cross process borders as JSON, never as pickled objects. Reports are idempotent by `(attempt_id,
seq)`: a report that is applied twice, late or out of order has no second effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mainspring.large_values import VALUE_BYTES_MAX, LargeValue
from mainspring.states import StateReason

__all__ = ["Attempt", "Finished", "Limits", "LogChunk", "Outcome", "Report", "Started", "Stopped"]


class Outcome(StrEnum):
    """How an attempt ended, according to the executor."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The task asked to be skipped."""
    CANCELLED = "cancelled"
    """Stopped because `Executor.cancel` asked for it."""
    INTERRUPTED = "interrupted"
    """Stopped because the executor was closing in an orderly way."""
    LOST = "lost"
    """The place where it ran vanished; whether the work was done is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds of one attempt. The process that runs the attempt enforces them."""

    output_bytes_max: int = 256 * 1024
    """All outputs of the attempt together, as JSON, without those that are kept by reference."""
    value_bytes_max: int = VALUE_BYTES_MAX
    """One output that is kept by reference, as JSON; all of them together may have twice as much. 0 = no output is
    kept by reference."""
    log_bytes_max: int = 10 * 1024 * 1024
    """Size of the stored log. Further output is dropped, and one marker line names the number of dropped bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The complete specification of one try: the executor needs no database.

    `payload` is the task's own part of the definition (`command`, `script`, `env`, `callable`, `kwargs`, `url`, ...)
    with every expression already evaluated; only `{"secret": name}` objects are still to be replaced, from `secrets`,
    and the places of `values`.
    """

    attempt_id: str
    """Random, unique for ever: 32 hexadecimal digits."""
    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: int = 1
    """Counts from 1."""
    queue: str = "default"
    """Queue whose workers may claim the attempt. Executors on the scheduler's machine ignore the queue."""
    task_type: str
    """`shell`, `python`, `http`, `noop`, ... : which runner carries it out."""
    payload: Mapping[str, Any]
    values: Mapping[str, LargeValue] = field(default_factory=dict)
    """JSON pointer in `payload` -> the value to put there in place of null."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secret name -> value, exactly the names that `payload` refers to. Masked in every log line."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """`logical_date`, `data_interval_start`, `data_interval_end`, `ds`, `params`: facts of the run for the task; and
    `traceparent` where the run has a trace.
    Instants are RFC 3339 text, absent instants `None`."""
    text_outputs: tuple[str, ...] = ()
    """Names of the outputs with the declared type string. A value that a program writes for them stays text."""
    output_types: Mapping[str, Any] = field(default_factory=dict)
    """Output name -> declared JSON Schema. Only outputs that are kept by reference are checked where the task runs."""
    timeout: timedelta | None = None
    """From the start of the task; `None` = no limit."""
    cancel_grace: timedelta = timedelta(seconds=10)
    """Between TERM and KILL when it is stopped."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The attempt began to run."""

    attempt_id: str
    seq: int
    at: datetime
    hostname: str
    pid: int | None = None
    """Of the task's own process; of the task host for a thread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogChunk:
    """A piece of the attempt's log. Not numbered: it is idempotent by its offset."""

    attempt_id: str
    offset: int
    """Number of log bytes of the attempt before this chunk. Chunks of an attempt are contiguous from 0."""
    data: bytes
    """At most 64 KiB; may end in mid-line."""
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The one final report of an attempt. All log chunks of the attempt were handed over earlier."""

    attempt_id: str
    seq: int
    at: datetime
    outcome: Outcome
    reason: StateReason | None = None
    """`None` exactly when the outcome is success."""
    message: str | None = None
    """One or two sentences with the thing, the value and the cure; shown to users. Never holds a secret."""
    exit_code: int | None = None
    """Of the task's process; negative = ended by that signal; `None` where there is none."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Output name -> JSON value. Empty unless the outcome is success."""
    large: Mapping[str, LargeValue] = field(default_factory=dict)
    """Output name -> reference, for the outputs that are kept by reference. A reference with a path is not in the store
    yet; who takes the report stores the file and deletes it."""
    log_bytes: int = 0
    """Length of the whole kept log."""
    still_running: bool = False
    """The attempt is over for us, but its code could not be stopped and still runs; a `Stopped` will follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """Nothing of this attempt runs any more. Follows a `Finished` that said `still_running`."""

    attempt_id: str
    seq: int
    at: datetime


Report = Started | LogChunk | Finished | Stopped
