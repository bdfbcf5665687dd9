"""What follows from task instances that changed state: counters of the run, of its downstream, of pools, and events.

Whoever changes instances, scheduler or API, collects the effects here from the rows that its guarded statement
*returned*, and applies them in the same transaction, after it locked the runs. So a counter can never disagree with
the states it counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, case, insert, or_, select, update

from mainspring.errors import Conflict
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, StateReason, TaskState
from mainspring.trigger_rules import WakeOn
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.tables import dag_run, pool, run_event, task_instance

__all__ = ["Effects", "InstanceRef", "RunCounters", "SlotsTaken", "lock_runs", "lock_runs_with_capacity"]


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """What of a task instance its effects depend on."""

    id: int
    dag_run_id: int
    task_index: int
    pool: str
    pool_slots: int
    is_call: bool = False
    """Whether it is a `dag` task: while it waits for its child run, it counts as active in its run."""


@dataclass(frozen=True, slots=True)
class RunCounters:
    """A run's counters after the effects were applied."""

    dag_run_id: int
    tasks_unfinished: int
    tasks_failed: int
    event_seq: int
    was_full: bool
    """Whether its active tasks had reached their maximum before, so that room was made now."""


class SlotsTaken(Conflict):
    """The room that a decision was made on is gone. The transaction is to be rolled back and done again."""


@dataclass(slots=True)
class _Slots:
    """How many slots of a pool change hands; negative = given back."""

    active: int = 0
    deferred: int = 0
    """Held only in pools that say so."""
    calling: int = 0
    """Of `dag` tasks that wait for their runs. Only other `dag` tasks wait for these: otherwise the tasks of a child
    run could wait for ever for the slots that their parent holds."""


_UPSTREAM_COUNTER = {
    TaskState.SUCCESS: "success",
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "upstream_failed",
    TaskState.SKIPPED: "skipped",
    TaskState.REMOVED: "removed",
}
_RUN_COUNTERS = ("total", "unfinished", "active", "failed")
_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})


