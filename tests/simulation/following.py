"""Schedules that wait for the ends of other DAGs, under users, crashes and lost commits: each end makes its run, once.

The rule is spelled a second time here. What ended, and in which order, is read from the log of events, which the engine
writes apart from the ends that schedules wait for.
"""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mainspring.attempts import Finished, Outcome
from mainspring.definition import parse_definition
from mainspring.states import RunState, RunType, StateReason
from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.marking import mark_run
from mainspring_store.interventions.targets import RunSelection
from mainspring_store.resources import dag_pauses, dags
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.invariants import Facts, read_facts, violations
from tests.scheduler.engine import START, MovedClock
from tests.simulation.machine import PICK, one_of
from tests.simulation.steps import steps_broken
from tests.simulation.world import Host, UnreliableDatabase

__all__ = ["FollowingMachine"]

SOURCES, FOLLOWER = ("a", "c"), "b"
PASSES_MAX = 100
ENDS = frozenset({"success", "failed"})


@dataclass(frozen=True)
class End:
    """A run came to an end that counts."""

    number: int
    """The order of the ends."""
    dag_id: str
    run_id: str
    state: str
    at: datetime
    logical_date: datetime | None


@dataclass(frozen=True)
class Rule:
    """What the schedule of the follower says."""

    again: dict[tuple[str, str], bool]
    """DAG and state -> whether a run counts again."""
    is_any: bool
    within: timedelta | None


