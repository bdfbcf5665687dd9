"""Rescues attempts of dead schedulers, and attempts that were committed but never submitted.

A missing heartbeat is not yet a lost task. On SQLite, the scheduler's lock proves that no other scheduler lives. On
PostgreSQL, the attempts of another scheduler are lost only after `LOST_AFTER` without a heartbeat. By then, its task
hosts have stopped the tasks themselves, because `SELF_FENCE` is shorter.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mainspring.attempts import Finished, Outcome
from mainspring.states import StateReason
from mainspring_executors.contract import AttemptLocation, Executor
from mainspring_store import scheduling
from mainspring_store.database.transactions import Database
from mainspring_store.resources import heartbeats as services
from mainspring_store.scheduling import LiveAttempt
from mainspring_store.state.records import RESTORED_OWNER

__all__ = ["LOST_AFTER", "SELF_FENCE", "find_lost", "find_unsubmitted"]

SELF_FENCE = timedelta(seconds=20)
"""A task host whose scheduler is silent for this long stops its tasks."""
LOST_AFTER = timedelta(seconds=30)
"""A scheduler without a heartbeat for this long has lost its attempts."""
UNSUBMITTED_AFTER = timedelta(seconds=5)
"""How long the store may hold an attempt before its executor must know the attempt."""
_DIED = "the scheduler that ran it died"
_CAUSES = {RESTORED_OWNER: "it was under way when the backup was made that this instance was restored from"}
"""Owner -> why its attempts are lost."""


def find_lost(
    database: Database, executors: Mapping[str, Executor], *, incarnation: str, is_exclusive: bool, now: datetime
) -> list[Finished]:
    """A final report for each attempt of a dead scheduler. For a fenced attempt, the report only records its stop.

    Includes attempts of executors that were removed from the settings, once no worker holds a lease on them, and the
    attempts that a restored backup held as live.

    is_exclusive: no other scheduler can be alive.
    """
    remote = [name for name, executor in executors.items() if executor.capabilities.survives_scheduler_restart]
    with scheduling.begin_pass(database) as current:
        unleased = current.reports.unleased_attempts(remote, now)
    foreign = [attempt for attempt in unleased if attempt.owner != incarnation]
    if not foreign:
        return []
    alive = frozenset() if is_exclusive else services.alive(database, since=now - LOST_AFTER)
    return [_lost(attempt, _CAUSES.get(attempt.owner, _DIED), now) for attempt in foreign if attempt.owner not in alive]


def find_unsubmitted(
    database: Database, executors: Mapping[str, Executor], *, incarnation: str, now: datetime
) -> list[Finished]:
    """A final report for each attempt of this scheduler that its executor never got.

    This happens when a commit succeeded but its answer was lost: the scheduler submits only after the answer.
    """
    reports = []
    for name, executor in executors.items():
        if executor.capabilities.survives_scheduler_restart:
            continue  # `remote_rescue` puts these attempts back into Redis
        with scheduling.begin_pass(database) as current:
            unstopped = current.reports.unstopped_attempts(name)
        overdue = [
            attempt
            for attempt in unstopped
            if attempt.owner == incarnation and attempt.queued_at < now - UNSUBMITTED_AFTER
        ]
        places = executor.recover([attempt.attempt_id for attempt in overdue]) if overdue else {}
        reports += [
            _lost(attempt, "it was never handed to its executor", now)
            for attempt in overdue
            if places[attempt.attempt_id] is AttemptLocation.ABSENT
        ]
    return reports


def _lost(attempt: LiveAttempt, why: str, now: datetime) -> Finished:
    return Finished(
        attempt_id=attempt.attempt_id,
        seq=0,
        at=now,
        outcome=Outcome.LOST,
        reason=StateReason.WORKER_LOST,
        message=f"{why}; whether its work was done is unknown",
    )
