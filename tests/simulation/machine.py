"""One world under test: a database, one scheduler or more, and what must hold of them after every step."""

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import func, select

from mainspring.attempts import Attempt, Finished, Outcome, Report, Started
from mainspring.states import StateReason
from mainspring_store.resources import dag_pauses, run_pauses
from mainspring_store.resources import heartbeats as services
from mainspring_store.resources.pools import NewPool, change_pools, create_pools
from mainspring_store.resources.signals import send_signal
from mainspring_store.resources.versions import Versions
from mainspring_store.scheduling import worker_protocol as remote
from mainspring_store.state import runs
from mainspring_store.tables import attempt_report, task_try
from tests.invariants import ACTIVE, FROM_OUTSIDE, Facts, pools_are_never_overdrawn, read_facts, violations
from tests.scheduler.approvals import answer_approval
from tests.scheduler.engine import MovedClock
from tests.simulation.broker import Broker
from tests.simulation.documents import POOLS
from tests.simulation.model import Model
from tests.simulation.model_state import Instance, Key, Run, Seen
from tests.simulation.oracle import FINISHED
from tests.simulation.steps import steps_broken
from tests.simulation.world import CHECKS_AT_ONCE, Host, UnreliableDatabase

__all__ = ["LEASE", "PICK", "Machine", "one_of"]

PICK = st.integers(0, 63)
"""Which of several; taken modulo their number, so that a shrunk example still means something."""
LEASE = timedelta(seconds=30)
IDLE_AFTER_MAX = 60
DRAINED_AFTER_MAX = 60


def one_of(items: Any, pick: int) -> Any:
    return items[pick % len(items)]