class Effects:
    """Collects, then applies once. Not reused after `apply`."""

    def __init__(self) -> None:
        self._runs: dict[int, dict[str, int]] = defaultdict(
            lambda: {"total": 0, "unfinished": 0, "active": 0, "failed": 0}
        )
        self._upstream: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._pools: dict[str, _Slots] = defaultdict(_Slots)
        self._events: dict[int, list[dict[str, Any]]] = defaultdict(list)

    def moved(
        self,
        instance: InstanceRef,
        old: TaskState,
        new: TaskState,
        *,
        at: datetime,
        downstream: Sequence[int] = (),
        reason: StateReason | None = None,
        try_number: int | None = None,
        is_news: bool = True,
    ) -> None:
        """An instance went from `old` to `new`.

        downstream: `task_index` of each direct downstream task; used when `new` is final. Pass nothing when the
            caller recounts the downstream from the states (clear, mark).
        is_news: False = without an event; for what repeats without bound.
        """
        run = self._runs[instance.dag_run_id]
        run["unfinished"] += (old in TASK_FINISHED) - (new in TASK_FINISHED)
        run["failed"] += (new in _BAD) - (old in _BAD)
        slots = (new in TASK_ACTIVE) - (old in TASK_ACTIVE)
        if slots:
            run["active"] += slots
            self._pools[instance.pool].active += slots * instance.pool_slots
        deferred = (new is TaskState.DEFERRED) - (old is TaskState.DEFERRED)
        if deferred:
            self._pools[instance.pool].deferred += deferred * instance.pool_slots
            if instance.is_call:
                run["active"] += deferred
                self._pools[instance.pool].calling += deferred * instance.pool_slots
        if new in TASK_FINISHED:
            counter = _UPSTREAM_COUNTER[new]
            for index in downstream:
                self._upstream[instance.dag_run_id, index][counter] += 1
        if is_news:
            self.event(instance.dag_run_id, new, at=at, instance_id=instance.id, try_number=try_number, reason=reason)

    def expanded(self, dag_run_id: int, added: int) -> None:
        """A mapped task got `added` more unfinished instances."""
        self._runs[dag_run_id]["total"] += added
        self._runs[dag_run_id]["unfinished"] += added

    def event(
        self,
        dag_run_id: int,
        state: str,
        *,
        at: datetime,
        instance_id: int | None = None,
        try_number: int | None = None,
        reason: StateReason | None = None,
    ) -> None:
        """Something to be read in the run's ordered log."""
        self._runs[dag_run_id]  # an event alone also moves the run's event number
        self._events[dag_run_id].append(
            {"at": at, "instance_id": instance_id, "try_number": try_number, "state": state, "reason": reason}
        )

    @property
    def is_empty(self) -> bool:
        return not self._runs

    def apply_upstream(self, connection: Connection) -> None:
        """Write the counters of downstream instances ahead of the rest, so that what they unlock can be asked for."""
        if self._upstream:
            statements = _statements(connection.dialect.name == "sqlite")
            connection.execute(statements.count_upstream, {"rows": dump_rows(self._upstream_rows())})
            self._upstream.clear()

    def apply(self, connection: Connection) -> Mapping[int, RunCounters]:
        """Write everything; at most four statements, whatever was collected. Returns the counters of each run.

        Raises:
            SlotsTaken: A pool has fewer free slots than were to be taken.
        """
        if not self._runs:
            return {}
        self.apply_upstream(connection)
        statements = _statements(connection.dialect.name == "sqlite")
        self._take_slots(connection, statements)
        runs = [
            {"id": run_id, **deltas, "events": len(self._events[run_id])}
            for run_id, deltas in sorted(self._runs.items())
        ]
        counters = {
            row.id: RunCounters(
                row.id,
                row.tasks_unfinished,
                row.tasks_failed,
                row.event_seq,
                row.tasks_active < row.max_active_tasks <= row.tasks_active - self._runs[row.id]["active"],
            )
            for row in connection.execute(statements.count_runs, {"rows": dump_rows(runs)})
        }
        events = self._event_rows(counters)
        if events:
            connection.execute(statements.record_events, {"rows": dump_rows(events)})
        return counters

    def _take_slots(self, connection: Connection, statements: "_Statements") -> None:
        rows: list[dict[str, Any]] = [
            {"name": name, "active": slots.active, "deferred": slots.deferred, "calling": slots.calling}
            for name, slots in sorted(self._pools.items())
            if slots.active or slots.deferred
        ]
        if not rows:
            return
        taken = set(connection.scalars(statements.take_slots, {"rows": dump_rows(rows)}))
        for row in rows:
            wanted = max(row["active"] + max(row["deferred"], 0), row["calling"])
            if wanted > 0 and row["name"] not in taken:
                raise SlotsTaken(f"pool '{row['name']}' has not {wanted} free slots any more")

    def _upstream_rows(self) -> list[dict[str, int]]:
        return [
            {"run": run_id, "task": index, **{name: counts.get(name, 0) for name in _UPSTREAM_COUNTER.values()}}
            for (run_id, index), counts in sorted(self._upstream.items())
        ]

    def _event_rows(self, counters: Mapping[int, RunCounters]) -> list[dict[str, Any]]:
        rows = []
        for run_id, events in self._events.items():
            # A run that was deleted meanwhile has no row, so no event either.
            if run_id in counters:
                first = counters[run_id].event_seq - len(events) + 1
                rows += [{"run": run_id, "seq": first + offset, **event} for offset, event in enumerate(events)]
        return rows


def lock_runs(connection: Connection, run_ids: Iterable[int], *, skip_locked: bool = False) -> frozenset[int]:
    """Lock these runs, ids ascending, before anything of them is changed; returns those that exist and are locked.

    skip_locked: leave out what another transaction holds, instead of waiting. For whoever holds run locks already.
    """
    if connection.dialect.name == "sqlite":
        return frozenset(run_ids)  # the write transaction is the lock
    statement = _statements(False).lock_runs_free if skip_locked else _statements(False).lock_runs
    return frozenset(connection.scalars(statement, {"rows": dump_rows({"id": run_id} for run_id in run_ids)}))


