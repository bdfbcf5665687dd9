"""Runs: creation and cancel. `scheduling` contains the writes of the scheduler on running runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Executable,
    Insert,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from mainspring.concurrency_keys import ConcurrencyKeyInvalid
from mainspring.definition.model import DeadlineAnchor, Definition, TaskType
from mainspring.errors import Conflict, NotFound
from mainspring.events import EventKind
from mainspring.failpoints import failpoint
from mainspring.run_names import run_names
from mainspring.run_priority import RANKS_OF_PRIORITY
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
from mainspring.traces import new_traceparent
from mainspring.trigger_rules import WakeOn
from mainspring_store.access.quotas import Owner, Quota
from mainspring_store.database.batches import as_rows, dump_rows
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import Key, UtcDateTime
from mainspring_store.state.awaited_ends import has_followers, note_ends
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.concurrency import (
    KEYLESS,
    ConcurrencyKeyTaken,
    KeyClaim,
    claim_of,
    failed_claim,
    take_key,
)
from mainspring_store.state.deadlines import add_deadlines, deadlines_of_run
from mainspring_store.state.effects import Effects, InstanceRef, lock_runs
from mainspring_store.state.instance_plan import PLAN_FIELDS, STATE_FIELDS, plan_of
from mainspring_store.state.receivers import NewCallback, add_callback
from mainspring_store.state.teardowns import owed_indexes
from mainspring_store.tables import dag_run, feed_event, pruned_run, task_instance, task_try

__all__ = [
    "NewRun",
    "RunPruned",
    "VersionRef",
    "cancel_run",
    "claim_of_run",
    "conflict_of",
    "create_run",
    "create_run_in",
    "end_run",
    "insert_decided_run",
    "insert_run",
    "names_of_run",
    "wake_waiting",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRef:
    """A stored version and its definition."""

    id: int
    definition: Definition


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    """A run before the store has a row for it."""

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
    """The principal whose quotas count the run; None = no principal."""
    note: str | None = None
    backfill_id: int | None = None
    parent_attempt_id: str | None = None
    """The attempt of the `dag` task that waits for the run."""
    depth: int = 0
    """Number of `dag` tasks above the run."""
    traceparent: str | None = None
    """Span that triggered the run, see `parse_traceparent`; None = the run begins a trace."""
    sources: Sequence[Mapping[str, Any]] | None = None
    """The ends of runs of other DAGs that make the run; None = something else makes the run."""
    priority: int | None = None
    """None = as the definition says."""
    may_join: bool = False
    """Whether a trigger made the run, without a logical date or an earliest start of its own."""
    debounce_key: str | None = None
    """Later triggers with the key join the run; None = no trigger does."""
    callback: NewCallback | None = None
    """The receiver of the first end of the run; None = no receiver."""

    @property
    def effective_priority(self) -> int:
        return self.version.definition.priority if self.priority is None else self.priority


class RunPruned(Conflict):
    """Retention pruned a run with the id or the logical date of the new run."""

    def __init__(self, run: NewRun) -> None:
        date = "" if run.logical_date is None else f" or for logical date {run.logical_date.isoformat()}"
        super().__init__(
            f"dag '{run.version.definition.dag_id}' had a run '{run.run_id}'{date}, which retention pruned; use another"
        )


def create_run(database: Database, run: NewRun, *, owner: Owner | None = None, now: datetime) -> int:
    """Store a queued run with all its task instances in a single transaction; returns the key of the run.

    owner: the principal whose quotas count the run.

    Raises:
        Conflict: The DAG has or had a run with the id or the logical date.
        ConcurrencyKeyTaken, ConcurrencyKeyInvalid: See `take_key` and `key_of_run`.
        NotFound: A client has deleted the DAG.
        QuotaExceeded: The owner has reached a quota: active runs, active tasks, log bytes or stored bytes.
    """
    claim = claim_of_run(run)
    try:
        with database.write() as connection:
            key = create_run_in(connection, run, claim, owner=owner, now=now)
            failpoint("api.trigger.before-commit")
    except IntegrityError as exc:
        raise conflict_of(run, exc) from exc
    failpoint("api.trigger.committed")
    return key


def create_run_in(connection: Connection, run: NewRun, claim: KeyClaim, *, owner: Owner | None, now: datetime) -> int:
    """As `create_run`, in the caller's transaction.

    Raises:
        IntegrityError: See `conflict_of`. The other errors of `create_run`.
    """
    dag_id = run.version.definition.dag_id
    if owner is not None:
        owner.check_stored()
        run = replace(run, principal_id=owner.principal_id)
        owner.admit(connection, Quota.ACTIVE_RUNS)
        owner.admit(connection, Quota.ACTIVE_TASKS, len(run.version.definition.tasks))
    take_key(connection, dag_id, claim)
    key = insert_run(connection, run, claim, now=now)
    if run.callback is not None:
        add_callback(connection, run.callback, run_key=key, dag_id=dag_id, principal_id=run.principal_id, now=now)
    return key


_RUN_FIELDS = (
    "dag_id", "run_id", "dag_version_id", "run_type", "state", "conf", "params", "logical_date", "data_interval_start",
    "data_interval_end", "run_after", "queued_at", "updated_at", "triggered_by", "triggering_user_name", "principal_id",
    "note", "backfill_id", "parent_attempt_id", "depth", "tasks_total", "tasks_unfinished", "max_active_tasks",
    "traceparent", "sources", "concurrency_key", "concurrency_max", "concurrency_strategy",
    "priority", "debounce_key", "debounced_since",
)  # fmt: skip
_values = {name: bindparam(name, type_=dag_run.c[name].type) for name in _RUN_FIELDS}
_pruned = pruned_run.c
# A pruned run keeps its run id and its logical date.
_INSERT_RUN = (
    insert(dag_run)
    .from_select(
        list(_RUN_FIELDS),
        select(*_values.values()).where(
            ~exists().where(_pruned.dag_id == _values["dag_id"], _pruned.run_id == _values["run_id"]),
            ~exists().where(_pruned.dag_id == _values["dag_id"], _pruned.logical_date == _values["logical_date"]),
        ),
    )
    .returning(dag_run.c.id)
)


def _insert_creation(run_key: Any) -> Insert:
    """The event of the creation of a run."""
    event = {"kind": EventKind.RUN.value, "state": RunState.QUEUED.value}
    names = ["dag_run_id", "at", "seq", *event]
    values = (run_key, bindparam("now", type_=UtcDateTime), literal(0), *map(literal, event.values()))
    return insert(feed_event).from_select(names, select(*values))


def _insert_instances(run_key: Any, run: CTE | None = None) -> Insert:
    """run: the new run, on PostgreSQL; None = the database is SQLite."""
    names = [*PLAN_FIELDS, *STATE_FIELDS]
    rows = as_rows({**PLAN_FIELDS, **STATE_FIELDS}, is_sqlite=run is None)
    return insert(task_instance).from_select(
        [*names, "dag_run_id", "updated_at"],
        select(
            *(rows.c[name] if name != "rank" else rows.c.rank - bindparam("ranks", type_=Integer()) for name in names),
            run_key,
            bindparam("now", type_=UtcDateTime),
        ).select_from(rows if run is None else rows.join(run, true())),
    )


@cache
def _insert_all() -> Select[Any]:
    """PostgreSQL only: a run, its instances and the event of its creation in one round trip; returns the key."""
    run = _INSERT_RUN.cte("run")
    instances = _insert_instances(run.c.id, run).cte("instances")
    return select(run.c.id).add_cte(instances, _insert_creation(run.c.id).cte("creation"))


_RUN_KEY: Any = bindparam("dag_run_id", type_=Key)
_INSERT_INSTANCES = _insert_instances(_RUN_KEY)
_INSERT_CREATION = _insert_creation(_RUN_KEY)


def claim_of_run(run: NewRun) -> KeyClaim:
    """The concurrency key of a new run, by the names that its expressions will have.

    Raises:
        ConcurrencyKeyInvalid: See `key_of_run`.
    """
    definition = run.version.definition
    return KEYLESS if definition.concurrency is None else claim_of(definition, names_of_run(run))


def names_of_run(run: NewRun) -> Mapping[str, Any]:
    """The names that expressions over a new run read."""
    start, end = run.data_interval or (None, None)
    return run_names(
        dag_id=run.version.definition.dag_id,
        run_id=run.run_id,
        run_type=run.run_type,
        conf=run.conf,
        params=run.params,
        logical_date=run.logical_date,
        data_interval_start=start,
        data_interval_end=end,
        run_after=run.run_after,
        trace=None,
    )


def insert_decided_run(connection: Connection, run: NewRun, *, now: datetime) -> int:
    """Store a run that the scheduler makes. A run that its concurrency key refuses is stored too, and fails at once, so
    that its slot or its `dag` task has an end with a reason.

    Raises:
        IntegrityError, RunPruned: See `insert_run`.
    """
    refusal: tuple[StateReason, str] | None = None
    try:
        claim = claim_of_run(run)
        take_key(connection, run.version.definition.dag_id, claim)
    except ConcurrencyKeyInvalid as exc:
        claim = failed_claim(run.version.definition)
        refusal = StateReason.CONCURRENCY_KEY_INVALID, exc.problems[0].message
    except ConcurrencyKeyTaken as exc:
        refusal = StateReason.CONCURRENCY_KEY_TAKEN, str(exc)
    key = insert_run(connection, run, claim, now=now)
    if refusal is not None:
        # Applied at once: the caller may roll back to a savepoint, and its own effects outlive that.
        effects = Effects()
        end_run(connection, key, effects, now=now, reason=refusal[0], message=refusal[1])
        effects.apply(connection)
    return key


def insert_run(connection: Connection, run: NewRun, claim: KeyClaim, *, now: datetime) -> int:
    """Store a run within the caller's transaction, as `create_run`. The caller has taken the key.

    Raises:
        IntegrityError: The DAG has a run with the id or the logical date, or does not exist.
        RunPruned: The DAG had such a run.
    """
    statement: Executable = _INSERT_RUN if connection.dialect.name == "sqlite" else _insert_all()
    key: int | None = connection.scalar(statement, _values_of(run, claim, now))
    if key is None:
        raise RunPruned(run)
    _insert_parts(connection, run, key, now=now)
    return key


def _values_of(run: NewRun, claim: KeyClaim, now: datetime) -> dict[str, Any]:
    """The parameters of the statement that stores a run."""
    plan = plan_of(run.version.definition)
    start, end = run.data_interval or (None, None)
    return {
        "rows": plan.rows,
        "ranks": _ranks_of(run),
        "now": now,
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
        "tasks_unfinished": plan.count - plan.handlers,
        "max_active_tasks": plan.max_active_tasks,
        "traceparent": run.traceparent or new_traceparent(),
        "sources": None if run.sources is None else [dict(source) for source in run.sources],
        **claim.columns,
        "priority": run.effective_priority,
        "debounce_key": run.debounce_key,
        "debounced_since": None if run.debounce_key is None else now,
    }


def _ranks_of(run: NewRun) -> int:
    """By how much the priority of the run moves the ranks of its instances to the front."""
    return run.effective_priority * RANKS_OF_PRIORITY


def _insert_parts(connection: Connection, run: NewRun, key: int, *, now: datetime) -> None:
    """Store what `_insert_all` has not stored of a run: its deadlines, and on SQLite its instances and first event."""
    plan = plan_of(run.version.definition)
    if connection.dialect.name == "sqlite":
        parameters = {"rows": plan.rows, "dag_run_id": key, "now": now, "ranks": _ranks_of(run)}
        connection.execute(_INSERT_INSTANCES, parameters)
        connection.execute(_INSERT_CREATION, {"dag_run_id": key, "now": now})
    if plan.deadlines:
        anchors = {DeadlineAnchor.RUN_AFTER: run.run_after, DeadlineAnchor.QUEUED: now}
        add_deadlines(connection, deadlines_of_run(key, plan, anchors))


def conflict_of(run: NewRun, exc: IntegrityError) -> Exception:
    """The domain error for a new run that the database refused."""
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
    """End a run as failed: active and deferred instances fail, unstarted instances are skipped.

    The executors stop the processes soon after. A running run with handlers, or with tear-downs whose set-up succeeded,
    ends only after these: until then its reason is `cancelling`. Returns False, without a change, when the run has
    already ended, or is already ending.

    Raises:
        NotFound: The run does not exist.
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