class Machine(RuleBasedStateMachine):
    """What the steps have in common. The steps themselves are in `users`, `places` and `schedulers`."""

    schedulers = 1
    is_within_a_pass = False
    """Whether a pass has just been done within another one."""

    def open_database(self) -> UnreliableDatabase:
        raise NotImplementedError

    def open_world(self, slots: int, features: frozenset[str]) -> None:
        self.clock = MovedClock()
        self.database = self.open_database()
        self.features = features
        self.model = Model()
        self.versions: dict[str, runs.VersionRef] = {}
        self.version_numbers: dict[str, int] = {}
        self.reported: list[tuple[Host, Report]] = []
        self.slots = slots
        self.incarnations = 0
        self.triggers = 0
        self.dates: set[tuple[str, int]] = set()
        self.broker = Broker()
        self.remote_inbox: list[Report] = []
        """What workers have told the execution API, and no pass has taken yet."""
        self.start_execution_api()
        create_pools(self.database, [NewPool(name=name, slots=2, include_deferred=name == POOLS[0]) for name in POOLS])
        self.hosts = [self.new_host() for _ in range(self.schedulers)]
        self.facts: Facts = read_facts(self.database)

    def teardown(self) -> None:
        if not hasattr(self, "facts"):
            return
        try:
            # What a step broke is the news; what draining would meet after it is not.
            if sys.exc_info()[0] is None:
                self.drain()
        finally:
            for host in self.hosts:
                host.close()

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "facts"):
            before, self.facts = self.facts, read_facts(self.database)
            # A pool may be made smaller than what it holds; what follows from it is held by `steps_broken`.
            found = violations(self.facts, without={pools_are_never_overdrawn})
            found += steps_broken(before, self.facts)
            assert not found, "\n".join(found)

    # --- places of execution ------------------------------------------------------------------------------------

    def start_execution_api(self) -> None:
        self.incarnations += 1
        self.execution_api = f"execution-api-{self.incarnations}"
        services.register_service(
            self.database, incarnation=self.execution_api, kind="execution", hostname="h", pid=1, version="0",
            details={"lease_seconds": LEASE.total_seconds()}, now=self.clock.now(),
        )  # fmt: skip

    def new_host(self) -> Host:
        self.incarnations += 1
        name = f"incarnation-{self.incarnations}"
        broker = self.broker if "remote" in self.features else None
        return Host(self.database, self.clock, broker, incarnation=name, slots=self.slots, seed=self.incarnations)

    def open_attempts(self) -> list[tuple[Host, Attempt]]:
        return [(host, attempt) for host in self.hosts for attempt in host.executor.open]

    def report(self, host: Host, report: Report) -> None:
        host.deliver(report)
        self.reported.append((host, report))

    def report_start(self, host: Host, attempt: Attempt) -> None:
        self.report(host, Started(attempt_id=attempt.attempt_id, seq=1, at=self.clock.now(), hostname="h"))

    def final(self, attempt: Attempt, outcome: Outcome, ways: int) -> Finished:
        outputs = {}
        if outcome is Outcome.SUCCESS and attempt.task_type == "branch":
            # Any set of tasks, so sometimes one that is not downstream.
            outputs = {"return_value": [f"t{number}" for number in range(6) if ways >> number & 1]}
        losses = (StateReason.WORKER_LOST, StateReason.HOST_LOST, StateReason.HOST_KILLED)
        reason = {Outcome.SUCCESS: None, Outcome.LOST: losses[ways % 3]}.get(outcome, StateReason.EXIT_CODE)
        return Finished(
            attempt_id=attempt.attempt_id, seq=2, at=self.clock.now(), outcome=outcome, reason=reason, outputs=outputs
        )

    # --- passes -------------------------------------------------------------------------------------------------

    def do_pass(self, host: Host, fault: str | None = None, *, is_idle: bool = False) -> bool:
        """One pass, followed by the model; whether it did nothing."""
        now, inbox = self.clock.now(), list(host.inbox)
        host.database.fault = fault
        counts = host.run_once()
        host.database.fault = None
        if fault != "rollback" and not host.was_undone:
            self.model.apply(inbox + self.taken_from_afar(), now)
            self.model.look(now)
        is_idle = counts is not None and counts.did_nothing and not host.was_undone
        self.compare(is_idle=is_idle and is_idle)
        return is_idle

    def taken_from_afar(self) -> list[Report]:
        """What the last pass took out of the inbox of remote reports: all that was in it, or nothing."""
        with self.database.read() as connection:
            left = connection.scalar(select(func.count()).select_from(attempt_report))
        if not self.remote_inbox or left:
            assert left in (None, 0, len(self.remote_inbox)), "some of the reports of workers are gone"
            return []
        taken, self.remote_inbox = self.remote_inbox, []
        return taken

    def finish_claimed(self, attempt_id: str, outcome: Outcome) -> None:
        """The worker that claimed it reports the end."""
        end = self.end_of_claimed(attempt_id, outcome)
        is_held, _ = remote.finish_attempt(self.database, end)
        assert is_held == self.note_remote_end(end), "a report was refused"

    def end_of_claimed(self, attempt_id: str, outcome: Outcome) -> remote.End:
        """With its start, when that was not told."""
        now = self.clock.now()
        reason = None if outcome is Outcome.SUCCESS else StateReason.EXIT_CODE
        report = {"at": now.isoformat(), "outcome": outcome, "reason": reason}
        start = {"at": now.isoformat(), "hostname": "w"} if attempt_id in self.broker.ahead else None
        return remote.End(attempt_id=attempt_id, token_hash=attempt_id * 2, report=report, start=start)

    def note_remote_end(self, end: remote.End) -> bool:
        """It is in the inbox, once, if it was held; says whether it was."""
        attempt_id = end.attempt_id
        is_held = attempt_id in self.broker.leases and self._exists(attempt_id)
        self.broker.done.add(attempt_id)
        if is_held and end.start is not None:
            self.note_remote_start(attempt_id)
        if is_held and not any(isinstance(one, Finished) and one.attempt_id == attempt_id for one in self.remote_inbox):
            outcome, reason = end.report["outcome"], end.report["reason"]
            final = Finished(attempt_id=attempt_id, seq=2, at=self.clock.now(), outcome=outcome, reason=reason)
            self.remote_inbox.append(final)
        return is_held

    def note_remote_start(self, attempt_id: str) -> None:
        """It is in the inbox, once."""
        self.broker.ahead.discard(attempt_id)
        if not any(isinstance(one, Started) and one.attempt_id == attempt_id for one in self.remote_inbox):
            self.remote_inbox.append(Started(attempt_id=attempt_id, seq=1, at=self.clock.now(), hostname="w"))

    def _exists(self, attempt_id: str) -> bool:
        with self.database.read() as connection:
            return bool(connection.scalar(select(func.count()).where(task_try.c.attempt_id == attempt_id)))

    def do_run_until_idle(self, host: Host) -> None:
        for _ in range(IDLE_AFTER_MAX):
            if self.do_pass(host, is_idle=True) and not host.inbox and not self.remote_inbox:
                return
        raise AssertionError("the scheduler never comes to rest")

    def compare(self, *, is_idle: bool) -> None:
        facts, seen = self.follow(is_idle=is_idle)
        assert {run.run_id for run in facts.runs.values()} == self.model.runs.keys(), "a run came or went by itself"
        for row in facts.runs.values():
            run = self.model.runs[row.run_id]
            found = {key: one.state for key, one in seen[row.run_id].items()}
            expected = {key: one.state for key, one in run.instances.items()}
            assert found == expected, f"run {row.run_id}: the engine shows {found}, the model {expected}"
            assert row.state == run.state, f"run {row.run_id} is {row.state}, the model says {run.state}"
            assert row.ending == run.ending, f"run {row.run_id} ends by {row.ending}, the model says {run.ending}"
        for tries in facts.tries.values():
            for row in tries:
                has_start = row.start_date is not None or row.attempt_id not in self.model.started
                assert has_start, f"attempt {row.attempt_id} ({row.state}) has started, and is recorded without a start"

    def follow(self, *, is_idle: bool) -> tuple[Facts, Mapping[str, Mapping[Key, Seen]]]:
        """Have the model go where the engine went, wherever it may; what it has not seen of it are called runs."""
        facts = read_facts(self.database)
        seen: dict[str, dict[Key, Seen]] = {run.run_id: {} for run in facts.runs.values()}
        for one in facts.all_instances:
            run_id = facts.runs[one.dag_run_id].run_id
            seen[run_id][one.task_id, one.map_index] = Seen(one.state, one.attempt_id, one.not_before)
        numbers = {run.run_id: run.id for run in facts.runs.values()}
        room = _Room(facts, seen, is_full=any(host.executor.capacity() < 1 for host in self.hosts))

        def may_lag(run: Run, instance: Instance) -> bool:
            is_paused = run.is_paused or self.model.paused[run.dag_id]
            return not is_idle or is_paused or room.is_missing(run, instance)

        busy = Counter(
            next(attempt.executor for attempt in facts.tries[one.id] if attempt.attempt_id == one.attempt_id)
            for one in facts.all_instances
            if one.state in ACTIVE and one.waits_for is not None
        )
        assert all(count <= CHECKS_AT_ONCE for count in busy.values()), f"more checks than places: {busy}"

        def may_postpone(run: Run, instance: Instance) -> bool:
            # A scheduler in the midst of its pass may hold the places, whatever it takes of them.
            is_full = busy[instance.task.executor or "thread"] >= CHECKS_AT_ONCE
            return is_full or self.is_within_a_pass or room.is_task_full(run, instance)

        self.model.may_postpone = may_postpone
        self.model.follow(seen, numbers, may_lag, _held(facts, self.clock.now(), is_idle=is_idle))
        return facts, seen

    def follow_the_hand(self, run: Run) -> None:
        """What a clear or mark makes of a run is told elsewhere; here counts what the engine makes of it."""
        facts = read_facts(self.database)
        row = next(one for one in facts.runs.values() if one.run_id == run.run_id)
        self.model.adopt(run, row, facts.instances[row.id], facts.deadlines[row.id])

    # --- the end ------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """From whatever state: everything that was begun comes to an end, and then nothing moves any more."""
        for dag_id in self.versions:
            dag_pauses.set_paused(self.database, dag_id, False, now=self.clock.now())
            self.model.paused[dag_id] = False
        for run in self.model.runs.values():
            run.is_paused = False
            run_pauses.set_run_paused(self.database, run.dag_id, run.run_id, False, now=self.clock.now())
        change_pools(self.database, {name: {"slots": -1} for name in POOLS})
        # With one slot, each round carries out one task.
        waiting = sum(len(run.instances) for run in self.model.runs.values() if not run.is_over)
        for _ in range(DRAINED_AFTER_MAX + waiting):
            self.let_time_pass(61)
            for host in self.hosts:
                host.rescue()
                host.find_expired()
                self.do_run_until_idle(host)
            for host, attempt in self.open_attempts():
                outcome = Outcome.CANCELLED if attempt.attempt_id in host.executor.cancelled else Outcome.SUCCESS
                self.report(host, self.final(attempt, outcome, 0))
            self._answer_all()
            self._signal_all()
            is_open = self.open_attempts() or self._finish_afar() or any(host.inbox for host in self.hosts)
            if not is_open and not self._decide_on_runs():
                break
        self.nothing_is_broken()
        unfinished = [run.run_id for run in self.model.runs.values() if not run.is_over]
        assert not unfinished, f"runs {unfinished} never end"
        unstopped = [one for tries in self.facts.tries.values() for one in tries if one.stopped_at is None]
        assert not unstopped, f"attempts {unstopped} are over, but nobody says that they stopped"
        for host in self.hosts:
            self.do_run_until_idle(host)
        assert read_facts(self.database) == self.facts, "a pass without news wrote something"

    def let_time_pass(self, seconds: int) -> None:
        self.clock.move(timedelta(seconds=seconds))
        for host in self.hosts:
            host.heartbeat()

    def open_approvals(self) -> list[tuple[Run, Instance]]:
        return [
            (run, instance)
            for run in self.model.runs.values()
            for instance in run.instances.values()
            if instance.wait is not None and instance.wait.kind == "approval"
        ]

    def do_answer(self, run: Run, instance: Instance, choice: str) -> None:
        answer_approval(
            self.database, run.dag_id, run.run_id, instance.task.task_id,
            choice=choice, by="ann", note=None, now=self.clock.now(),
        )  # fmt: skip

    def do_signal(self, run: Run, name: str) -> None:
        now = self.clock.now()
        send_signal(self.database, Versions(self.database), run.dag_id, run.run_id, name, None, by="ann", now=now)
        run.signals.append((name, now))

    def _signal_all(self) -> None:
        for run in self.model.runs.values():
            waits = [one.wait for one in run.instances.values() if one.wait is not None and one.wait.kind == "signal"]
            for name in {wait.signal for wait in waits if wait.signal is not None}:
                self.do_signal(run, name)

    def _finish_afar(self) -> bool:
        """Workers take all that waits, and end all that they took; whether there was any."""
        begun = set(self.broker.leases)
        while self.broker.waiting:
            self.take(0)
        held = self.broker.leases.keys() - self.broker.done
        for attempt_id in sorted(held):
            self.finish_claimed(attempt_id, Outcome.SUCCESS)
        return bool(held) or begun != self.broker.leases.keys()

    def _answer_all(self) -> None:
        for run, instance in self.open_approvals():
            if self.model.answer(run, instance, "approve", self.clock.now()):
                self.do_answer(run, instance, "approve")

    def _decide_on_runs(self) -> bool:
        """A run that waits for a failed one before it may wait for ever: somebody must decide. Whether any goes on."""
        facts = read_facts(self.database)
        for row in facts.runs.values():
            if any(one.state_reason == "depends_on_past" and not one.ready for one in facts.instances[row.id]) and (
                row.state == "running"
            ):
                run = self.model.runs[row.run_id]
                runs.cancel_run(self.database, run.dag_id, run.run_id, now=self.clock.now(), message="by test")
                self.model.stop(run, "cancelled")
                return True
        return any(not run.is_over for run in self.model.runs.values())


