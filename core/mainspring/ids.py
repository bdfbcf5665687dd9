"""Names that Mainspring makes, and rules for names of clients."""

import re
import secrets
from datetime import UTC, datetime

from mainspring.errors import InvalidInput, Problem
from mainspring.states import RunType

__all__ = [
    "ID_PATTERN",
    "check_run_id",
    "child_run_id",
    "is_valid_id",
    "new_attempt_id",
    "new_run_id",
    "parent_attempt_id",
    "run_id_of",
]

ID_PATTERN = "[A-Za-z0-9_.-]{1,250}"
"""Of DAGs and tasks, in full; `.` and `..` are no ids."""
_RUN_ID = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}", re.ASCII)


def is_valid_id(text: str) -> bool:
    """Whether `text` may name a DAG or a task."""
    return re.fullmatch(ID_PATTERN, text) is not None and text not in (".", "..")


def new_attempt_id() -> str:
    """32 hexadecimal digits, unique for ever, rising with time (UUIDv7), with 74 random bits."""
    from uuid_utils import uuid7

    return uuid7().hex


def new_run_id(run_type: RunType, run_after: datetime) -> str:
    """`manual__2026-01-01T00:00:00+00:00_1f3a9c2e`: two triggers in one instant do not clash."""
    return f"{run_type}__{run_after.astimezone(UTC).isoformat()}_{secrets.token_hex(4)}"


def run_id_of(run_type: RunType, run_after: datetime) -> str:
    """`manual__2026-01-01T02:00:00+02:00`, as Airflow 3.3 names the run that may start at `run_after`.

    Programs compute this id, so each character counts: the offset comes from `run_after`, and microseconds appear only
    when they are not zero.
    """
    return f"{run_type}__{run_after.isoformat()}"


def child_run_id(task_id: str, attempt_id: str) -> str:
    """Of the run that an attempt of a `dag` task makes: one attempt makes one run."""
    return f"{RunType.OPERATOR_TRIGGERED}__{task_id[:190]}__{attempt_id}"


def parent_attempt_id(run_id: str) -> str | None:
    """The attempt that made a run, by the id of the run; `None` = no attempt made the run.

    A client cannot choose such an id: see `check_run_id`.
    """
    child = re.fullmatch(rf"{RunType.OPERATOR_TRIGGERED}__.*__([0-9a-f]{{32}})", run_id)
    return child and child[1]


def check_run_id(run_id: str, run_type: RunType = RunType.MANUAL) -> str:
    """Return `run_id`, chosen by a client for a run of `run_type`.

    Raises:
        InvalidInput: the id holds a forbidden character or `..`, is `~`, or has the prefix of a different type of run.
    """
    problem = None
    if not _RUN_ID.fullmatch(run_id):
        problem = f"run id {run_id[:60]!r} must be 1 to 250 of the characters A-Z a-z 0-9 _ . ~ : + -"
    elif ".." in run_id or run_id in (".", "~"):
        # In paths `~` stands for all runs.
        problem = f"run id {run_id[:60]!r} must not be '.' or '~' or hold '..'"
    else:
        for other in RunType:
            if other is not run_type and run_id.startswith(f"{other}__"):
                problem = f"run id {run_id[:60]!r} starts with '{other}__', which is kept for {other} runs"
    if problem:
        raise InvalidInput([Problem(pointer="/dag_run_id", message=problem, code="invalid_run_id")])
    return run_id
