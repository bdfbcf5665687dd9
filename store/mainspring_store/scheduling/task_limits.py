"""Mapped tasks, branches, and the limits that a task has of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, func, insert, literal_column, null, or_, select, text, update
from sqlalchemy.types import Integer

from mainspring.states import RunState, StateReason, TaskState, was_prevented
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.blocking import BLOCKED
from mainspring_store.state.conditions import ACTIVE, CALLING
from mainspring_store.state.effects import InstanceRef
from mainspring_store.state.records import (
    Candidate,
)
from mainspring_store.tables import dag, dag_run, task_instance

__all__ = ["TaskLimitWrites"]

UNBLOCKED_MAX = 256
"""Parked instances asked again at once; those that still find no room are parked again."""


class TaskLimitWrites:
    """The part of a pass that expands, skips and parks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._statements = _statements(self._is_sqlite)

    def expand(
        self, placeholder: Candidate, items: Sequence[Mapping[str, Any]], downstream: Sequence[int]
    ) -> list[InstanceRef]:
        """Add the instances of a mapped task beyond the first, which `decide` made of its placeholder, all of them
        ready; the counters of what is downstream follow. Returns those that were there before, removed by a clear,
        and have come back.
        """
        values = {index: orjson.dumps(item).decode() for index, item in enumerate(items) if index > 0}
        if not values:
            return []
        revived = self._revive(placeholder, values) if placeholder.generation > 1 else {}
        rows = dump_rows(
            {"map_index": index, "map_value": value} for index, value in values.items() if index not in revived
        )
        self._connection.execute(self._statements.expand, {"rows": rows, "id": placeholder.id})
        counts = {"added": len(values) - len(revived), "revived": len(revived)}
        rows = dump_rows({"run": placeholder.dag_run_id, "task": index, **counts} for index in downstream)
        self._connection.execute(self._statements.widen_downstream, {"rows": rows})
        return list(revived.values())

    def _revive(self, placeholder: Candidate, values: Mapping[int, str]) -> dict[int, InstanceRef]:
        params = {
            "rows": dump_rows(
                {
                    "run": placeholder.dag_run_id,
                    "task": placeholder.task_index,
                    "map_index": index,
                    "map_value": value,
                }
                for index, value in values.items()
            ),
            "retries": placeholder.max_tries - placeholder.try_number,
        }
        return {
            row.map_index: InstanceRef(row.id, placeholder.dag_run_id, placeholder.task_index, row.pool, row.pool_slots)
            for row in self._connection.execute(self._statements.revive, params)
        }

    def skip_tasks(self, dag_run_id: int, task_indexes: Sequence[int], *, now: datetime) -> list[InstanceRef]:
        """Skip what a branch left out, as far as it has not begun; returns what was skipped."""
        if not task_indexes:
            return []
        params = {"rows": dump_rows({"id": index} for index in task_indexes), "run": dag_run_id, "now": now}
        return [
            InstanceRef(row.id, dag_run_id, row.task_index, row.pool, row.pool_slots)
            for row in self._connection.execute(self._statements.skip_tasks, params)
        ]

    def unblock(self, dag_id: str, task_id: str) -> None:
        """See `Pass.unpark`."""
        self._connection.execute(self._statements.unblock, {"of_dag": dag_id, "of_task": task_id})

    def past_succeeded(self, candidate: Candidate, task_id: str) -> bool:
        """Whether the same instance of the run before is success or skipped, or there is none. An instance that a
        cancel or time limit kept from running holds back; in a run that was marked as a success it does not."""
        past = self._connection.execute(
            self._statements.past,
            {"run": candidate.dag_run_id, "task_id": task_id, "map": candidate.map_index},
        ).first()
        if past is None or past.state == TaskState.SUCCESS or past.run_state == RunState.SUCCESS:
            return past is None or past.state in (TaskState.SUCCESS, TaskState.SKIPPED)
        reason = None if past.state_reason is None else StateReason(past.state_reason)
        return past.state == TaskState.SKIPPED and not was_prevented(TaskState.SKIPPED, reason)

    def active_in_run(self, candidate: Candidate, *, with_calls: bool = False) -> int:
        """Queued and running instances of the candidate's task in its run.

        with_calls: also those that wait for a child run; of a `dag` task.
        """
        params = {"run": candidate.dag_run_id, "task": candidate.task_index}
        return self._connection.scalar(self._statements.active_in_run[with_calls], params) or 0

    def hold_dag(self, dag_id: str) -> bool:
        """Keep other schedulers from deciding on the limits of a DAG until the end of the pass; False = one of them
        does so now. Never waits, as this pass holds runs already. What is counted afterwards sees what they took."""
        if self._is_sqlite:
            return True  # the write transaction is the lock
        return self._connection.scalar(self._statements.hold_dag, {"dag_id": dag_id}) is not None

    def active_in_dag(self, dag_id: str, task_id: str, *, with_calls: bool = False) -> int:
        """Queued and running instances of a task in all running runs of its DAG; with_calls as in `active_in_run`."""
        params = {"dag_id": dag_id, "task_id": task_id}
        return self._connection.scalar(self._statements.active_in_dag[with_calls], params) or 0


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        table = task_instance.c
        rows = rows_of({"map_index": int, "map_value": str})
        # What the placeholder did in earlier generations is its own.
        fresh: dict[str, Any] = {
            "try_number": literal_column("0"),
            "max_tries": table.max_tries - table.try_number,
            "attempt_id": null(),
            "note": null(),
        }
        own = {"id", "map_index", "map_value", *fresh}
        copied = [column.name for column in task_instance.columns if column.name not in own]
        self.expand = insert(task_instance).from_select(
            [*copied, *fresh, "map_index", "map_value"],
            select(*(table[name] for name in copied), *fresh.values(), rows.c.map_index, rows.c.map_value)
            .select_from(task_instance)
            .join(rows, literal_column("true"))
            .where(table.id == bindparam("id")),
        )
        # All parts of the index come from the rows, so that each row is one look-up.
        rows = rows_of({"run": int, "task": int, "map_index": int, "map_value": str})
        self.revive = (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_index == rows.c.task,
                table.map_index == rows.c.map_index,
                table.state == literal_column("'removed'"),
            )
            .values(
                state=TaskState.SCHEDULED,
                state_reason=None,
                ready=True,
                map_value=rows.c.map_value,
                generation=table.generation + 1,
                max_tries=table.try_number + bindparam("retries", type_=Integer()),
                end_date=None,
            )
            .returning(table.id, table.map_index, table.pool, table.pool_slots)
        )
        rows = rows_of({"run": int, "task": int, "added": int, "revived": int})
        self.widen_downstream = (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(up_total=table.up_total + rows.c.added, up_removed=table.up_removed - rows.c.revived)
        )
        rows = rows_of({"id": int})
        now = bindparam("now", type_=UtcDateTime)
        self.skip_tasks = (
            update(task_instance)
            .where(
                table.dag_run_id == bindparam("run"),
                table.task_index.in_(select(rows.c.id)),
                table.state == literal_column("'scheduled'"),
            )
            .values(
                state=TaskState.SKIPPED,
                state_reason=StateReason.BRANCH,
                ready=False,
                end_date=now,
                updated_at=now,
            )
            .returning(table.id, table.task_index, table.pool, table.pool_slots)
        )
        blocked = (
            select(table.id)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(BLOCKED, table.task_id == bindparam("of_task"), dag_run.c.dag_id == bindparam("of_dag"))
            .order_by(table.id)
            .limit(UNBLOCKED_MAX)
        )
        self.unblock = update(task_instance).where(table.id.in_(blocked)).values(ready=True, state_reason=None)
        mine, run = dag_run.alias("mine"), dag_run.c
        moment = func.coalesce(run.logical_date, run.run_after)
        mine_moment = func.coalesce(mine.c.logical_date, mine.c.run_after)
        past = (
            select(run.id)
            .join(mine, mine.c.id == bindparam("run"))
            .where(
                run.dag_id == mine.c.dag_id,
                run.id != mine.c.id,
                or_(moment < mine_moment, and_(moment == mine_moment, run.id < mine.c.id)),
            )
            .order_by(moment.desc(), run.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        other = task_instance.alias("other")
        past_run = dag_run.alias("past_run")
        self.past = select(other.c.state, other.c.state_reason, past_run.c.state.label("run_state")).where(
            past_run.c.id == other.c.dag_run_id,
            other.c.dag_run_id == past,
            other.c.task_id == bindparam("task_id"),
            # A mapped task that is not expanded yet stands for all of its items.
            or_(other.c.map_index == bindparam("map"), other.c.map_index == literal_column("-1")),
            other.c.state != literal_column("'removed'"),
        )
        in_run = select(func.count()).where(table.dag_run_id == bindparam("run"), table.task_index == bindparam("task"))
        self.active_in_run = {False: in_run.where(ACTIVE), True: in_run.where(or_(ACTIVE, CALLING))}
        self.hold_dag = (
            select(dag.c.dag_id)
            .where(dag.c.dag_id == bindparam("dag_id"))
            .with_for_update(key_share=True, skip_locked=True)
        )
        in_dag = (
            select(func.count())
            .select_from(task_instance)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(
                dag_run.c.dag_id == bindparam("dag_id"),
                text("dag_run.state = 'running'"),
                table.task_id == bindparam("task_id"),
            )
        )
        self.active_in_dag = {False: in_dag.where(ACTIVE), True: in_dag.where(or_(ACTIVE, CALLING))}


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
