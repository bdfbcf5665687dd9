"""Triggers that join a queued run instead of making another."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, literal, select, text, update
from sqlalchemy.exc import IntegrityError

from mainspring.debounces import debounce_key, debounced_start
from mainspring.definition.model import DeadlineAnchor
from mainspring.events import EventKind
from mainspring.failpoints import failpoint
from mainspring.instants import format_instant
from mainspring.states import RunState
from mainspring_store.access.quotas import Owner
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.blocking import wake_blocked
from mainspring_store.state.concurrency import KeyClaim
from mainspring_store.state.deadlines import move_deadlines
from mainspring_store.state.effects import lock_runs
from mainspring_store.state.events import write_event
from mainspring_store.state.instance_plan import plan_of
from mainspring_store.state.receivers import add_callback
from mainspring_store.state.runs import (
    NewRun,
    claim_of_run,
    conflict_of,
    create_run,
    create_run_in,
    names_of_run,
)
from mainspring_store.tables import dag_run

__all__ = ["Triggered", "trigger_run"]


@dataclass(frozen=True, slots=True)
class Triggered:
    """The run of a trigger."""

    key: int
    """Primary key of the run."""
    run_id: str
    is_merged: bool
    """Whether the trigger joined a run that an earlier trigger made."""


def trigger_run(database: Database, run: NewRun, *, owner: Owner | None = None, now: datetime) -> Triggered:
    """Store a run as `create_run`, or join the queued run of the same DAG, version and debounce key.

    A trigger that joins replaces `conf`, params, concurrency key and, if it has one, the note of the run, delays the
    start, and adds its callback. A run with a logical date or an earliest start of its own joins no run, and no trigger
    joins it.

    Raises:
        DebounceKeyInvalid: See `debounce_key`.
        Conflict, ConcurrencyKeyTaken, ConcurrencyKeyInvalid, NotFound, QuotaExceeded: See `create_run`.
    """
    if owner is not None:
        run = replace(run, principal_id=owner.principal_id)
    definition = run.version.definition
    if definition.debounce is None or not run.may_join:
        return Triggered(create_run(database, run, owner=owner, now=now), run.run_id, is_merged=False)
    run = replace(run, run_after=debounced_start(definition.debounce, now, now))
    key, claim = debounce_key(definition.debounce, names_of_run(run)), claim_of_run(run)
    try:
        with database.write() as connection:
            # Two first triggers would each make a run.
            if connection.dialect.name == "postgresql":
                connection.execute(_TAKE_TURN, {"name": f"{definition.dag_id} {key}"})
            joined = _join(connection, run, key, claim, now=now)
            if joined is None:
                run_key = create_run_in(connection, replace(run, debounce_key=key), claim, owner=owner, now=now)
                joined = Triggered(run_key, run.run_id, is_merged=False)
            failpoint("api.debounce.before-commit")
    except IntegrityError as exc:
        raise conflict_of(run, exc) from exc
    failpoint("api.debounce.committed")
    return joined


def _join(connection: Connection, run: NewRun, key: str, claim: KeyClaim, *, now: datetime) -> Triggered | None:
    """Join the queued run of the key; None = there is none, or it starts at this moment."""
    definition = run.version.definition
    assert definition.debounce is not None
    values = {"of_dag": definition.dag_id, "of_key": key, "of_version": run.version.id}
    run_key = connection.scalar(_WAITING, values)
    if run_key is None or run_key not in lock_runs(connection, [run_key]):
        return None
    # The scheduler may have started the run before this transaction got the lock.
    waiting = connection.execute(_STANDING, {"key": run_key}).one_or_none()
    if waiting is None or waiting.state != RunState.QUEUED or waiting.debounce_key != key:
        return None
    start = debounced_start(definition.debounce, waiting.debounced_since, now)
    connection.execute(
        _MERGE,
        {
            "key": run_key,
            "start": start,
            "now": now,
            "new_conf": dict(run.conf),
            "new_params": dict(run.params),
            "new_note": run.note,
            **{f"new_{name}": value for name, value in claim.columns.items()},
        },
    )
    move_deadlines(connection, run_key, plan_of(definition), {DeadlineAnchor.RUN_AFTER: start})
    # The earliest start is the place of the run under `depends_on_past`.
    wake_blocked(connection, run_key)
    if run.callback is not None:
        add_callback(
            connection, run.callback, run_key=run_key, dag_id=definition.dag_id, principal_id=run.principal_id, now=now
        )
    write_event(
        connection, EventKind.RUN, "changed", at=now, dag_run_id=run_key, data={"run_after": format_instant(start)}
    )
    return Triggered(run_key, waiting.run_id, is_merged=True)


_TAKE_TURN = select(
    func.pg_advisory_xact_lock(func.hashtextextended(literal("debounce ") + bindparam("name"), literal(0)))
)
_run = dag_run.c
_WAITING = (
    select(_run.id)
    .where(
        text("dag_run.state = 'queued' AND dag_run.debounce_key IS NOT NULL"),
        _run.dag_id == bindparam("of_dag"),
        _run.debounce_key == bindparam("of_key"),
        _run.dag_version_id == bindparam("of_version"),
    )
    .order_by(_run.id)
    .limit(1)
)
_STANDING = select(_run.run_id, _run.state, _run.debounce_key, _run.debounced_since).where(_run.id == bindparam("key"))
_MERGE = (
    update(dag_run)
    .where(_run.id == bindparam("key"))
    .values(
        run_after=bindparam("start", type_=UtcDateTime),
        conf=bindparam("new_conf", type_=_run.conf.type),
        params=bindparam("new_params", type_=_run.params.type),
        note=func.coalesce(bindparam("new_note", type_=_run.note.type), _run.note),
        concurrency_key=bindparam("new_concurrency_key"),
        concurrency_max=bindparam("new_concurrency_max"),
        concurrency_strategy=bindparam("new_concurrency_strategy"),
        updated_at=bindparam("now"),
    )
)
