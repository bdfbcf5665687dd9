"""A whole engine in one process for tests: the real scheduler and store, a clock that is moved, a scripted executor."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select as sql_select

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.definition import parse_definition
from mainspring.params import resolve_params
from mainspring.states import RunType, StateReason
from mainspring_executors.contract import AttemptLocation, Capabilities, SubmitResult, Submitted
from mainspring_scheduler.clock_guard import ClockGuard
from mainspring_scheduler.decisions.check_places import CHECKS_AT_ONCE
from mainspring_scheduler.scheduler import PassCounts, Scheduler
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.transactions import Database
from mainspring_store.resources import dags
from mainspring_store.state import runs
from mainspring_store.tables import dag_run, feed_event, task_instance, task_try

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MovedClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.instant = START
        self._set_by = timedelta(0)

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return (self.instant - self._set_by).timestamp()

    def move(self, by: timedelta) -> None:
        self.instant += by

    def set(self, by: timedelta) -> None:
        """Somebody sets the clock on the wall: no time passes."""
        self.instant += by
        self._set_by += by


class ScriptedExecutor:
    """Runs nothing: the test says what each attempt does, by handing in its reports."""

    def __init__(self, clock: MovedClock, slots: int, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self._clock = clock
        self._reports: list[Report] = []
        self._late_reports: list[Report] = []
        self._read, self._write = os.pipe()
        self.slots = slots
        self.submitted: dict[str, Attempt] = {}
        self.cancelled: list[str] = []
        self.is_closed = False
        self.finished: set[str] = set()

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        for attempt in attempts:
            assert attempt.attempt_id not in self.submitted, "an attempt was submitted twice"
            self.submitted[attempt.attempt_id] = attempt
        return [Submitted(attempt_id=one.attempt_id, result=SubmitResult.ACCEPTED) for one in attempts]

    def report(self, *reports: Report) -> None:
        self._reports.extend(reports)

    def report_in_a_moment(self, *reports: Report) -> None:
        """Hand in reports that only a caller which waits gets."""
        self._late_reports.extend(reports)

    def reports(self, timeout: float) -> Sequence[Report]:
        if timeout > 0:
            self.report(*self._late_reports)
            self._late_reports = []
        arrived, self._reports = self._reports, []
        return arrived

    def fileno(self) -> int:
        return self._read

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        self.cancelled.extend(attempt_ids)

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        return {
            one: AttemptLocation.RUNNING if one in self.submitted else AttemptLocation.ABSENT for one in attempt_ids
        }

    def capacity(self) -> int:
        return self.slots - len(self.open)

    def headroom(self) -> float:
        return 0.0

    def close(self, grace: timedelta) -> None:
        if not self.is_closed:
            self.is_closed = True
            os.close(self._read)
            os.close(self._write)

    @property
    def open(self) -> list[Attempt]:
        """Submitted and not finished, oldest first."""
        return [one for one in self.submitted.values() if one.attempt_id not in self.finished]


BOUND = Capabilities(hard_cancel=True, isolates_crash=True, survives_scheduler_restart=False)


class Engine:
    """One scheduler over a migrated, empty database."""

    def __init__(
        self,
        database: Database,
        *,
        slots: int = 64,
        incarnation: str = "first",
        seed: int = 1,
        capabilities: Capabilities = BOUND,
        key_ring: KeyRing | None = None,
        executors: Sequence[str] = ("thread",),
        exports_traces: bool = False,
        checks_at_once: int = CHECKS_AT_ONCE,
    ) -> None:
        self.database = database
        self.clock = MovedClock()
        self.executors = {name: ScriptedExecutor(self.clock, slots, capabilities) for name in executors}
        self.executor = self.executors[executors[0]]
        """The default one: what the methods below speak of."""
        self.clock_guard = ClockGuard(self.clock)
        self.scheduler = Scheduler(
            database,
            self.executors,
            incarnation=incarnation,
            clock=self.clock,
            random=Random(seed),
            key_ring=key_ring,
            clock_guard=self.clock_guard,
            exports_traces=exports_traces,
            checks_at_once=checks_at_once,
        )

    def save(self, dag_id: str, tasks: Mapping[str, Any], **fields: Any) -> runs.VersionRef:
        """Save a DAG whose tasks are shell tasks unless they say otherwise."""
        document = {
            "dag_id": dag_id,
            "tasks": {name: {"type": "shell", "command": ["true"], **task} if "type" not in task else task
                      for name, task in tasks.items()},
            **fields,
        }  # fmt: skip
        definition = parse_definition(document, media="json")
        return dags.save_dag(self.database, definition, by="test", now=self.clock.now()).version

    def trigger(
        self, version: runs.VersionRef, run_id: str = "r1", conf: Mapping[str, Any] | None = None, **fields: Any
    ) -> int:
        """A manual run, with further fields of `NewRun`; returns its key."""
        now = self.clock.now()
        return runs.create_run(
            self.database,
            runs.NewRun(
                version=version,
                run_id=run_id,
                run_type=RunType.MANUAL,
                conf=conf or {},
                params=resolve_params(version.definition.params, conf or {}),
                run_after=now,
                **fields,
            ),
            now=now,
        )

    def step(self) -> PassCounts:
        """One woken pass."""
        return self.scheduler.run_once(is_woken=True)

    def run_until_idle(self) -> None:
        """Passes until one changes nothing."""
        for _ in range(200):
            counts = self.step()
            if counts.did_nothing and counts.is_complete:
                return
        raise AssertionError("the scheduler never comes to rest")

    def attempt(self, task_id: str, run_id: str = "r1", map_index: int = -1) -> Attempt:
        """The latest attempt of a task that was submitted."""
        found = [
            one
            for one in self.executor.submitted.values()
            if (one.task_id, one.run_id, one.map_index) == (task_id, run_id, map_index)
        ]
        assert found, f"task {task_id} of run {run_id} was never submitted"
        return found[-1]

    def start(self, task_id: str, run_id: str = "r1", map_index: int = -1) -> None:
        attempt = self.attempt(task_id, run_id, map_index)
        self.executor.report(Started(attempt_id=attempt.attempt_id, seq=1, at=self.clock.now(), hostname="here", pid=1))

    def finish(
        self,
        task_id: str,
        outcome: Outcome = Outcome.SUCCESS,
        *,
        run_id: str = "r1",
        map_index: int = -1,
        reason: StateReason | None = None,
        outputs: Mapping[str, Any] | None = None,
        exit_code: int | None = None,
        message: str | None = None,
    ) -> Finished:
        """Start and end the latest attempt of a task, then pass until nothing more happens."""
        attempt = self.attempt(task_id, run_id, map_index)
        if reason is None and outcome is Outcome.FAILED:
            reason = StateReason.EXIT_CODE
        report = Finished(
            attempt_id=attempt.attempt_id,
            seq=2,
            at=self.clock.now(),
            outcome=outcome,
            reason=reason,
            outputs=outputs or {},
            exit_code=exit_code,
            message=message,
        )
        self.start(task_id, run_id, map_index)
        self.executor.report(report)
        self.executor.finished.add(attempt.attempt_id)
        self.run_until_idle()
        return report

    def fail(self, task_id: str, **more: Any) -> Finished:
        return self.finish(task_id, Outcome.FAILED, **more)

    def run(self, run_id: str = "r1", dag_id: str | None = None) -> Mapping[str, Any]:
        with self.database.read() as connection:
            where = [dag_run.c.run_id == run_id] + ([dag_run.c.dag_id == dag_id] if dag_id else [])
            return dict(connection.execute(sql_select(dag_run).where(*where)).one()._mapping)

    def states(self, run_id: str = "r1") -> dict[str, str]:
        """Task id (with [map index]) -> state, in definition order."""
        return {
            row.task_id if row.map_index < 0 else f"{row.task_id}[{row.map_index}]": row.state
            for row in self.instances(run_id)
        }

    def instances(self, run_id: str = "r1") -> Sequence[Any]:
        with self.database.read() as connection:
            return connection.execute(
                sql_select(task_instance)
                .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
                .where(dag_run.c.run_id == run_id)
                .order_by(task_instance.c.task_index, task_instance.c.map_index)
            ).all()

    def tries(self, task_id: str, run_id: str = "r1") -> Sequence[Any]:
        with self.database.read() as connection:
            return connection.execute(
                sql_select(task_try)
                .join(task_instance, task_instance.c.id == task_try.c.task_instance_id)
                .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
                .where(dag_run.c.run_id == run_id, task_instance.c.task_id == task_id)
                .order_by(task_try.c.try_number)
            ).all()

    def events(self, run_id: str = "r1") -> Sequence[Any]:
        with self.database.read() as connection:
            return connection.execute(
                sql_select(feed_event, task_instance.c.task_id)
                .join(dag_run, dag_run.c.id == feed_event.c.dag_run_id)
                .outerjoin(task_instance, task_instance.c.id == feed_event.c.task_instance_id)
                .where(dag_run.c.run_id == run_id, feed_event.c.seq > 0)
                .order_by(feed_event.c.seq)
            ).all()

    def close(self) -> None:
        for executor in self.executors.values():
            executor.close(timedelta(0))