class FollowingMachine(RuleBasedStateMachine):
    """Two schedulers that take turns, two DAGs that people run, and a DAG that follows them."""

    def open_database(self) -> UnreliableDatabase:
        raise NotImplementedError

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.database, self.clock = self.open_database(), MovedClock()
        self.hosts = [
            Host(self.database, self.clock, None, incarnation=f"s{number}", slots=64, seed=number)
            for number in range(2)
        ]
        for host in self.hosts:
            host.has_peers = True
        self.versions = Versions(self.database)
        shell = {"t": {"type": "shell", "command": ["true"]}}
        self.sources = {name: self._save(name, {"tasks": shell}) for name in SOURCES}
        self.is_paused, self.triggers, self.last_event = False, 0, 0
        self.numbers = count()
        self.counted: set[tuple[str, str]] = set()
        """Run id and state of each end that counted."""
        self.waiting: dict[tuple[str, str], End] = {}
        self.looked_at_again: list[End] = []
        """Ends that waited when the schedule changed, and that no pass has looked at since."""
        self.expected: list[list[End]] = []
        """The ends that made each run of the follower."""
        self.facts: Facts = read_facts(self.database)
        self._edit(data)

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
    def edit(self, data: st.DataObject) -> None:
        """The ends so far are taken by the schedule before."""
        self.settle(0)
        self._edit(data)

    def _edit(self, data: st.DataObject) -> None:
        pairs = st.tuples(st.sampled_from(SOURCES), st.sampled_from(["success", "success", "failed"]))
        again = data.draw(st.dictionaries(pairs, st.booleans(), min_size=1, max_size=3))
        is_any = data.draw(st.booleans())
        within = None if is_any else data.draw(st.sampled_from([None, None, 60]))
        items = [{"dag": name, "state": state, "again": value} for (name, state), value in again.items()]
        schedule: dict[str, Any] = {"after": items, "match": "any" if is_any else "all"}
        if within is not None:
            schedule["within"] = f"PT{within}S"
        self._save(FOLLOWER, {"tasks": {"t": {"type": "noop"}}, "schedule": schedule})
        self.rule = Rule(again, is_any, None if within is None else timedelta(seconds=within))
        # The version of the next pass that looks at ends looks at the waiting ones again.
        self.looked_at_again += self.waiting.values()
        self.waiting = {}
        self._look_again()

    def _look_again(self) -> None:
        """No pass looks at the ends of a paused DAG."""
        if self.is_paused:
            return
        ends, self.looked_at_again = sorted(self.looked_at_again, key=lambda end: end.number), []
        for end in ends:
            self._take(end)

    @rule(is_paused=st.booleans())
    def pause(self, is_paused: bool) -> None:
        self.settle(0)
        dag_pauses.set_paused(self.database, FOLLOWER, is_paused, now=self.clock.now())
        self.is_paused = is_paused
        self._look_again()

    @rule(source=PICK, day=st.sampled_from([None, *range(6)]))
    def trigger(self, source: int, day: int | None) -> None:
        self.triggers += 1
        name = one_of(SOURCES, source)
        date = None if day is None else START + timedelta(days=day)
        if date is not None and any(
            run.dag_id == name and run.logical_date == date for run in self.facts.runs.values()
        ):
            return
        new = runs.NewRun(
            version=self.sources[name], run_id=f"{name}{self.triggers}", run_type=RunType.MANUAL, conf={}, params={},
            run_after=self.clock.now(), logical_date=date,
        )  # fmt: skip
        runs.create_run(self.database, new, now=self.clock.now())

    @rule(host=PICK, fault=st.sampled_from([None, None, "rollback", "unknown"]))
    def pass_once(self, host: int, fault: str | None) -> None:
        self._pass(one_of(self.hosts, host), fault)

    @rule(outcomes=st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILED]), max_size=4))
    def finish(self, outcomes: list[Outcome]) -> None:
        for host in self.hosts:
            for attempt, outcome in zip(host.executor.open, outcomes, strict=False):
                reason = None if outcome is Outcome.SUCCESS else StateReason.EXIT_CODE
                host.deliver(
                    Finished(attempt_id=attempt.attempt_id, seq=2, at=self.clock.now(), outcome=outcome, reason=reason)
                )

    @rule(host=PICK)
    def finish_all(self, host: int) -> None:
        """All that runs succeeds, and what follows is made."""
        self.settle(host)
        self.finish([Outcome.SUCCESS] * 64)
        self.settle(host)

    @rule(seconds=st.sampled_from([1, 59, 61]))
    def let_time_pass(self, seconds: int) -> None:
        self.clock.move(timedelta(seconds=seconds))
        for host in self.hosts:
            host.heartbeat()

    @rule(run=PICK, how=st.sampled_from(["cancel", "success", "failed", "clear", "clear"]))
    def intervene(self, run: int, how: str) -> None:
        """Somebody ends a run, says how it ended, or lets it run again."""
        mine = [one for one in self.facts.runs.values() if one.dag_id in SOURCES]
        if not mine:
            return
        row, now = one_of(mine, run), self.clock.now()
        if how == "cancel":
            runs.cancel_run(self.database, row.dag_id, row.run_id, now=now, message="by test")
        elif how == "clear":
            request = Clear(runs=RunSelection(run_id=row.run_id))
            clear(self.database, self.versions, row.dag_id, request, now=now)
        else:
            mark_run(self.database, self.versions, row.dag_id, row.run_id, RunState(how), by="test", now=now)
        self._note_ends()

    @rule(host=PICK)
    def settle(self, host: int) -> None:
        """All ends so far have made their runs, and no more than these."""
        for _ in range(PASSES_MAX):
            if self._pass(one_of(self.hosts, host)):
                break
        else:
            raise AssertionError("the scheduler never comes to rest")
        self._compare()

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "facts"):
            before, self.facts = self.facts, read_facts(self.database)
            found = violations(self.facts) + steps_broken(before, self.facts)
            assert not found, "\n".join(found)

    def _compare(self) -> None:
        made = [run for run in read_facts(self.database).runs.values() if run.run_type == "asset_triggered"]
        shown = [[(one["dag_id"], one["dag_run_id"], one["state"]) for one in run.sources] for run in made]
        expected = [[(end.dag_id, end.run_id, end.state) for end in ends] for ends in self.expected]
        assert shown == expected, f"the engine made runs of {shown}, the model of {expected}"
        taken: set[datetime] = set()
        for run, ends in zip(made, self.expected, strict=True):
            date = max((end.logical_date for end in ends if end.logical_date is not None), default=None)
            date = None if date in taken else date
            assert run.logical_date == date, f"run {run.run_id} is of {run.logical_date}, the model says {date}"
            taken |= {date} if date is not None else set()

    # --- how ----------------------------------------------------------------------------------------------------

    def _save(self, dag_id: str, document: dict[str, Any]) -> runs.VersionRef:
        definition = parse_definition({"dag_id": dag_id, **document}, media="json")
        return dags.save_dag(self.database, definition, by="test", now=self.clock.now()).version

    def _pass(self, host: Host, fault: str | None = None) -> bool:
        """One pass; whether it did nothing and has nothing left to do."""
        self.database.fault = fault
        counts = host.run_once()
        self.database.fault = None
        self._note_ends()
        return counts is not None and counts.did_nothing and counts.is_complete

    def _note_ends(self) -> None:
        """Take the ends since the last step. Those of one transaction are in the order of their runs."""
        facts = read_facts(self.database)
        events = [event for of_run in facts.events.values() for event in of_run if event.id > self.last_event]
        self.last_event = max((event.id for event in events), default=self.last_event)
        for event in sorted(events, key=lambda event: event.dag_run_id):
            run = facts.runs[event.dag_run_id]
            if event.kind != "run" or event.state not in ENDS or run.dag_id not in SOURCES or self.is_paused:
                continue
            again = self.rule.again.get((run.dag_id, event.state))
            if again is None or (not again and (run.run_id, event.state) in self.counted):
                continue
            self.counted.add((run.run_id, event.state))
            self._take(End(next(self.numbers), run.dag_id, run.run_id, event.state, event.at, run.logical_date))

    def _take(self, end: End) -> None:
        rule = self.rule
        if (end.dag_id, end.state) not in rule.again:
            return
        if rule.is_any:
            self.expected.append([end])
            return
        self.waiting[end.dag_id, end.state] = end
        if rule.within is not None:
            self.waiting = {key: one for key, one in self.waiting.items() if end.at - one.at <= rule.within}
        if len(self.waiting) == len(rule.again):
            self.expected.append(sorted(self.waiting.values(), key=lambda one: one.number))
            self.waiting = {}

    def _drain(self) -> None:
        """Everything ends, and then nothing moves any more."""
        dag_pauses.set_paused(self.database, FOLLOWER, False, now=self.clock.now())
        self.is_paused = False
        self._look_again()
        for _ in range(10):
            # An attempt whose submission is unknown is looked for only later.
            self.let_time_pass(61)
            for host in self.hosts:
                host.rescue()
                self.settle(self.hosts.index(host))
            self.finish([Outcome.SUCCESS] * 64)
        self.nothing_is_broken()
        unfinished = [run.run_id for run in self.facts.runs.values() if run.state not in ENDS]
        assert not unfinished, f"runs {unfinished} never end"