_SELECT_END = select(
    dag_run.c.state,
    dag_run.c.parent_attempt_id,
    dag_run.c.dag_version_id,
    dag_run.c.ending,
    exists()
    .where(
        task_instance.c.dag_run_id == dag_run.c.id,
        task_instance.c.state == literal_column("'removed'"),
        task_instance.c.state_reason == literal_column("'handler'"),
    )
    .label("has_handlers"),
    exists()
    .where(
        task_instance.c.dag_run_id == dag_run.c.id,
        task_instance.c.state.not_in(TASK_FINISHED),
        task_instance.c.wake_on.bitwise_and(literal_column(str(WakeOn.RUN_END.value))) != 0,
    )
    .label("has_teardowns"),
    has_followers().label("has_followers"),
).where(dag_run.c.id == bindparam("key", type_=Key))


def end_run(
    connection: Connection, key: int, effects: Effects, *, now: datetime, reason: StateReason, message: str
) -> bool:
    """End a run by key within the caller's transaction, as `cancel_run`.

    The caller applies the collected effects, together with earlier effects on the run.
    """
    if key not in lock_runs(connection, [key]):
        return False
    run = connection.execute(_SELECT_END, {"key": key}).one_or_none()
    is_forced = reason is StateReason.QUARANTINED
    if run is None or run.state in RUN_FINISHED or (run.ending is not None and not is_forced):
        return False
    may_go_on = run.state == RunState.RUNNING and not is_forced
    owed = owed_indexes(connection, key, run.dag_version_id) if may_go_on and run.has_teardowns else frozenset()
    if owed:
        _set_aside(connection, key, effects, owed, now=now)
    _stop_instances(connection, key, effects, now=now, reason=reason, owed=owed)
    wake_blocked(connection, key)
    if may_go_on and (run.has_handlers or owed):
        begun = {"ending": reason, "state_reason": StateReason.CANCELLING, "message": message, "timeout_at": None}
        connection.execute(update(dag_run).where(dag_run.c.id == key).values(**begun, updated_at=now))
        return True
    effects.event(key, RunState.FAILED, at=now, reason=reason)
    connection.execute(
        update(dag_run)
        .where(dag_run.c.id == key)
        .values(state=RunState.FAILED, state_reason=reason, message=message, ending=None, end_date=now, updated_at=now)
    )
    wake_waiting(connection, [(key, run.parent_attempt_id)], now=now)
    if run.has_followers:
        note_ends(connection, [(key, RunState.FAILED)], now=now)
    return True


