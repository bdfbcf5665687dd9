"""Runs: their creation and their cancel. What a running run does next is the scheduler's (`scheduling`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.definition.model import Definition, TaskType
from mainspring.errors import Conflict, NotFound
from mainspring.failpoints import failpoint
from mainspring.states import (
    ATTEMPT_LIVE,
    RUN_FINISHED,
    TASK_ACTIVE,
    TASK_FINISHED,
    AttemptState,
    RunState,
    RunType,
    StateReason,
    TaskState,
)
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.effects import Effects, InstanceRef, lock_runs
from mainspring_store.state.instance_plan import PLAN_FIELDS, plan_of
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["NewRun", "VersionRef", "cancel_run", "create_run", "end_run", "insert_run", "wake_waiting"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRef:
    """A stored version and what it says."""

    id: int
    definition: Definition


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    """A run that is not stored yet."""

    version: VersionRef
    run_id: str
    run_type: RunType
    conf: Mapping[str, Any]
    params: Mapping[str, Any]
    run_after: datetime
    logical_date: datetime | None = None
    data_interval: tuple[datetime, datetime] | None = None
    triggered_by: str = "rest_api"
    user: str | None = None
    principal_id: str | None = None
    """Whom it counts for; None = nobody."""
    note: str | None = None
    backfill_id: int | None = None
    parent_attempt_id: str | None = None
    """The attempt that waits for it."""
    depth: int = 0
    """How many `dag` tasks stand above it."""


def create_run(database: Database, run: NewRun, *, owner: Owner | None = None, now: datetime) -> int:
    """Store a run in state queued with all its task instances, in one transaction; returns its key.

    owner: the principal that it counts for, within its quotas.

    Raises:
        Conflict: The DAG has a run of this id, or of this logical date.
        NotFound: The DAG was deleted meanwhile.
        QuotaExceeded: The owner has as many active runs or tasks, or as much log or stored bytes, as it may have.
    """
    if owner is not None:
        owner.check_stored()
        run = replace(run, principal_id=owner.principal_id)
    try:
        with database.write() as connection:
            if owner is not None:
                owner.admit(connection, Quota.ACTIVE_RUNS)
                owner.admit(connection, Quota.ACTIVE_TASKS, len(run.version.definition.tasks))
            key = insert_run(connection, run, now=now)
            failpoint("api.trigger.before-commit")
    except IntegrityError as exc:
        raise _explained(run, exc) from exc
    failpoint("api.trigger.committed")
    return key


def insert_run(connection: Connection, run: NewRun, *, now: datetime) -> int:
    """As `create_run`, within a transaction of the caller's; raises the database's `IntegrityError`."""
    plan = plan_of(run.version.definition)
    start, end = run.data_interval or (None, None)
    key: int | None = connection.scalar(
        _INSERT_RUN,
        {
            "dag_id": run.version.definition.dag_id,
            "run_id": run.run_id,
            "dag_version_id": run.version.id,
            "run_type": run.run_type,
            "state": RunState.QUEUED,
            "conf": dict(run.conf),
            "params": dict(run.params),
            "logical_date": run.logical_date,
            "data_interval_start": start,
            "data_interval_end": end,
            "run_after": run.run_after,
            "queued_at": now,
            "updated_at": now,
            "triggered_by": run.triggered_by,
            "triggering_user_name": run.user,
            "principal_id": run.principal_id,
            "note": run.note,
            "backfill_id": run.backfill_id,
            "parent_attempt_id": run.parent_attempt_id,
            "depth": run.depth,
            "tasks_total": plan.count,
            "tasks_unfinished": plan.count,
            "max_active_tasks": plan.max_active_tasks,
        },
    )
    statements = _statements(connection.dialect.name == "sqlite")
    connection.execute(statements.insert_instances, {"rows": plan.rows, "dag_run_id": key, "now": now})
    assert key is not None
    return key


def _explained(run: NewRun, exc: IntegrityError) -> Exception:
    dag_id = run.version.definition.dag_id
    text = str(exc.orig)
    if "FOREIGN KEY" in text or "foreign key" in text:
        return NotFound(f"dag '{dag_id}' does not exist any more")
    if "logical_date" in text:
        date = run.logical_date.isoformat() if run.logical_date else None
        return Conflict(f"dag '{dag_id}' has a run for logical date {date} already; leave it out or use another")
    return Conflict(f"dag '{dag_id}' has a run '{run.run_id}' already; use another dag_run_id")


def cancel_run(
    database: Database,
    dag_id: str,
    run_id: str,
    *,
    now: datetime,
    reason: StateReason = StateReason.CANCELLED,
    message: str,
) -> bool:
    """End a run as failed now: what runs becomes failed, what has not started skipped. Processes stop soon after.

    Returns False, changing nothing, when the run had finished before.

    Raises:
        NotFound: There is no such run.
    """
    with database.write() as connection:
        key = connection.scalar(select(dag_run.c.id).where(dag_run.c.dag_id == dag_id, dag_run.c.run_id == run_id))
        if key is None:
            raise NotFound(f"dag '{dag_id}' has no run '{run_id}'")
        effects = Effects()
        is_ended = end_run(connection, key, effects, now=now, reason=reason, message=message)
        effects.apply(connection)
        failpoint("api.cancel.before-commit")
    failpoint("api.cancel.committed")
    return is_ended


def end_run(
    connection: Connection, key: int, effects: Effects, *, now: datetime, reason: StateReason, message: str
) -> bool:
    """`cancel_run` within a transaction of the caller's, by key; what follows from it is left to the caller to apply,
    after what it has collected of the same run before."""
    if key not in lock_runs(connection, [key]):
        return False
    run = connection.execute(
        select(dag_run.c.state, dag_run.c.parent_attempt_id).where(dag_run.c.id == key)
    ).one_or_none()
    if run is None or run.state in RUN_FINISHED:
        return False
    _stop_instances(connection, key, effects, now=now, reason=reason)
    wake_blocked(connection, key)
    effects.event(key, RunState.FAILED, at=now, reason=reason)
    connection.execute(
        update(dag_run)
        .where(dag_run.c.id == key)
        .values(state=RunState.FAILED, state_reason=reason, message=message, end_date=now, updated_at=now)
    )
    wake_waiting(connection, [(key, run.parent_attempt_id)], now=now)
    return True


def wake_waiting(connection: Connection, ended: Iterable[tuple[int, str | None]], *, now: datetime) -> bool:
    """Have the scheduler look at the `dag` tasks that wait for runs that end in this transaction; whether any does.

    ended: (run key, its `parent_attempt_id`). After this nobody waits for the run, so that it can be cleared alone.
    """
    waiting = [{"id": key, "attempt_id": attempt_id} for key, attempt_id in ended if attempt_id is not None]
    if waiting:
        statements = _statements(connection.dialect.name == "sqlite")
        rows = {"rows": dump_rows(waiting)}
        connection.execute(statements.wake_waiting, {**rows, "now": now})
        connection.execute(statements.let_go, rows)
    return bool(waiting)


def _stop_instances(connection: Connection, key: int, effects: Effects, *, now: datetime, reason: StateReason) -> None:
    """Fence the live attempts of a run and end its unfinished instances. Nothing downstream is to be counted: all of
    it ends here."""
    table = task_instance.c
    unfinished = connection.execute(
        select(
            table.id, table.task_index, table.state, table.try_number, table.pool, table.pool_slots, table.operator
        ).where(table.dag_run_id == key, table.state.not_in(TASK_FINISHED))
    ).all()
    if not unfinished:
        return
    for new, states in ((TaskState.FAILED, (*TASK_ACTIVE, TaskState.DEFERRED)), (TaskState.SKIPPED, ())):
        connection.execute(
            update(task_instance)
            .where(table.dag_run_id == key, table.state.in_(states) if states else table.state.not_in(TASK_FINISHED))
            .values(
                state=new,
                state_reason=reason,
                ready=False,
                not_before=None,
                waits_for=None,
                end_date=now,
                updated_at=now,
            )
        )
    connection.execute(
        update(task_try)
        .where(
            task_try.c.task_instance_id.in_(select(table.id).where(table.dag_run_id == key)),
            task_try.c.state.in_(ATTEMPT_LIVE),
        )
        .values(
            state=AttemptState.CANCELLED,
            state_reason=reason,
            message="stopped, because its run was ended",
            end_date=now,
            cancel_requested_at=now,
        )
    )
    for row in unfinished:
        old = TaskState(row.state)
        new = TaskState.FAILED if old in TASK_ACTIVE or old is TaskState.DEFERRED else TaskState.SKIPPED
        is_call = row.operator == TaskType.DAG
        instance = InstanceRef(row.id, key, row.task_index, row.pool, row.pool_slots, is_call)
        effects.moved(instance, old, new, at=now, reason=reason, try_number=row.try_number)


_INSERT_RUN = insert(dag_run).returning(dag_run.c.id)


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        rows = as_rows(PLAN_FIELDS, is_sqlite=is_sqlite)
        names = list(PLAN_FIELDS)
        self.insert_instances = insert(task_instance).from_select(
            [*names, "dag_run_id", "state", "updated_at"],
            select(
                *(rows.c[name] for name in names),
                bindparam("dag_run_id", type_=Key),
                literal(TaskState.SCHEDULED.value),
                bindparam("now", type_=UtcDateTime),
            ),
        )
        rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
        self.wake_waiting = (
            update(task_instance)
            .where(
                task_instance.c.id.in_(
                    select(task_try.c.task_instance_id).where(task_try.c.attempt_id.in_(select(rows.c.attempt_id)))
                ),
                task_instance.c.attempt_id.in_(select(rows.c.attempt_id)),
                task_instance.c.state == literal_column("'deferred'"),
            )
            .values(not_before=bindparam("now", type_=UtcDateTime))
        )
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        self.let_go = update(dag_run).where(dag_run.c.id.in_(select(rows.c.id))).values(parent_attempt_id=None)


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
