"""Effects of state changes of task instances: counters of runs, downstream instances and pools, and events.

The scheduler or the API changes instances by a guarded statement, collects the effects from the *returned* rows and
applies the effects in one transaction, under the locks of the runs. So a counter can never disagree with the states.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, Update, and_, case, insert, literal_column, or_, select, update

from mainspring.errors import Conflict
from mainspring.events import EventKind
from mainspring.states import TASK_ACTIVE, TASK_FINISHED, StateReason, TaskState
from mainspring.trigger_rules import WakeOn
from mainspring_store.database.batches import Batch, Fields, as_rows, dump_rows
from mainspring_store.database.pipeline import Check, DirectStatements, Statements
from mainspring_store.tables import dag_run, feed_event, pool, task_instance

__all__ = [
    "MAP_INDEX_MAX",
    "Effects",
    "InstanceRef",
    "RunCounters",
    "SlotChanges",
    "SlotsTaken",
    "lock_runs",
    "select_free_slots",
    "select_runs_to_lock",
]


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """The columns of a task instance on which its effects depend."""

    id: int
    dag_run_id: int
    task_index: int
    pool: str
    pool_slots: int
    is_call: bool = False
    """True for a `dag` task: while a `dag` task waits for its child run, its run counts the task as active."""
    map_index: int = -1
    """-1 = the task has no items, or not yet. Only the effects on downstream instances depend on it."""


@dataclass(frozen=True, slots=True)
class RunCounters:
    """Counters of a run after its effects are applied."""

    dag_run_id: int
    tasks_unfinished: int
    tasks_failed: int
    event_seq: int
    was_full: bool
    """True when the active tasks were at their maximum before, and the effects freed a place."""


class SlotsTaken(Conflict):
    """The free slots behind a decision are gone. The caller rolls the transaction back and repeats the pass."""


@dataclass(slots=True)
class _Slots:
    """Slots of a pool to take; a negative number releases slots."""

    active: int = 0
    deferred: int = 0
    """Slots of deferred instances; only pools with `include_deferred` count these slots."""
    calling: int = 0
    """Slots of `dag` tasks during their child runs. Only `dag` tasks respect these slots: otherwise the tasks of a
    child run could wait for ever for the slots of their parent."""


class SlotChanges:
    """The slots of pools that a transaction takes and releases."""

    def __init__(self) -> None:
        self._pools: dict[str, _Slots] = defaultdict(_Slots)

    def __getitem__(self, pool_name: str) -> _Slots:
        return self._pools[pool_name]

    def add(self, changes: "SlotChanges") -> None:
        """Add the changes of a part of the transaction."""
        for name, slots in changes._pools.items():
            total = self._pools[name]
            total.active += slots.active
            total.deferred += slots.deferred
            total.calling += slots.calling

    def write(self, statements: Statements) -> None:
        """Write the changes and forget them.

        All tasks of a pool share its row, so a transaction writes it as late as possible: until its commit, the others
        wait for the row.

        Raises:
            SlotsTaken: A pool has too few free slots. PostgreSQL may say so only when it gets the statement.
        """
        rows: list[dict[str, Any]] = [
            {
                "name": name,
                "active": slots.active,
                "deferred": slots.deferred,
                "calling": slots.calling,
                "needed": slots.active + max(slots.deferred, 0) > 0 or slots.calling > 0,
            }
            for name, slots in sorted(self._pools.items())
            if slots.active or slots.deferred or slots.calling
        ]
        self._pools.clear()
        if not rows:
            return
        needed = [row["name"] for row in rows if row["needed"]]
        parameters = {"rows": Batch(rows)}
        if statements.can_check:
            check = Check("needed", len(needed))
            statements.checked(self._take_needed(), parameters, check, lambda: SlotsTaken(_too_few(needed)))
            return
        pools = {row.name for row in statements.rows(self._take(statements.is_sqlite), parameters)}
        if missing := [name for name in needed if name not in pools]:
            raise SlotsTaken(_too_few(missing))

    @staticmethod
    @cache
    def _take(is_sqlite: bool) -> Update:
        return _take_slots(_slot_rows(is_sqlite))

    @staticmethod
    @cache
    def _take_needed() -> Update:
        """PostgreSQL only: also returns which of the pools must have had free slots."""
        rows = _slot_rows(is_sqlite=False)
        return _take_slots(rows).returning(rows.c.needed)


def _slot_rows(is_sqlite: bool) -> Any:
    fields: Fields = {"name": str, "active": int, "deferred": int, "calling": int, "needed": bool}
    return as_rows(fields, is_sqlite=is_sqlite)


def _take_slots(rows: Any) -> Update:
    # The pool always accepts released slots. Slots to take must still be free: since the pass read the pool,
    # another scheduler may have taken slots, or a client may have made the pool smaller.
    used = rows.c.active + case((pool.c.include_deferred, rows.c.deferred), else_=0)
    may_call = or_(rows.c.calling <= 0, pool.c.slots < 0, pool.c.calling + rows.c.calling <= pool.c.slots)
    has_capacity = and_(or_(used <= 0, pool.c.slots < 0, pool.c.used + used <= pool.c.slots), may_call)
    return (
        update(pool)
        .where(pool.c.name == rows.c.name, has_capacity)
        .values(used=pool.c.used + used, calling=pool.c.calling + rows.c.calling)
        .returning(pool.c.name)
    )


def _too_few(names: Sequence[str]) -> str:
    return f"fewer slots are free than were taken: {', '.join(names)}"


MAP_INDEX_MAX = 2**31 - 1
_UPSTREAM_COUNTER = {
    TaskState.SUCCESS: "success",
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "upstream_failed",
    TaskState.SKIPPED: "skipped",
    TaskState.REMOVED: "removed",
}
_RUN_COUNTERS = ("total", "unfinished", "active", "failed")
_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_FIELDS_OF_EVENT: Fields = {
    "kind": str,
    "at": datetime,
    "instance_id": int,
    "try_number": int,
    "state": str,
    "reason": str,
}
_COLUMNS_OF_EVENT = ("kind", "at", "task_instance_id", "try_number", "state", "state_reason")
_EVENT_FIELDS: Fields = {"run": int, "seq": int, **_FIELDS_OF_EVENT}


class Effects:
    """Collects effects, then applies them once. Not reusable after `apply`."""

    def __init__(self) -> None:
        self._runs: dict[int, dict[str, int]] = defaultdict(
            lambda: {"total": 0, "unfinished": 0, "active": 0, "failed": 0}
        )
        self._upstream: dict[tuple[int, int], dict[int | None, dict[str, int]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(int))
        )
        """Run and task index -> map index, None = all instances of the task -> counter -> number to add."""
        self._pools = SlotChanges()
        self._events: dict[int, list[dict[str, Any]]] = defaultdict(list)

    def moved(
        self,
        instance: InstanceRef,
        old: TaskState,
        new: TaskState,
        *,
        at: datetime,
        downstream: Sequence[int] = (),
        in_step: Set[int] = frozenset(),
        reason: StateReason | None = None,
        try_number: int | None = None,
        emits_event: bool = True,
        is_allowed: bool = False,
    ) -> None:
        """Collect the move of an instance from `old` to `new`.

        downstream: `task_index` of each direct downstream task; used when `new` is final. Leave empty when the
            caller recounts the downstream from the states (clear, mark).
        in_step: those of the downstream tasks of which only the instance with the same map index counts the move.
        emits_event: False for transitions without a bound on their number.
        is_allowed: the task has `allow_failure`, so the downstream counts a failure as a success.
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
            counter = _UPSTREAM_COUNTER[TaskState.SUCCESS if is_allowed and new is TaskState.FAILED else new]
            for index in downstream:
                # An instance without an item stands for all items.
                map_index = instance.map_index if index in in_step and instance.map_index >= 0 else None
                self._upstream[instance.dag_run_id, index][map_index][counter] += 1
        if emits_event:
            self.event(instance.dag_run_id, new, at=at, instance_id=instance.id, try_number=try_number, reason=reason)

    def expanded(self, dag_run_id: int, added: int, state: TaskState = TaskState.SCHEDULED) -> None:
        """Collect the expansion of a mapped task by `added` instances in this state."""
        self._runs[dag_run_id]["total"] += added
        self._runs[dag_run_id]["unfinished"] += added * (state not in TASK_FINISHED)
        self._runs[dag_run_id]["failed"] += added * (state in _BAD)

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
        """Collect an event for the ordered log of the run."""
        kind = EventKind.RUN if instance_id is None else EventKind.TASK
        self._add_event(
            dag_run_id, kind, at=at, instance_id=instance_id, try_number=try_number, state=state, reason=reason
        )

    def approval_opened(self, instance: InstanceRef, *, at: datetime, try_number: int | None) -> None:
        """Collect the event that an approval waits for an answer."""
        self._add_event(
            instance.dag_run_id,
            EventKind.APPROVAL,
            at=at,
            instance_id=instance.id,
            try_number=try_number,
            state="waiting",
            reason=None,
        )

    def _add_event(self, dag_run_id: int, kind: EventKind, **event: Any) -> None:
        self._runs[dag_run_id]  # makes the row, as an event alone also raises the event number of its run
        self._events[dag_run_id].append({"kind": kind, **event})

    @property
    def is_empty(self) -> bool:
        return not self._runs

    @property
    def runs(self) -> Collection[int]:
        """The changed runs."""
        return self._runs.keys()

    @property
    def shrinking_runs(self) -> list[int]:
        """The runs that have fewer unfinished instances than before: they may be over."""
        return [run_id for run_id, deltas in self._runs.items() if deltas["unfinished"] < 0]

    @staticmethod
    @cache
    def _count_upstream(is_sqlite: bool) -> Update:
        fields = ("run", "task", "first", "last", *_UPSTREAM_COUNTER.values())
        rows = as_rows(dict.fromkeys(fields, int), is_sqlite=is_sqlite)
        table = task_instance.c
        counters = {name: table[f"up_{name}"] + rows.c[name] for name in _UPSTREAM_COUNTER.values()}
        woken = [
            and_(table.wake_on.bitwise_and(bit.value) != 0, condition)
            for bit, condition in (
                (WakeOn.SUCCESS, rows.c.success > 0),
                (WakeOn.FAILED, rows.c.failed > 0),
                (WakeOn.UPSTREAM_FAILED, rows.c.upstream_failed > 0),
                (WakeOn.SKIPPED, rows.c.skipped > 0),
            )
        ]
        # A missed deadline fails a task before its run starts. The start makes the downstream instances ready.
        # No EXISTS, for which PostgreSQL may read all running runs.
        run_state = select(dag_run.c.state).where(dag_run.c.id == table.dag_run_id).scalar_subquery()
        may_decide = or_(sum(counters.values()) >= table.up_total, *woken)
        return (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_index == rows.c.task,
                table.map_index.between(rows.c.first, rows.c.last),
            )
            .values(
                **{f"up_{name}": value for name, value in counters.items()},
                ready=or_(table.ready, and_(may_decide, run_state == literal_column("'running'"))),
            )
        )

    def apply_upstream(self, statements: Statements) -> None:
        """Write only the counters of downstream instances, so that `candidates` sees newly ready instances."""
        if self._upstream:
            statement = self._count_upstream(statements.is_sqlite)
            statements.write(statement, {"rows": Batch(self._upstream_rows())})
            self._upstream.clear()

    @staticmethod
    @cache
    def _count_runs(is_sqlite: bool) -> Update:
        run = dag_run.c
        rows = as_rows(dict.fromkeys(("id", *_RUN_COUNTERS, "events"), int), is_sqlite=is_sqlite)
        return (
            update(dag_run)
            .where(run.id == rows.c.id)
            .values(
                tasks_total=run.tasks_total + rows.c.total,
                tasks_unfinished=run.tasks_unfinished + rows.c.unfinished,
                tasks_active=run.tasks_active + rows.c.active,
                tasks_failed=run.tasks_failed + rows.c.failed,
                event_seq=run.event_seq + rows.c.events,
            )
            .returning(
                run.id, run.tasks_unfinished, run.tasks_active, run.max_active_tasks, run.tasks_failed, run.event_seq
            )
        )

    @staticmethod
    @cache
    def _insert_events(is_sqlite: bool) -> Insert:
        rows = as_rows(_EVENT_FIELDS, is_sqlite=is_sqlite)
        # The database numbers the events in the order of the rows.
        return insert(feed_event).from_select(
            ["dag_run_id", "seq", *_COLUMNS_OF_EVENT],
            select(*(rows.c[name] for name in _EVENT_FIELDS)),
        )

    @staticmethod
    @cache
    def _insert_events_behind() -> Insert:
        """PostgreSQL only: numbers the events from the counters of their runs, after `_count_runs`."""
        rows = as_rows({"run": int, "behind": int, **_FIELDS_OF_EVENT}, is_sqlite=False)
        last = select(dag_run.c.event_seq).where(dag_run.c.id == rows.c.run).scalar_subquery()
        return insert(feed_event).from_select(
            ["dag_run_id", "seq", *_COLUMNS_OF_EVENT],
            select(rows.c.run, last - rows.c.behind, *(rows.c[name] for name in _FIELDS_OF_EVENT)),
        )

    def _events_behind(self) -> list[dict[str, Any]]:
        """The rows of the events; `behind` = how many numbered events of the run follow; None = without a number."""
        rows = []
        for run_id, events in self._events.items():
            behind = sum(map(_is_numbered, events))
            for event in events:
                behind -= _is_numbered(event)
                rows.append({"run": run_id, "behind": behind if _is_numbered(event) else None, **event})
        return rows

    def apply(self, connection: Connection) -> Mapping[int, RunCounters]:
        """As `apply_by`, with a connection."""
        return self.apply_by(DirectStatements(connection))

    def apply_by(
        self, statements: Statements, *, later: SlotChanges | None = None, unneeded: Collection[int] = ()
    ) -> Mapping[int, RunCounters]:
        """Write all effects by at most four statements. Returns the counters of each run.

        later: gets the slots, which the caller writes; None = they are written at once.
        unneeded: runs whose counters the caller does not need. When all runs are among them and the statements travel
            later, the result is empty, so that nothing waits for the counters.

        Raises:
            SlotsTaken: A pool has too few free slots.
        """
        if not self._runs:
            return {}
        self.apply_upstream(statements)
        if later is None:
            self._pools.write(statements)
        else:
            later.add(self._pools)
        runs = [
            {"id": run_id, **deltas, "events": sum(map(_is_numbered, self._events[run_id]))}
            for run_id, deltas in sorted(self._runs.items())
        ]
        if statements.predicts and self._runs.keys() <= set(unneeded):
            statements.write(self._count_runs(statements.is_sqlite), {"rows": Batch(runs)})
            if events := self._events_behind():
                statements.write(self._insert_events_behind(), {"rows": Batch(events)})
            return {}
        counters = {
            row.id: RunCounters(
                row.id,
                row.tasks_unfinished,
                row.tasks_failed,
                row.event_seq,
                row.tasks_active < row.max_active_tasks <= row.tasks_active - self._runs[row.id]["active"],
            )
            for row in statements.rows(self._count_runs(statements.is_sqlite), {"rows": Batch(runs)})
        }
        events = self._event_rows(counters)
        if events:
            statements.write(self._insert_events(statements.is_sqlite), {"rows": Batch(events)})
        return counters

    def _upstream_rows(self) -> list[dict[str, int]]:
        return [
            {"run": run_id, "task": index, "first": first, "last": last, **counts}
            for (run_id, index), by_item in sorted(self._upstream.items())
            for first, last, counts in _in_ranges(by_item)
        ]

    def _event_rows(self, counters: Mapping[int, RunCounters]) -> list[dict[str, Any]]:
        rows = []
        for run_id, events in self._events.items():
            # A run deleted by a client has no row, so no event either.
            if run_id not in counters:
                continue
            seq = counters[run_id].event_seq - sum(map(_is_numbered, events))
            for event in events:
                seq += _is_numbered(event)
                rows.append({"run": run_id, "seq": seq if _is_numbered(event) else None, **event})
        return rows