@cache
def _wake_deferred_instances(is_sqlite: bool) -> Update:
    rows = as_rows({"attempt_id": str}, is_sqlite=is_sqlite)
    return (
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


@cache
def _clear_parent_attempts(is_sqlite: bool) -> Update:
    rows = as_rows({"id": int}, is_sqlite=is_sqlite)
    return update(dag_run).where(dag_run.c.id.in_(select(rows.c.id))).values(parent_attempt_id=None)


def wake_waiting(connection: Connection, ended_runs: Iterable[tuple[int, str | None]], *, now: datetime) -> bool:
    """Make the `dag` tasks due that wait for the runs ended in this transaction; returns whether a task waits.

    Afterwards no task waits for the runs, so a client can clear a run alone.

    ended_runs: (run key, `parent_attempt_id`) of each run.
    """
    waiting = [{"id": key, "attempt_id": attempt_id} for key, attempt_id in ended_runs if attempt_id is not None]
    if waiting:
        is_sqlite = connection.dialect.name == "sqlite"
        rows = {"rows": dump_rows(waiting)}
        connection.execute(_wake_deferred_instances(is_sqlite), {**rows, "now": now})
        connection.execute(_clear_parent_attempts(is_sqlite), rows)
    return bool(waiting)


def _stop_instances(
    connection: Connection,
    key: int,
    effects: Effects,
    *,
    now: datetime,
    reason: StateReason,
    owed: frozenset[int] = frozenset(),
) -> None:
    """Fence the live attempts of a run and end its unfinished instances.

    The downstream counters stay unchanged, because all downstream instances end too.

    owed: indexes of tear-downs, which go on.
    """
    table = task_instance.c
    stopped = and_(table.dag_run_id == key, table.task_index.not_in(owed)) if owed else table.dag_run_id == key
    unfinished = connection.execute(
        select(
            table.id, table.task_index, table.state, table.try_number, table.pool, table.pool_slots, table.operator
        ).where(stopped, table.state.not_in(TASK_FINISHED))
    ).all()
    if not unfinished:
        return
    for new, states in ((TaskState.FAILED, (*TASK_ACTIVE, TaskState.DEFERRED)), (TaskState.SKIPPED, ())):
        connection.execute(
            update(task_instance)
            .where(stopped, table.state.in_(states) if states else table.state.not_in(TASK_FINISHED))
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
    _fence_attempts(connection, stopped, now=now, reason=reason)
    for row in unfinished:
        old = TaskState(row.state)
        new = TaskState.FAILED if old in TASK_ACTIVE or old is TaskState.DEFERRED else TaskState.SKIPPED
        is_call = row.operator == TaskType.DAG
        instance = InstanceRef(row.id, key, row.task_index, row.pool, row.pool_slots, is_call)
        effects.moved(instance, old, new, at=now, reason=reason, try_number=row.try_number)


def _set_aside(connection: Connection, key: int, effects: Effects, owed: frozenset[int], *, now: datetime) -> None:
    """Remove the tear-downs that wait, until the processes of the run have stopped."""
    table, reason = task_instance.c, StateReason.CANCELLING
    rows = connection.execute(
        update(task_instance)
        .where(table.dag_run_id == key, table.task_index.in_(owed), table.state == literal_column("'scheduled'"))
        .values(state=TaskState.REMOVED, state_reason=reason, ready=False, waits_for=None, updated_at=now)
        .returning(table.id, table.task_index, table.pool, table.pool_slots, table.try_number)
    )
    for row in rows:
        instance = InstanceRef(row.id, key, row.task_index, row.pool, row.pool_slots)
        effects.moved(
            instance, TaskState.SCHEDULED, TaskState.REMOVED, at=now, reason=reason, try_number=row.try_number
        )


def _fence_attempts(
    connection: Connection, stopped: ColumnElement[bool], *, now: datetime, reason: StateReason
) -> None:
    connection.execute(
        update(task_try)
        .where(
            task_try.c.task_instance_id.in_(select(task_instance.c.id).where(stopped)),
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