def _held(facts: Facts, now: datetime, *, is_idle: bool) -> frozenset[str]:
    """Runs that were ended from outside, whose tear-downs and handlers begin when their processes have stopped. The
    scheduler may note a stop after its pass, so that only the next pass begins them."""
    unstopped = {
        one.dag_run_id
        for one in facts.all_instances
        if any(attempt.stopped_at is None or attempt.stopped_at >= now for attempt in facts.tries.get(one.id, ()))
    }
    return frozenset(
        run.run_id
        for run in facts.runs.values()
        if run.ending in FROM_OUTSIDE and (not is_idle or run.id in unstopped)
        if all(one.state in FINISHED for one in facts.instances[run.id])
    )


class _Room:
    """What an instance that is left undecided may be wanting."""

    def __init__(self, facts: Facts, seen: Mapping[str, Mapping[Key, Seen]], *, is_full: bool) -> None:
        self._pools = {pool.name: pool for pool in facts.pools}
        self._seen = seen
        self._runs: Mapping[str, list[str]] = {name: [] for name in facts.dags}
        for run in facts.runs.values():
            self._runs[run.dag_id].append(run.run_id)
        self._is_full = is_full

    def is_task_full(self, run: Run, instance: Instance) -> bool:
        """Whether as many instances of its task are active as a limit of the task allows."""
        task = instance.task
        in_run = self._active(self._seen.get(run.run_id, {}), task.task_id)
        in_dag = sum(self._active(self._seen[other], task.task_id) for other in self._runs[run.dag_id])
        return (task.max_active_tis is not None and in_run >= task.max_active_tis) or (
            task.max_active_tis_per_dag is not None and in_dag >= task.max_active_tis_per_dag
        )

    def _active(self, seen: Mapping[Key, Seen], task_id: str) -> int:
        return sum(one.state in ACTIVE for (name, _), one in seen.items() if name == task_id)

    def is_missing(self, run: Run, instance: Instance) -> bool:
        """Whether its executor, its pool or its run has no room for it."""
        task = instance.task
        pool = self._pools[task.pool]
        is_pool_full = 0 <= pool.slots < pool.used + task.pool_slots
        if task.type in ("wait", "approval") and not instance.is_placeholder and not instance.is_check:
            return self._is_full or (is_pool_full and bool(pool.include_deferred))
        seen = self._seen.get(run.run_id, {})
        calls = {name for name, other in run.definition.tasks.items() if other.type == "dag"}
        active = sum(
            one.state in ("queued", "running") or (one.state == "deferred" and name in calls)
            for (name, _), one in seen.items()
        )
        if task.type == "dag" and not instance.is_placeholder:
            is_pool_full = (is_pool_full and bool(pool.include_deferred)) or (
                0 <= pool.slots < pool.calling + task.pool_slots
            )
        return self._is_full or is_pool_full or active >= run.definition.max_active_tasks