def lock_runs_with_capacity(connection: Connection, run_ids: Iterable[int]) -> Mapping[int, int | None]:
    """As `lock_runs` with `skip_locked`; run -> how many more active tasks it may have, read under its lock.

    None on SQLite, where what was read in this transaction before is still so.
    """
    if connection.dialect.name == "sqlite":
        return dict.fromkeys(run_ids)
    rows = dump_rows({"id": run_id} for run_id in run_ids)
    return {row.id: row.free for row in connection.execute(_statements(False).lock_runs_with_capacity, {"rows": rows})}


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        rows = as_rows({"run": int, "task": int, **dict.fromkeys(_UPSTREAM_COUNTER.values(), int)}, is_sqlite=is_sqlite)
        table = task_instance.c
        after = {name: table[f"up_{name}"] + rows.c[name] for name in _UPSTREAM_COUNTER.values()}
        woken = [
            and_(table.wake_on.bitwise_and(bit.value) != 0, condition)
            for bit, condition in (
                (WakeOn.SUCCESS, rows.c.success > 0),
                (WakeOn.FAILED, rows.c.failed > 0),
                (WakeOn.UPSTREAM_FAILED, rows.c.upstream_failed > 0),
                (WakeOn.SKIPPED, rows.c.skipped > 0),
            )
        ]
        self.count_upstream = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(
                **{f"up_{name}": value for name, value in after.items()},
                ready=or_(table.ready, sum(after.values()) >= table.up_total, *woken),
            )
        )

        rows = as_rows({"name": str, "active": int, "deferred": int, "calling": int}, is_sqlite=is_sqlite)
        # What is given back always is; what is taken must still be there: another scheduler may have taken slots, or
        # somebody made the pool smaller, since the room in it was read.
        wanted = rows.c.active + case((pool.c.include_deferred, rows.c.deferred), else_=0)
        may_call = or_(rows.c.calling <= 0, pool.c.slots < 0, pool.c.calling + rows.c.calling <= pool.c.slots)
        has_room = and_(or_(wanted <= 0, pool.c.slots < 0, pool.c.used + wanted <= pool.c.slots), may_call)
        self.take_slots = (
            update(pool)
            .where(pool.c.name == rows.c.name, has_room)
            .values(used=pool.c.used + wanted, calling=pool.c.calling + rows.c.calling)
            .returning(pool.c.name)
        )

        rows = as_rows(dict.fromkeys(("id", *_RUN_COUNTERS, "events"), int), is_sqlite=is_sqlite)
        self.count_runs = (
            update(dag_run)
            .where(dag_run.c.id == rows.c.id)
            .values(
                tasks_total=dag_run.c.tasks_total + rows.c.total,
                tasks_unfinished=dag_run.c.tasks_unfinished + rows.c.unfinished,
                tasks_active=dag_run.c.tasks_active + rows.c.active,
                tasks_failed=dag_run.c.tasks_failed + rows.c.failed,
                event_seq=dag_run.c.event_seq + rows.c.events,
            )
            .returning(
                dag_run.c.id,
                dag_run.c.tasks_unfinished,
                dag_run.c.tasks_active,
                dag_run.c.max_active_tasks,
                dag_run.c.tasks_failed,
                dag_run.c.event_seq,
            )
        )

        rows = as_rows(
            {
                "run": int,
                "seq": int,
                "at": datetime,
                "instance_id": int,
                "try_number": int,
                "state": str,
                "reason": str,
            },
            is_sqlite=is_sqlite,
        )
        self.record_events = insert(run_event).from_select(
            ["dag_run_id", "seq", "at", "task_instance_id", "try_number", "state", "state_reason"],
            select(*(rows.c[name] for name in ("run", "seq", "at", "instance_id", "try_number", "state", "reason"))),
        )

        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        self.lock_runs = (
            select(dag_run.c.id)
            .where(dag_run.c.id.in_(select(rows.c.id)))
            .order_by(dag_run.c.id)
            .with_for_update(key_share=True)
        )
        room = (dag_run.c.max_active_tasks - dag_run.c.tasks_active).label("free")
        self.lock_runs_with_capacity = self.lock_runs.add_columns(room).with_for_update(
            key_share=True, skip_locked=True
        )
        self.lock_runs_free = self.lock_runs.with_for_update(key_share=True, skip_locked=True)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
