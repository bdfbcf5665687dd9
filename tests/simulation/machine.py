"""What may happen to the engine, in any order; after every step the invariants, after every pass the model."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.definition import parse_definition
from mainspring.errors import Conflict
from mainspring.params import resolve_params
from mainspring.states import RunType, StateReason, TaskState
from mainspring_executors.contract import SubmitResult
from mainspring_scheduler.scheduler import PassCounts
from mainspring_store import dags, runs
from mainspring_store.interventions import Clear, Mark, RunsWanted, TasksWanted, clear, mark
from mainspring_store.migrate import migrate
from mainspring_store.tables import metadata
from tests.invariants import Facts, read_facts, violations
from tests.scheduler.engine import MovedClock
from tests.simulation.documents import confs, documents
from tests.simulation.model import Key, Model, Run, Seen
from tests.simulation.world import Host, UnreliableDatabase

__all__ = ["EngineMachine", "PostgresMachine", "SqliteMachine"]

DAGS = ("a", "b")
HOURS = st.integers(0, 5)
PICK = st.integers(0, 63)
"""Which of several; taken modulo their number, so that a shrunk example still means something."""
SETTLED_AFTER_MAX = 60
DRAINED_AFTER_MAX = 60


class EngineMachine(RuleBasedStateMachine):
    """One world: a database, one scheduler or more, and whoever uses the API."""

    schedulers = 1

    def open_database(self) -> UnreliableDatabase:
        raise NotImplementedError

    @initialize(slots=st.sampled_from([64, 64, 2, 1]), data=st.data(), conf=confs)
    def begin(self, slots: int, data: st.DataObject, conf: Mapping[str, Any]) -> None:
        self.clock = MovedClock()
        self.database = self.open_database()
        self.model = Model()
        self.versions: dict[str, runs.VersionRef] = {}
        self.reported: list[Report] = []
        self.slots = slots
        self.incarnations = 0
        self.triggers = 0
        self.dates: set[tuple[str, int]] = set()
        self.hosts = [self._new_host() for _ in range(self.schedulers)]
        self.facts: Facts = read_facts(self.database)
        self.save(data, DAGS[0])
        self.trigger(0, conf, None, 0)

    def teardown(self) -> None:
        if not hasattr(self, "facts"):
            return
        try:
            # What a step broke is the news; what draining would meet after it is not.
            if sys.exc_info()[0] is None:
                self._drain()
        finally:
            for host in self.hosts:
                host.close()

    # --- users of the API ---------------------------------------------------------------------------------------

    @rule(data=st.data(), dag_id=st.sampled_from(DAGS))
    def save(self, data: st.DataObject, dag_id: str) -> None:
        definition = parse_definition(data.draw(documents(dag_id)), media="json")
        self.versions[dag_id] = dags.save_dag(self.database, definition, by="test", now=self.clock.now()).version
        self.model.paused.setdefault(dag_id, False)
        self.model.max_active_runs[dag_id] = definition.max_active_runs

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, conf=confs, hour=st.none() | HOURS, delay=st.sampled_from([0, 0, 0, 15]))
    def trigger(self, pick: int, conf: Mapping[str, Any], hour: int | None, delay: int) -> None:
        dag_id = _one(sorted(self.versions), pick)
        version = self.versions[dag_id]
        self.triggers += 1
        now = self.clock.now()
        date = None if hour is None else now.replace(hour=hour, minute=0, second=0) - timedelta(days=1)
        new = runs.NewRun(
            version=version,
            run_id=f"r{self.triggers}",
            run_type=RunType.MANUAL,
            conf=conf,
            params=resolve_params(version.definition.params, conf),
            run_after=now + timedelta(seconds=delay),
            logical_date=date,
        )
        try:
            runs.create_run(self.database, new, now=now)
        except Conflict:
            assert (dag_id, hour) in self.dates, "a run was refused though its logical date is free"
            return
        if hour is not None:
            assert (dag_id, hour) not in self.dates, "two runs of one logical date"
            self.dates.add((dag_id, hour))
        self.model.runs[new.run_id] = Run(
            new.run_id,
            dag_id,
            version.definition,
            conf,
            (date or new.run_after, self.triggers),
            (new.run_after, self.triggers),
        )

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        run = _one(list(self.model.runs.values()), pick)
        was_over = run.state in ("success", "failed")
        done = runs.cancel_run(self.database, run.dag_id, run.run_id, now=self.clock.now(), message="by test")
        assert done is not was_over
        if done:
            self.model.stop(run)

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, task=PICK, has_downstream=st.booleans(), has_upstream=st.sampled_from([False, False, True]))
    def clear(self, pick: int, task: int, has_downstream: bool, has_upstream: bool) -> None:
        run = _one(list(self.model.runs.values()), pick)
        request = Clear(
            runs=RunsWanted(run_id=run.run_id),
            tasks=TasksWanted(
                task_ids=[_one(list(run.definition.tasks), task)],
                include_downstream=has_downstream,
                include_upstream=has_upstream,
            ),
        )
        clear(self.database, dags.Versions(self.database), run.dag_id, request, now=self.clock.now())
        self._follow_the_hand(run)

    @precondition(lambda self: self.model.runs)
    @rule(pick=PICK, task=PICK, state=st.sampled_from([TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED]))
    def mark(self, pick: int, task: int, state: TaskState) -> None:
        run = _one(list(self.model.runs.values()), pick)
        request = Mark(
            state=state,
            runs=RunsWanted(run_id=run.run_id),
            tasks=TasksWanted(task_ids=[_one(list(run.definition.tasks), task)]),
        )
        mark(self.database, dags.Versions(self.database), run.dag_id, request, by="test", now=self.clock.now())
        self._follow_the_hand(run)
        # A run that has nothing left to do is ended by the scheduler's next look.
        self._pass(self.hosts[0])

    @precondition(lambda self: self.versions)
    @rule(pick=PICK, is_paused=st.booleans())
    def pause(self, pick: int, is_paused: bool) -> None:
        dag_id = _one(sorted(self.versions), pick)
        dags.set_paused(self.database, dag_id, is_paused, now=self.clock.now())
        self.model.paused[dag_id] = is_paused

    @precondition(lambda self: self.versions)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        dag_id = _one(sorted(self.versions), pick)
        mine = [run for run in self.model.runs.values() if run.dag_id == dag_id]
        is_active = any(one.state in ("queued", "running") for run in mine for one in run.instances.values())
        try:
            dags.delete_dag(self.database, dag_id, now=self.clock.now())
        except Conflict:
            assert is_active, "a DAG without active instances could not be deleted"
            return
        assert not is_active, "a DAG with active instances was deleted"
        for run in mine:
            del self.model.runs[run.run_id]
        self.model.by_attempt = {key: one for key, one in self.model.by_attempt.items() if one[0] not in mine}
        self.dates = {date for date in self.dates if date[0] != dag_id}
        del self.versions[dag_id], self.model.paused[dag_id], self.model.max_active_runs[dag_id]

    # --- places of execution ------------------------------------------------------------------------------------

    @precondition(lambda self: self._open())
    @rule(pick=PICK)
    def start(self, pick: int) -> None:
        host, attempt = _one(self._open(), pick)
        report = Started(attempt_id=attempt.attempt_id, seq=1, at=self.clock.now(), hostname="h")
        self._report(host, report)

    @precondition(lambda self: self._open())
    @rule(
        pick=PICK,
        outcome=st.sampled_from([Outcome.SUCCESS] * 4 + [Outcome.FAILED] * 3 + list(Outcome)),
        is_started=st.sampled_from([True, True, True, False]),
        ways=st.integers(0, 63),
    )
    def finish(self, pick: int, outcome: Outcome, is_started: bool, ways: int) -> None:
        host, attempt = _one(self._open(), pick)
        if is_started:
            self._report(host, Started(attempt_id=attempt.attempt_id, seq=1, at=self.clock.now(), hostname="h"))
        self._report(host, self._final(attempt, outcome, ways))

    @precondition(lambda self: self.model.runs)
    @rule(host=PICK, outcomes=st.lists(st.sampled_from([Outcome.SUCCESS] * 3 + [Outcome.FAILED]), max_size=6))
    def work(self, host: int, outcomes: list[Outcome]) -> None:
        """An undisturbed while: whatever can begin begins, and some of it ends."""
        carrier = _one(self.hosts, host)
        self._settle(carrier)
        for attempt, outcome in zip(carrier.executor.open, outcomes, strict=False):
            self._report(carrier, Started(attempt_id=attempt.attempt_id, seq=1, at=self.clock.now(), hostname="h"))
            self._report(carrier, self._final(attempt, outcome, ways=len(outcomes)))
        self._pass(carrier)

    @precondition(lambda self: self.reported)
    @rule(pick=st.integers(0, 1000), host=PICK)
    def repeat_a_report(self, pick: int, host: int) -> None:
        """Anything that was ever reported may arrive again, anywhere, at any time."""
        _one(self.hosts, host).deliver(_one(self.reported, pick))

    @rule(host=PICK, answer=st.sampled_from([SubmitResult.REJECTED, SubmitResult.UNKNOWN]))
    def spoil_the_next_submission(self, host: int, answer: SubmitResult) -> None:
        _one(self.hosts, host).executor.answer = answer

    # --- schedulers ---------------------------------------------------------------------------------------------

    @rule(host=PICK)
    def pass_once(self, host: int) -> None:
        self._pass(_one(self.hosts, host))

    @rule(host=PICK)
    def settle(self, host: int) -> None:
        self._settle(_one(self.hosts, host))

    @rule(host=PICK, fault=st.sampled_from(["rollback", "unknown"]))
    def break_the_commit(self, host: int, fault: str) -> None:
        self._pass(_one(self.hosts, host), fault)

    @rule(host=PICK)
    def rescue(self, host: int) -> None:
        _one(self.hosts, host).rescue()

    @rule(host=PICK)
    def crash(self, host: int) -> None:
        """The process dies with its executor; another takes its place."""
        dead = _one(self.hosts, host)
        dead.close()
        self.hosts[self.hosts.index(dead)] = fresh = self._new_host()
        fresh.rescue()

    @rule(seconds=st.sampled_from([1, 6, 10, 31, 61]))
    def move_the_clock(self, seconds: int) -> None:
        self.clock.move(timedelta(seconds=seconds))
        for host in self.hosts:
            host.beat()

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "facts"):
            before, self.facts = self.facts, read_facts(self.database)
            found = violations(self.facts) + list(_limits_broken(before, self.facts))
            assert not found, "\n".join(found)

    # --- how --------------------------------------------------------------------------------------------------

    def _new_host(self) -> Host:
        self.incarnations += 1
        name = f"incarnation-{self.incarnations}"
        return Host(self.database, self.clock, incarnation=name, slots=self.slots, seed=self.incarnations)

    def _open(self) -> list[tuple[Host, Attempt]]:
        return [(host, attempt) for host in self.hosts for attempt in host.executor.open]

    def _report(self, host: Host, report: Report) -> None:
        host.deliver(report)
        self.reported.append(report)

    def _final(self, attempt: Attempt, outcome: Outcome, ways: int) -> Finished:
        outputs = {}
        if outcome is Outcome.SUCCESS and attempt.task_type == "branch":
            # Any set of tasks, so sometimes one that is not downstream.
            outputs = {"return_value": [f"t{number}" for number in range(6) if ways >> number & 1]}
        reason = {Outcome.SUCCESS: None, Outcome.LOST: StateReason.WORKER_LOST}.get(outcome, StateReason.EXIT_CODE)
        return Finished(
            attempt_id=attempt.attempt_id, seq=2, at=self.clock.now(), outcome=outcome, reason=reason, outputs=outputs
        )

    def _pass(self, host: Host, fault: str | None = None, *, is_settled: bool = False) -> bool:
        """One pass, followed by the model; whether it did nothing."""
        now, inbox = self.clock.now(), list(host.inbox)
        host.database.fault = fault
        counts = host.run_once()
        host.database.fault = None
        if fault != "rollback":
            self.model.apply(inbox, now)
            self.model.look(now)
        self._compare(is_settled=is_settled and counts is not None and counts.did_nothing)
        return counts is not None and counts.did_nothing

    def _settle(self, host: Host) -> None:
        for _ in range(SETTLED_AFTER_MAX):
            if self._pass(host, is_settled=True) and not host.inbox:
                return
        raise AssertionError("the scheduler never comes to rest")

    def _compare(self, *, is_settled: bool) -> None:
        facts = read_facts(self.database)
        seen: dict[str, dict[Key, Seen]] = {run.run_id: {} for run in facts.runs.values()}
        for one in facts.all_instances:
            run_id = facts.runs[one.dag_run_id].run_id
            seen[run_id][one.task_id, one.map_index] = Seen(one.state, one.attempt_id)
        is_full = any(host.executor.capacity() < 1 for host in self.hosts)

        def may_lag(run: Run) -> bool:
            active = sum(one.state in ("queued", "running") for one in seen[run.run_id].values())
            is_paused = self.model.paused[run.dag_id]
            return not is_settled or is_full or is_paused or active >= run.definition.max_active_tasks

        self.model.follow(seen, may_lag)
        for row in facts.runs.values():
            run = self.model.runs[row.run_id]
            found = {key: one.state for key, one in seen[row.run_id].items()}
            expected = {key: one.state for key, one in run.instances.items()}
            assert found == expected, f"run {row.run_id}: the engine shows {found}, the model {expected}"
            assert row.state == run.state, f"run {row.run_id} is {row.state}, the model says {run.state}"
        assert {row.run_id for row in facts.runs.values()} == set(self.model.runs), "a run came or went by itself"

    def _follow_the_hand(self, run: Run) -> None:
        """What a clear or mark makes of a run is told elsewhere; here counts what the engine makes of it."""
        facts = read_facts(self.database)
        row = next(one for one in facts.runs.values() if one.run_id == run.run_id)
        run.state, run.timeout_at = row.state, row.timeout_at
        self.model.adopt(run, facts.instances[row.id])

    def _drain(self) -> None:
        """From whatever state: everything that was begun comes to an end, and then nothing moves any more."""
        for dag_id in self.versions:
            dags.set_paused(self.database, dag_id, False, now=self.clock.now())
            self.model.paused[dag_id] = False
        for _ in range(DRAINED_AFTER_MAX):
            self.move_the_clock(61)
            for host in self.hosts:
                host.rescue()
                self._settle(host)
            for host, attempt in self._open():
                outcome = Outcome.CANCELLED if attempt.attempt_id in host.executor.cancelled else Outcome.SUCCESS
                self._report(host, self._final(attempt, outcome, 0))
            if not self._open() and not any(host.inbox for host in self.hosts) and not self._cancel_what_waits():
                break
        self.nothing_is_broken()
        unfinished = [run.run_id for run in self.model.runs.values() if run.state not in ("success", "failed")]
        assert not unfinished, f"runs {unfinished} never end"
        unstopped = [one.attempt_id for tries in self.facts.tries.values() for one in tries if one.stopped_at is None]
        assert not unstopped, f"attempts {unstopped} are over, but nobody says that they stopped"
        for host in self.hosts:
            self._settle(host)
        assert read_facts(self.database) == self.facts, "a pass without news wrote something"

    def _cancel_what_waits(self) -> bool:
        """A run that waits for a failed one before it may wait for ever: somebody must decide. Whether one did."""
        facts = read_facts(self.database)
        for row in facts.runs.values():
            if any(one.state_reason == "depends_on_past" and not one.ready for one in facts.instances[row.id]) and (
                row.state == "running"
            ):
                run = self.model.runs[row.run_id]
                runs.cancel_run(self.database, run.dag_id, run.run_id, now=self.clock.now(), message="by test")
                self.model.stop(run)
                return True
        return any(run.state in ("queued", "running") for run in self.model.runs.values())


class SqliteMachine(EngineMachine):
    """One scheduler on a file."""

    def open_database(self) -> UnreliableDatabase:
        return _empty_database()


class PostgresMachine(EngineMachine):
    """Two schedulers on one server, whose passes also cut into each other."""

    schedulers = 2
    database_of_all: UnreliableDatabase

    def open_database(self) -> UnreliableDatabase:
        database = self.database_of_all
        with database.engine.begin() as connection:
            tables = ", ".join(table.name for table in metadata.sorted_tables if table.name != "pool")
            connection.exec_driver_sql(f"TRUNCATE {tables} CASCADE")
            connection.exec_driver_sql("UPDATE pool SET used = 0")
        return database

    @precondition(lambda self: any(not host.inbox for host in self.hosts))
    @rule(host=PICK)
    def pass_within_a_pass(self, host: int) -> None:
        """Between what one scheduler reads and what it locks, the other one has a whole pass."""
        outer = _one([host for host in self.hosts if not host.inbox], host)
        inner = next(host for host in self.hosts if host is not outer)
        now, inbox = self.clock.now(), list(inner.inbox)
        done: list[PassCounts | None] = []
        self.database.between = lambda: done.append(inner.run_once())
        counts = outer.run_once()
        self.database.between = None
        if any(done):
            self.model.apply(inbox, now)
        if counts is not None or any(done):
            self.model.look(now)
        self._compare(is_settled=False)


_FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _empty_database() -> UnreliableDatabase:
    """The one file of this process, emptied: a new engine would compile every statement anew."""
    folder, database = _database()
    database.engine.dispose()
    for leftover in folder.glob("mainspring.db*"):
        if not leftover.name.endswith("-turn"):
            leftover.unlink()
    shutil.copy(folder / "empty.db", folder / "mainspring.db")
    database.fault = None
    return database


@cache
def _database() -> tuple[Path, UnreliableDatabase]:
    path = Path(tempfile.mkdtemp(prefix="mainspring-simulation-", dir=_FAST))
    atexit.register(shutil.rmtree, path)
    database = UnreliableDatabase.at(f"sqlite:///{path}/mainspring.db")
    migrate(database)
    database.engine.dispose()
    shutil.copy(path / "mainspring.db", path / "empty.db")
    return path, database


def _one(items: Any, pick: int) -> Any:
    return items[pick % len(items)]


def _limits_broken(before: Facts, after: Facts) -> Any:
    """I12 for the limits of a DAG, which an edit may lower: only what was begun in this step is held to them."""
    for dag in after.dags.values():
        running = {run.id for run in after.runs.values() if run.dag_id == dag.dag_id and run.state == "running"}
        begun = {run_id for run_id in running if run_id not in before.runs or before.runs[run_id].state != "running"}
        if begun and len(running) > dag.max_active_runs:
            yield f"dag {dag.dag_id} has {len(running)} running runs, max_active_runs is {dag.max_active_runs}"
    old = {one.id: one.state for one in before.all_instances}
    for one in after.all_instances:
        limit = after.task(one).max_active_tis_per_dag
        if limit is None or one.state != "queued" or old.get(one.id) in ("queued", "running"):
            continue
        dag_id = after.runs[one.dag_run_id].dag_id
        # What began in this step without a limit, by another version, may have begun after it.
        active = sum(
            other.state in ("queued", "running")
            and other.task_id == one.task_id
            and after.runs[other.dag_run_id].dag_id == dag_id
            and (after.task(other).max_active_tis_per_dag is not None or old.get(other.id) in ("queued", "running"))
            for other in after.all_instances
        )
        if active > limit:
            yield f"{active} instances of {one.task_id} of dag {dag_id} are active, max_active_tis_per_dag is {limit}"