def _in_ranges(by_item: Mapping[int | None, Mapping[str, int]]) -> Iterator[tuple[int, int, dict[str, int]]]:
    """Ranges of map indexes, ends included, with the numbers to add to the counters. No two ranges overlap, because an
    update applies one row to each instance."""
    of_all = by_item.get(None)
    begin = -1
    for item in sorted(index for index in by_item if index is not None):
        if of_all is not None and begin < item:
            yield begin, item - 1, _sums(of_all)
        yield item, item, _sums(of_all or {}, by_item[item])
        begin = item + 1
    if of_all is not None:
        yield begin, MAP_INDEX_MAX, _sums(of_all)


def _sums(*counts: Mapping[str, int]) -> dict[str, int]:
    return {name: sum(part.get(name, 0) for part in counts) for name in _UPSTREAM_COUNTER.values()}


def _is_numbered(event: Mapping[str, Any]) -> bool:
    """Whether the event moves the run or a task instance."""
    return event["kind"] is not EventKind.APPROVAL


@cache
def select_runs_to_lock(skip_locked: bool) -> Select[Any]:
    """PostgreSQL only: locks the runs of the batch by ascending id."""
    rows = as_rows({"id": int}, is_sqlite=False)
    return (
        select(dag_run.c.id)
        .where(dag_run.c.id.in_(select(rows.c.id)))
        .order_by(dag_run.c.id)
        .with_for_update(key_share=True, skip_locked=skip_locked)
    )


def lock_runs(connection: Connection, run_ids: Iterable[int], *, skip_locked: bool = False) -> frozenset[int]:
    """Lock these runs by ascending id, before the transaction changes them; returns the ids of the locked runs.

    skip_locked: skip runs locked by another transaction, instead of waiting. For transactions with locks of runs.
    """
    if connection.dialect.name == "sqlite":
        return frozenset(run_ids)  # the write transaction is the lock
    rows = dump_rows({"id": run_id} for run_id in run_ids)
    return frozenset(connection.scalars(select_runs_to_lock(skip_locked), {"rows": rows}))


@cache
def select_free_slots() -> Select[Any]:
    """PostgreSQL only: locks as `select_runs_to_lock`, and reads the free places for active tasks under the lock."""
    free = (dag_run.c.max_active_tasks - dag_run.c.tasks_active).label("free")
    return select_runs_to_lock(skip_locked=True).add_columns(free)
