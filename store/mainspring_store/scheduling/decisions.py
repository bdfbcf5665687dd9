"""Decisions: which instances are ready, and what becomes of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.types import Integer

from mainspring.states import TaskState
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import DUE, READY, decide_rows, either, update_values
from mainspring_store.state.effects import RunCounters
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    ATTEMPT_FIELDS,
    UPDATE_FIELDS,
    DueWork,
    NewAttempt,
    StateUpdate,
)
from mainspring_store.tables import dag_run, task_instance, task_try

__all__ = ["DecisionWrites"]


class DecisionWrites:
    """The part of a pass that decides on ready instances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements = _statements(connection.dialect.name == "sqlite")
        self.saw_blocked = False

    def decide(self, decided: Sequence[StateUpdate]) -> frozenset[int]:
        """Move ready instances: queued with a new attempt, or to a final state; returns the ids that moved."""
        rows = self._connection.execute(self._statements.decide, {"rows": decide_rows(decided)}).all()
        blocks = any(one.state is TaskState.SCHEDULED and not one.ready for one in decided)
        self.saw_blocked = blocks or any(row.any_blocked for row in rows)
        return frozenset(row.id for row in rows)

    def add_attempts(self, attempts: Sequence[NewAttempt]) -> None:
        rows = dump_rows({name: getattr(attempt, name) for name in ATTEMPT_FIELDS} for attempt in attempts)
        self._connection.execute(self._statements.add_attempts, {"rows": rows})

    def due_work(self, now: datetime) -> DueWork:
        """What time, or somebody else's write, has made due."""
        runs: dict[str, list[int]] = {"overdue": [], "orphaned": []}
        over = []
        next_due_at = None
        for row in self._connection.execute(self._statements.due_work, {"now": now}):
            match row.what:
                case "due":
                    next_due_at = row.at
                case "over":
                    over.append(RunCounters(row.id, 0, row.tasks_failed, row.event_seq, was_full=False))
                case what:
                    runs[what].append(row.id)
        return DueWork(tuple(runs["overdue"]), tuple(runs["orphaned"]), tuple(over), next_due_at)

    def wake_retries(self, now: datetime) -> None:
        """Make instances ready whose retry is due."""
        self._connection.execute(self._statements.wake_retries, {"now": now})


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        table = task_instance.c
        rows = rows_of(UPDATE_FIELDS)
        queued = rows.c.state == literal_column("'queued'")
        self.decide = (
            update(task_instance)
            .where(table.id == rows.c.id, READY, table.generation == rows.c.generation)
            .values(
                **update_values(rows),
                attempt_id=func.coalesce(rows.c.attempt_id, table.attempt_id),
                try_number=func.coalesce(rows.c.try_number, table.try_number),
                map_index=func.coalesce(rows.c.map_index, table.map_index),
                map_value=func.coalesce(rows.c.map_value, table.map_value),
                queued_at=either(queued, rows.c.at, table.queued_at, is_sqlite),
            )
            .returning(table.id, ANY_BLOCKED.label("any_blocked"))
        )
        rows = rows_of(ATTEMPT_FIELDS)
        self.add_attempts = insert(task_try).from_select(
            [
                "attempt_id",
                "task_instance_id",
                "generation",
                "try_number",
                "executor",
                "owner",
                "queued_at",
                "payload",
                "state",
                "state_reason",
                "message",
                "start_date",
                "end_date",
                "stopped_at",
            ],
            select(*(rows.c[name] for name in ATTEMPT_FIELDS)),
        )
        now = bindparam("now", type_=UtcDateTime)
        self.wake_retries = (
            update(task_instance)
            .where(DUE, table.not_before <= now, table.state == literal_column("'up_for_retry'"))
            .values(
                state=TaskState.SCHEDULED,
                # Its upstream may have been cleared meanwhile.
                ready=may_decide(),
                not_before=None,
                updated_at=now,
            )
        )
        run, no_instant = dag_run.c, cast(null(), UtcDateTime)
        waiting = task_instance.alias("waiting")
        is_awaited = (
            select(waiting.c.id)
            .join(task_try, task_try.c.task_instance_id == waiting.c.id)
            .where(
                task_try.c.attempt_id == run.parent_attempt_id,
                waiting.c.attempt_id == task_try.c.attempt_id,
                waiting.c.state == literal_column("'deferred'"),
            )
            .exists()
        )
        no_number = cast(null(), Integer())

        def runs(what: str) -> Any:
            return select(
                literal_column(f"'{what}'").label("what"),
                run.id,
                no_instant.label("at"),
                run.tasks_failed,
                run.event_seq,
            )

        # One statement: on most looks nothing is due.
        self.due_work = union_all(
            runs("overdue").where(
                text("dag_run.state = 'running' AND dag_run.timeout_at IS NOT NULL"),
                run.timeout_at <= now,
                run.tasks_unfinished > 0,
            ),
            runs("orphaned").where(
                text("dag_run.state IN ('queued', 'running') AND dag_run.parent_attempt_id IS NOT NULL"), ~is_awaited
            ),
            runs("over").where(text("dag_run.state = 'running' AND dag_run.tasks_unfinished = 0")),
            select(
                literal_column("'due'"), no_number, func.min(table.not_before, type_=UtcDateTime), no_number, no_number
            ).where(DUE),
        )


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
