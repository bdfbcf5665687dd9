"""Schedules and backfills under clocks that jump: due slots, each once, whoever looks and whatever the clocks say.

The rules of time are spelled a second time here, by arithmetic on schedules whose slots have one length.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mainspring.attempts import Finished, Outcome
from mainspring.definition import parse_definition
from mainspring.errors import Conflict
from mainspring.instants import format_instant
from mainspring.retention import RunPolicy
from mainspring.states import RunType, StateReason
from mainspring.timetables import ON_TIME
from mainspring_store.resources import backfills, dag_pauses, dags
from mainspring_store.state import runs
from tests.invariants import Facts, read_facts, violations
from tests.scheduler.engine import START, MovedClock
from tests.simulation.machine import PICK, one_of
from tests.simulation.pruning import policies, prune
from tests.simulation.steps import steps_broken
from tests.simulation.world import Host, UnreliableDatabase

__all__ = ["TimeMachine"]

DAG = "d"
PASSES_MAX = 200
DRAINED_AFTER_MAX = 80
JUMPS = st.sampled_from([-3600, -61, -1, 1, 30, 61, 300, 3600])


@dataclass(frozen=True)
class Timing:
    """A schedule whose slots begin every `period` from `offset` after the epoch."""

    document: Mapping[str, Any]
    period: timedelta
    offset: timedelta = timedelta(0)

    def is_slot(self, date: datetime) -> bool:
        return (date - EPOCH - self.offset) % self.period == timedelta(0)

    def last_begun(self, now: datetime) -> datetime:
        """The latest slot that begins at `now` or before."""
        return now - (now - EPOCH - self.offset) % self.period

    def due(self, begin: datetime, now: datetime) -> list[datetime]:
        """The slots from `begin` that have ended by `now`, oldest first."""
        date, found = self.last_begun(now) - self.period, []
        while date >= begin:
            found.append(date)
            date -= self.period
        return found[::-1]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMINGS = (
    Timing({"cron": "* * * * *"}, timedelta(minutes=1)),
    Timing({"cron": "*/5 * * * *"}, timedelta(minutes=5)),
    Timing({"cron": "7 * * * *"}, timedelta(hours=1), timedelta(minutes=7)),
    Timing({"interval": "90s"}, timedelta(seconds=90)),
)


@dataclass(frozen=True)
class Saved:
    """What the DAG says about time now."""

    timing: Timing
    start: datetime | None
    made_up_for: int
    max_active_runs: int


class TimeMachine(RuleBasedStateMachine):
    """Two schedulers, each with a clock of its own, and one DAG."""

    def open_database(self) -> UnreliableDatabase:
        raise NotImplementedError

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.database = self.open_database()
        self.hosts = [
            Host(self.database, MovedClock(), None, incarnation=f"s{number}", slots=64, seed=number)
            for number in range(2)
        ]
        for host in self.hosts:
            host.has_peers = True
        self.latest = START
        """What any clock has ever shown."""
        self.is_paused = False
        self.facts: Facts = read_facts(self.database)
        self.save(data)

    def teardown(self) -> None:
        if not hasattr(self, "facts"):
            return
        try:
            if sys.exc_info()[0] is None:
                self._drain()
        finally:
            for host in self.hosts:
                host.close()

    # --- steps --------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def save(self, data: st.DataObject) -> None:
        """Make a version, or edit its schedule."""
        timing = data.draw(st.sampled_from(TIMINGS))
        catchup_max = data.draw(st.sampled_from([None, 0, 1, 3, 20]))
        start = data.draw(st.sampled_from([None, START - timedelta(minutes=10), START + timedelta(minutes=3)]))
        active = data.draw(st.sampled_from([1, 3, 200]))
        document = {
            "dag_id": DAG,
            "schedule": timing.document,
            "tasks": {"t": {"type": "shell", "command": ["true"]}},
            "max_active_runs": active,
            "catchup": {None: "latest", 0: "none"}.get(catchup_max, "all"),
            **({"catchup_max": catchup_max} if catchup_max else {}),
            **({} if start is None else {"start_date": format_instant(start)}),
        }
        definition = parse_definition(document, media="json")
        self.version = dags.save_dag(self.database, definition, by="test", now=self._now()).version
        self.saved = Saved(timing, start, 1 if catchup_max is None else catchup_max, active)

    @rule(is_paused=st.booleans())
    def pause(self, is_paused: bool) -> None:
        dag_pauses.set_paused(self.database, DAG, is_paused, now=self._now())
        self.is_paused = is_paused

    @rule(seconds=st.sampled_from([1, 30, 61, 300, 3600]))
    def let_time_pass(self, seconds: int) -> None:
        for host in self.hosts:
            self._move(host, seconds)

    @rule(host=PICK, seconds=JUMPS)
    def step_a_clock(self, host: int, seconds: int) -> None:
        """Somebody sets the clock of one machine, forward or back."""
        self._move(one_of(self.hosts, host), seconds)

    @rule(host=PICK, fault=st.sampled_from([None, None, "rollback", "unknown"]))
    def pass_once(self, host: int, fault: str | None) -> None:
        self._pass(one_of(self.hosts, host), fault)

    @rule(host=PICK)
    def run_until_idle(self, host: int) -> None:
        """All that is due by one clock is made, as far as there is room, and no more than is made up for."""
        worker_loop = one_of(self.hosts, host)
        before = read_facts(self.database)
        now, expected = worker_loop.clock.now(), self._expected(before, worker_loop.clock.now())
        for _ in range(PASSES_MAX):
            if self._pass(worker_loop):
                break
        else:
            raise AssertionError("the scheduler never comes to rest")
        if expected is None:
            return
        after = read_facts(self.database).runs.values()
        made = [run for run in after if run.id not in before.runs and run.run_type == "scheduled"]
        taken = {run.logical_date for run in after if run.run_type != "scheduled"}
        taken |= {run.logical_date for run in before.pruned.values()}
        free = [date for date in expected if date not in taken]
        assert [run.logical_date for run in made] == free, f"at {now}, {made} were made, {free} are due"

    @rule(outcomes=st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILED]), max_size=8))
    def finish(self, outcomes: list[Outcome]) -> None:
        for host in self.hosts:
            for attempt, outcome in zip(host.executor.open, outcomes, strict=False):
                host.deliver(self._final(attempt.attempt_id, outcome))

    @rule(ago=st.integers(0, 5))
    def trigger(self, ago: int) -> None:
        """Somebody takes a slot before the scheduler does."""
        date = self.saved.timing.last_begun(self._now()) - ago * self.saved.timing.period
        new = runs.NewRun(
            version=self.version, run_id=f"m{date.timestamp():.0f}", run_type=RunType.MANUAL, conf={}, params={},
            run_after=self._now(), logical_date=date,
        )  # fmt: skip
        taken = {run.logical_date for run in (*self.facts.runs.values(), *self.facts.pruned.values())}
        is_taken = date in taken
        try:
            runs.create_run(self.database, new, now=self._now())
        except Conflict:
            assert is_taken, "a run was refused though its logical date is free"
            return
        assert not is_taken, "two runs of one logical date"

    @rule(policy=policies)
    def prune(self, policy: RunPolicy) -> None:
        prune(self.database, policy, self.latest)

    # --- backfills ----------------------------------------------------------------------------------------------

    @rule(
        ago=st.integers(1, 12),
        length=st.integers(1, 12),
        is_backwards=st.booleans(),
        limit=st.sampled_from([1, 2, 10]),
        behavior=st.sampled_from(list(backfills.ReprocessBehavior)),
    )
    def backfill(
        self, ago: int, length: int, is_backwards: bool, limit: int, behavior: backfills.ReprocessBehavior
    ) -> None:
        timing = self.saved.timing
        first = timing.last_begun(self._now()) - ago * timing.period
        last = first + (length - 1) * timing.period
        slots = [date for date in timing.due(first, self._now()) if date <= last]
        if not slots:
            return
        new = backfills.NewBackfill(
            dag_id=DAG, version_id=self.version.id, from_date=first, to_date=last, slots_total=len(slots),
            run_backwards=is_backwards, max_active_runs=limit, reprocess_behavior=behavior,
        )  # fmt: skip
        is_open = any(one.completed_at is None for one in self.facts.backfills.values())
        try:
            backfills.create_backfill(self.database, new, now=self._now())
        except Conflict:
            assert is_open, "a backfill was refused though none is under way"
            return
        assert not is_open, "two backfills of one DAG are under way"

    @precondition(lambda self: any(one.completed_at is None for one in self.facts.backfills.values()))
    @rule(what=st.sampled_from(["pause", "unpause", "unpause", "cancel"]))
    def change_the_backfill(self, what: str) -> None:
        key = next(one.id for one in self.facts.backfills.values() if one.completed_at is None)
        if what == "cancel":
            backfills.cancel_backfill(self.database, key, by="test", now=self._now())
            queued = [run for run in read_facts(self.database).runs.values() if run.backfill_id == key]
            assert not any(run.state == "queued" for run in queued), "a cancelled backfill has queued runs"
        else:
            backfills.pause_backfill(self.database, key, what == "pause", now=self._now())

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "facts"):
            before, self.facts = self.facts, read_facts(self.database)
            found = violations(self.facts) + steps_broken(before, self.facts)
            found += [*_ended_backfills_that_went_on(before, self.facts), *self._dates_that_are_no_slots(before)]
            assert not found, "\n".join(found)

    def _dates_that_are_no_slots(self, before: Facts) -> list[str]:
        """I24: each new scheduled run stands for a slot of the schedule as it is, which has ended by some clock."""
        latest = max(host.clock.now() for host in self.hosts)
        timing = self.saved.timing
        return [
            f"run {run.run_id} is made for {run.logical_date}, to start after {run.run_after}"
            for run in self.facts.runs.values()
            if run.id not in before.runs and run.run_type == "scheduled"
            if not timing.is_slot(run.logical_date)
            or run.run_after != run.logical_date + timing.period
            or run.run_after > latest
            or run.dag_version_id != self.version.id
        ]

    def _expected(self, facts: Facts, now: datetime) -> list[datetime] | None:
        """The slots that settling now must deal with; None = room is missing, a backfill makes some of them run again,
        or the plan is to be made by a clock that is ahead."""
        saved, scheduled = self.saved, [run for run in facts.runs.values() if run.run_type == "scheduled"]
        planned = facts.dags[DAG]
        if self.is_paused:
            return []
        unfinished = sum(run.state in ("queued", "running") for run in scheduled)
        after = max((run.logical_date for run in scheduled), default=None)
        begin = max(filter(None, (after, saved.start, planned.next_logical_date)), default=None)
        due = saved.timing.due(begin or saved.timing.last_begun(now), now)
        due = [date for date in due if after is None or date > after]
        if saved.made_up_for:
            due = due[-saved.made_up_for :]
        else:
            renewed = planned.next_run_after if planned.next_logical_date is None else None
            on_time = max(filter(None, (now - ON_TIME, renewed)))
            due = [date for date in due if date + saved.timing.period >= on_time]
        is_another_clock = planned.next_logical_date is None and planned.next_run_after > now
        has_backfill = any(one.completed_at is None and not one.is_paused for one in facts.backfills.values())
        if unfinished + len(due) > saved.max_active_runs or is_another_clock or has_backfill:
            return None
        return due

    # --- how ----------------------------------------------------------------------------------------------------

    def _move(self, host: Host, seconds: int) -> None:
        host.clock.move(timedelta(seconds=seconds))
        self.latest = max(self.latest, host.clock.now())

    def _now(self) -> datetime:
        """By the clock of whoever serves the API."""
        return self.hosts[0].clock.now()

    def _pass(self, host: Host, fault: str | None = None) -> bool:
        """One pass; whether it did nothing and has nothing left to do."""
        self.database.fault = fault
        counts = host.run_once()
        self.database.fault = None
        return counts is not None and counts.did_nothing and counts.is_complete

    def _final(self, attempt_id: str, outcome: Outcome) -> Finished:
        reason = None if outcome is Outcome.SUCCESS else StateReason.EXIT_CODE
        return Finished(attempt_id=attempt_id, seq=2, at=self._now(), outcome=outcome, reason=reason)

    def _drain(self) -> None:
        """All clocks agree again, all runs end: nothing that was due is missing, and nothing moves any more."""
        # What was written by a clock that was ahead comes due too.
        latest = self.latest + timedelta(seconds=10)
        for host in self.hosts:
            host.clock.instant = latest
            host.heartbeat()
        dag_pauses.set_paused(self.database, DAG, False, now=latest)
        self.is_paused = False
        for one in self.facts.backfills.values():
            if one.completed_at is None:
                backfills.pause_backfill(self.database, one.id, False, now=latest)
        for _ in range(DRAINED_AFTER_MAX):
            for host in self.hosts:
                host.rescue()
                self.run_until_idle(self.hosts.index(host))
            self.finish([Outcome.SUCCESS] * 200)
            facts = read_facts(self.database)
            is_busy = any(run.state in ("queued", "running") for run in facts.runs.values())
            if not is_busy and not any(host.inbox for host in self.hosts):
                break
        self.nothing_is_broken()
        assert not is_busy, "runs never end"
        for one in self.facts.backfills.values():
            assert one.completed_at is not None, f"backfill {one.id} never ends"
        assert self._expected(self.facts, latest) == [], "slots that are due have no run"
        for host in self.hosts:
            self.run_until_idle(self.hosts.index(host))
        assert read_facts(self.database) == self.facts, "a pass without news wrote something"


def _ended_backfills_that_went_on(before: Facts, after: Facts) -> list[str]:
    return [
        f"backfill {run.backfill_id} had ended, and made run {run.run_id}"
        for run in after.runs.values()
        if run.id not in before.runs and run.backfill_id is not None
        if before.backfills[run.backfill_id].completed_at is not None
    ]
