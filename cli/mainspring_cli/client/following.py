"""Starts a run and waits for its end, through restarts and outages of the server.

The two promises: an outage never starts a second run, and a successful run is always reported as a success. The first
holds because every attempt to start names the same run id and the same idempotency key; the second because only an
answer of the server says how a run ended.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mainspring.exit_codes import exit_code_of_run
from mainspring_cli.client.exits import Exit, Rejected, Unreachable
from mainspring_cli.client.session import Session

__all__ = ["REACH_SECONDS", "Patience", "Show", "ask", "await_end", "exit_of", "persist", "start_run"]

WAIT_SECONDS_MAX = 20.0
"""Of one request that waits; the next follows at once."""
SHOW_SECONDS = 1.0
"""The same while somebody looks on."""
REACH_SECONDS = 60.0
"""Default for the time without an answer before the command gives up."""
_PAUSE_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between questions to a server that does not answer; the last one repeats."""

Show = Callable[[], None]
Answer = TypeVar("Answer")


@dataclass(kw_only=True)
class Patience:
    """How long to go on without an answer, and to an end at all."""

    reach_seconds: float
    """From the first request without an answer. A request that waits is answered late by a server that is well."""
    deadline: float | None = None
    """`time.monotonic()` at which to stop waiting; `None` = wait without a limit."""

    def __post_init__(self) -> None:
        self.answered()

    def answered(self) -> None:
        self._silent_since: float | None = None
        self._failures = 0

    def pause(self, exc: Unreachable) -> None:
        """Pause before the next question.

        Raises:
            Unreachable: The one that was given; the server was silent for too long.
        """
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        is_late = self.deadline is not None and now >= self.deadline
        if is_late or now - self._silent_since >= self.reach_seconds:
            raise exc
        time.sleep(_PAUSE_SECONDS[min(self._failures, len(_PAUSE_SECONDS) - 1)])
        self._failures += 1

    @property
    def left_seconds(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


def start_run(
    session: Session, dag_id: str, trigger: Mapping[str, Any], patience: Patience, *, is_inline: bool = False
) -> dict[str, Any]:
    """Start a run with the id that `trigger` names, once, however often it has to be asked for.

    is_inline: `trigger` has a definition, which is not saved.

    Raises:
        Rejected: The server refuses; an existing run with this id is a reason. Unreachable: No answer for too long; the
        run may have been started.
    """
    from mainspring_client.api.dag_runs import get_dag_run, run_definition, trigger_dag_run
    from mainspring_client.models import InlineRunBody, TriggerBody

    body: Any = (InlineRunBody if is_inline else TriggerBody).from_dict(trigger)
    may_exist = False
    while True:
        try:
            run: dict[str, Any] = (
                session.call(run_definition, body=body)
                if is_inline
                else session.call(trigger_dag_run, dag_id, body=body)
            )
            patience.answered()
            return run
        except Unreachable as exc:
            # The request may have arrived although its answer did not.
            may_exist = True
            patience.pause(exc)
        except Rejected as exc:
            if not (may_exist and exc.status == 409):
                raise
            existing: dict[str, Any] = ask(session, patience, get_dag_run, dag_id, trigger["dag_run_id"])
            return existing


def await_end(
    session: Session, dag_id: str, run_id: str, patience: Patience, *, show: Show | None = None
) -> dict[str, Any]:
    """The run after its end, or its state at the deadline. `show` is called each second and at the end.

    Raises:
        Rejected: There is no such run any more.
        Unreachable: No answer for too long; the run goes on.
    """
    from mainspring_client.api.dag_runs import get_dag_run, wait_dag_run_until_finished

    seconds_max = WAIT_SECONDS_MAX if show is None else SHOW_SECONDS
    while True:
        remaining = patience.left_seconds
        seconds = seconds_max if remaining is None else min(remaining, seconds_max)
        try:
            session.call(wait_dag_run_until_finished, dag_id, run_id, interval=1, timeout=seconds)
        except Unreachable as exc:
            # Perhaps only the places for waiting are taken; the question below tells.
            if patience.left_seconds != 0:
                patience.pause(exc)
        run: dict[str, Any] = ask(session, patience, get_dag_run, dag_id, run_id)
        if show is not None:
            show()
        if run["state"] in ("success", "failed") or patience.left_seconds == 0:
            return run


def exit_of(run: Mapping[str, Any]) -> Exit:
    """The exit code that a run's state means."""
    return Exit(exit_code_of_run(run["state"], run["state_reason"]))


def ask(session: Session, patience: Patience, operation: Any, *arguments: Any, **options: Any) -> Any:
    """The answer of an operation; raises as `persist`."""
    return persist(patience, lambda: session.call(operation, *arguments, **options))


def persist(patience: Patience, question: Callable[[], Answer]) -> Answer:
    """The answer of a question, asked again while there is none.

    Raises:
        Rejected: The server refuses.
        Unreachable: No answer for too long.
    """
    while True:
        try:
            answer = question()
        except Unreachable as exc:
            patience.pause(exc)
        else:
            patience.answered()
            return answer
