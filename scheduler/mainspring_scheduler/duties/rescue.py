"""Rescue: attempts whose place of execution is gone, and attempts that were written but never handed over.

A heartbeat that stopped is not yet a lost task: on SQLite the scheduler's lock proves that no other scheduler lives;
on PostgreSQL another scheduler's attempts are lost only once its own lease has run out, by when its task host has
stopped them itself (`SELF_FENCE_SECONDS` is shorter).
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

__all__ = ["LOST_AFTER", "SELF_FENCE", "find_lost", "find_unsubmitted"]

SELF_FENCE = timedelta(seconds=20)
"""A task host that hears nothing from its scheduler for this long stops its tasks."""
LOST_AFTER = timedelta(seconds=30)
"""A scheduler that has not beaten for this long has lost its attempts."""
UNSUBMITTED_AFTER = timedelta(seconds=5)
"""How long an attempt may be in the store without its executor knowing of it."""


def find_lost(
    database: Database, executors: Mapping[str, Executor], *, incarnation: str, is_exclusive: bool, now: datetime
) -> list[Finished]:
    """A final report for each attempt of a scheduler that is dead; of a fenced one it tells that it stopped. Attempts
    of executors that are offered no more are among them, once no worker holds them.

    is_exclusive: no other scheduler can be alive.
    """
    remote = [name for name, executor in executors.items() if executor.capabilities.survives_scheduler_restart]
    with scheduling.begin_pass(database) as current:
        bound = current.reports.unleased_attempts(remote, now)
    others = [attempt for attempt in bound if attempt.owner != incarnation]
    if not others:
        return []
    alive = frozenset() if is_exclusive else services.alive(database, since=now - LOST_AFTER)
    return [_lost(attempt, "the scheduler that ran it died", now) for attempt in others if attempt.owner not in alive]


def find_unsubmitted(
    database: Database, executors: Mapping[str, Executor], *, incarnation: str, now: datetime
) -> list[Finished]:
    """A final report for each of our own attempts that its executor never got: the commit's answer was lost."""
    reports = []
    for name, executor in executors.items():
        if executor.capabilities.survives_scheduler_restart:
            continue  # its attempts are put back as they are: see `remote_rescue`
        with scheduling.begin_pass(database) as current:
            unstopped = current.reports.unstopped_attempts(name)
        mine = [
            attempt
            for attempt in unstopped
            if attempt.owner == incarnation and attempt.queued_at < now - UNSUBMITTED_AFTER
        ]
        places = executor.recover([attempt.attempt_id for attempt in mine]) if mine else {}
        reports += [
            _lost(attempt, "it was never handed to its executor", now)
            for attempt in mine
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
