"""Decisions in a pass: write the decisions on ready instances, and find due work."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Insert,
    Select,
    Update,
    bindparam,
    cast,
    exists,
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
from mainspring_store.database.batches import Batch, as_rows
from mainspring_store.database.pipeline import Read
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import MovingPart
from mainspring_store.state.blocking import ANY_BLOCKED
from mainspring_store.state.conditions import DUE, READY, either, update_values
from mainspring_store.state.effects import RunCounters
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    ATTEMPT_FIELDS,
    UPDATE_FIELDS,
    DueWork,
    NewAttempt,
    StateUpdate,
)
from mainspring_store.tables import dag_run, deadline, task_instance, task_try

__all__ = ["DecisionWrites"]


class DecisionWrites(MovingPart):
    """The part of a pass that decides on ready instances.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _update_ready_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows(UPDATE_FIELDS, is_sqlite=is_sqlite)
        queued = rows.c.state == literal_column("'queued'")
        return (
            update(task_instance)
            .where(table.id == rows.c.id, READY, table.generation == rows.c.generation)
            .values(
                **update_values(rows),
                attempt_id=func.coalesce(rows.c.attempt_id, table.attempt_id),
                try_number=func.coalesce(rows.c.try_number, table.try_number),
                map_index=func.coalesce(rows.c.map_index, table.map_index),
                map_value=func.coalesce(rows.c.map_value, table.map_value),
                map_key=func.coalesce(rows.c.map_key, table.map_key),
                queued_at=either(queued, rows.c.at, table.queued_at, is_sqlite),
            )
            .returning(table.id, ANY_BLOCKED.label("any_blocked"))
        )

    def decide(self, decisions: Sequence[StateUpdate]) -> frozenset[int]:
        """Move ready instances into their decided states; returns the ids of the moved instances."""
        blocks = any(decision.state is TaskState.SCHEDULED and not decision.ready for decision in decisions)
        return self._move(self._update_ready_instances(self._is_sqlite), decisions, blocks=blocks)

    @staticmethod
    @cache
    def _insert_attempts(is_sqlite: bool) -> Insert:
        rows = as_rows(ATTEMPT_FIELDS, is_sqlite=is_sqlite)
        return insert(task_try).from_select(
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
                "turn",
            ],
            select(*(rows.c[name] for name in ATTEMPT_FIELDS)),
        )

    def add_attempts(self, attempts: Sequence[NewAttempt]) -> None:
        rows = Batch({name: getattr(attempt, name) for name in ATTEMPT_FIELDS} for attempt in attempts)
        self._statements.write(self._insert_attempts(self._is_sqlite), {"rows": rows})

    @staticmethod
    @cache
    def _select_due_work() -> CompoundSelect[Any]:
        run, now = dag_run.c, bindparam("now", type_=UtcDateTime)
        # A single statement, because most passes find nothing due.
        return union_all(
            _due_runs("overdue").where(
                text("dag_run.state = 'running' AND dag_run.timeout_at IS NOT NULL"),
                run.timeout_at <= now,
                run.tasks_unfinished > 0,
            ),
            _due_runs("orphaned").where(
                text("dag_run.state IN ('queued', 'running') AND dag_run.parent_attempt_id IS NOT NULL"),
                run.ending.is_(None),
                ~_is_awaited(),
            ),
            _due_runs("over").where(text("dag_run.state = 'running' AND dag_run.tasks_unfinished = 0")),
            select(
                literal_column("'due'"),
                cast(null(), Integer()),
                func.min(task_instance.c.not_before, type_=UtcDateTime),
                cast(null(), Integer()),
                cast(null(), Integer()),
            ).where(DUE),
            select(
                literal_column("'deadline'"),
                cast(null(), Integer()),
                func.min(deadline.c.due_at, type_=UtcDateTime),
                cast(null(), Integer()),
                cast(null(), Integer()),
            ),
            _queued_runs("keys", "waiting_run.concurrency_key IS NOT NULL"),
            _queued_runs("priorities", "waiting_run.priority <> 0"),
        )

    def read_of_due_work(self, now: datetime) -> Read:
        """The query of `due_work`, for `Pass.read_ahead`."""
        return self._select_due_work(), {"now": now}

    def due_work(self, now: datetime) -> DueWork:
        """Work that became due by time, or by the write of a client or of another scheduler."""
        runs: dict[str, list[int]] = {"overdue": [], "orphaned": []}
        over_runs = []
        next_due_at = next_deadline = None
        has_keys = has_priorities = False
        for row in self._statements.rows(*self.read_of_due_work(now)):
            match row.what:
                case "due":
                    next_due_at = row.at
                case "deadline":
                    next_deadline = row.at
                case "keys":
                    has_keys = True
                case "priorities":
                    has_priorities = True
                case "over":
                    over_runs.append(RunCounters(row.id, 0, row.tasks_failed, row.event_seq, was_full=False))
                case kind:
                    runs[kind].append(row.id)
        return DueWork(
            tuple(runs["overdue"]),
            tuple(runs["orphaned"]),
            tuple(over_runs),
            next_due_at,
            next_deadline,
            has_keys,
            has_priorities,
        )

    @staticmethod
    @cache
    def _update_due_retries() -> Update:
        table = task_instance.c
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(task_instance)
            .where(DUE, table.not_before <= now, table.state == literal_column("'up_for_retry'"))
            .values(
                state=TaskState.SCHEDULED,
                # A client may have cleared the upstream since the last try.
                ready=may_decide(),
                not_before=None,
                updated_at=now,
            )
        )

    def wake_retries(self, now: datetime) -> None:
        """Make instances with a due retry ready."""
        self._statements.write(self._update_due_retries(), {"now": now})


def _queued_runs(what: str, condition: str) -> Select[Any]:
    """A row when a queued run meets a condition, which is that of a partial index."""
    none: Any = cast(null(), Integer())
    waiting_run = exists().where(text(f"waiting_run.state = 'queued' AND {condition}"))
    columns: list[Any] = [literal_column(f"'{what}'"), none, cast(null(), UtcDateTime), none, none]
    return select(*columns).where(waiting_run.select_from(dag_run.alias("waiting_run")))


def _due_runs(kind: str) -> Select[Any]:
    run = dag_run.c
    return select(
        literal_column(f"'{kind}'").label("what"),
        run.id,
        cast(null(), UtcDateTime).label("at"),
        run.tasks_failed,
        run.event_seq,
    )


def _is_awaited() -> Any:
    """Whether a `dag` task waits for the run."""
    waiting = task_instance.alias("waiting")
    return (
        select(waiting.c.id)
        .join(task_try, task_try.c.task_instance_id == waiting.c.id)
        .where(
            task_try.c.attempt_id == dag_run.c.parent_attempt_id,
            waiting.c.attempt_id == task_try.c.attempt_id,
            waiting.c.state == literal_column("'deferred'"),
        )
        .exists()
    )
