"""Task limits in a pass: mapped tasks, branches, and the limits of a single task."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.types import Integer

from mainspring.states import RunState, StateReason, TaskState, known_reason, was_prevented
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.blocking import BLOCKED
from mainspring_store.state.conditions import ACTIVE, CALLING
from mainspring_store.state.effects import MAP_INDEX_MAX, InstanceRef
from mainspring_store.state.records import Candidate
from mainspring_store.tables import dag, dag_run, pruned_run, task_instance

__all__ = ["TaskLimitWrites"]

UNBLOCKED_MAX = 256
"""Maximum number of instances unblocked at once. The scheduler blocks an instance again while its limit is reached."""
_ITEM_FIELDS: Fields = {"map_index": int, "map_value": str, "map_key": str}
"""Columns of a mapped instance that come from its item."""


class TaskLimitWrites(PassPart):
    """The part of a pass that expands mapped tasks, skips tasks of branches and enforces limits of tasks.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _insert_mapped_instances(is_sqlite: bool) -> Insert:
        table = task_instance.c
        rows = as_rows(_ITEM_FIELDS, is_sqlite=is_sqlite)
        # Tries, attempt and note of the placeholder stay with the placeholder; the new instances begin without them.
        fresh: dict[str, Any] = {
            "try_number": literal_column("0"),
            "max_tries": table.max_tries - table.try_number,
            "attempt_id": null(),
            "note": null(),
        }
        not_copied = {"id", *_ITEM_FIELDS, *fresh}
        copied = [column.name for column in task_instance.columns if column.name not in not_copied]
        return insert(task_instance).from_select(
            [*copied, *fresh, *_ITEM_FIELDS],
            select(*(table[name] for name in copied), *fresh.values(), *(rows.c[name] for name in _ITEM_FIELDS))
            .select_from(task_instance)
            .join(rows, literal_column("true"))
            .where(table.id == bindparam("id")),
        )

    @staticmethod
    @cache
    def _add_to_upstream_totals(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"run": int, "task": int, "added": int, "revived": int}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(up_total=table.up_total + rows.c.added, up_removed=table.up_removed - rows.c.revived)
        )

    def expand(
        self,
        placeholder: Candidate,
        items: Sequence[Mapping[str, Any]],
        keys: Sequence[str | None],
        downstream: Sequence[int],
    ) -> list[InstanceRef]:
        """Add the ready instances of a mapped task for all items after the first, and adapt the downstream counters.

        `decide` turns the placeholder itself into the instance of the first item. Returns the revived instances: a
        clear had removed these instances, and an item needs them again.

        keys: the key of each item; None = the instance has no key of its own.
        """
        values = [
            {"map_index": index, "map_value": orjson.dumps(item).decode(), "map_key": key}
            for index, (item, key) in enumerate(zip(items, keys, strict=True))
            if index > 0
        ]
        if not values:
            return []
        revived = self._revive(placeholder, values) if placeholder.generation > 1 else {}
        rows = dump_rows(value for value in values if value["map_index"] not in revived)
        insertion = self._insert_mapped_instances(self._is_sqlite)
        self._connection.execute(insertion, {"rows": rows, "id": placeholder.id})
        counts = {"added": len(values) - len(revived), "revived": len(revived)}
        rows = dump_rows({"run": placeholder.dag_run_id, "task": index, **counts} for index in downstream)
        self._connection.execute(self._add_to_upstream_totals(self._is_sqlite), {"rows": rows})
        return list(revived.values())

    @staticmethod
    @cache
    def _revive_removed_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        # All parts of the index come from the rows, so each row is a single look-up.
        rows = as_rows({"run": int, "task": int, **_ITEM_FIELDS}, is_sqlite=is_sqlite)
        return (
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
                map_key=rows.c.map_key,
                generation=table.generation + 1,
                max_tries=table.try_number + bindparam("retries", type_=Integer()),
                end_date=None,
                turn=None,
            )
            .returning(table.id, table.map_index, table.pool, table.pool_slots)
        )

    def _revive(self, placeholder: Candidate, values: Sequence[Mapping[str, Any]]) -> dict[int, InstanceRef]:
        params = {
            "rows": dump_rows(
                {"run": placeholder.dag_run_id, "task": placeholder.task_index, **value} for value in values
            ),
            "retries": placeholder.max_tries - placeholder.try_number,
        }
        return {
            row.map_index: InstanceRef(row.id, placeholder.dag_run_id, placeholder.task_index, row.pool, row.pool_slots)
            for row in self._connection.execute(self._revive_removed_instances(self._is_sqlite), params)
        }

    @staticmethod
    @cache
    def _update_skipped_instances(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"id": int}, is_sqlite=is_sqlite)
        now = bindparam("now", type_=UtcDateTime)
        return (
            update(task_instance)
            .where(
                table.dag_run_id == bindparam("run"),
                table.task_index.in_(select(rows.c.id)),
                table.map_index.between(bindparam("first"), bindparam("last")),
                table.state == literal_column("'scheduled'"),
            )
            .values(
                state=TaskState.SKIPPED,
                state_reason=StateReason.BRANCH,
                ready=False,
                end_date=now,
                updated_at=now,
            )
            .returning(table.id, table.task_index, table.pool, table.pool_slots, table.map_index)
        )

    def skip_tasks(
        self, dag_run_id: int, task_indexes: Sequence[int], *, map_index: int | None = None, now: datetime
    ) -> list[InstanceRef]:
        """Skip tasks outside the choice of a branch, unless a task has begun; returns the skipped instances.

        map_index: of the only instances to skip; None = all instances of the tasks.
        """
        if not task_indexes:
            return []
        first, last = (-1, MAP_INDEX_MAX) if map_index is None else (map_index, map_index)
        rows = dump_rows({"id": index} for index in task_indexes)
        params = {"rows": rows, "run": dag_run_id, "first": first, "last": last, "now": now}
        return [
            InstanceRef(row.id, dag_run_id, row.task_index, row.pool, row.pool_slots, map_index=row.map_index)
            for row in self._connection.execute(self._update_skipped_instances(self._is_sqlite), params)
        ]

    @staticmethod
    @cache
    def _update_blocked_instances() -> Update:
        table = task_instance.c
        blocked = (
            select(table.id)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(BLOCKED, table.task_id == bindparam("of_task"), dag_run.c.dag_id == bindparam("of_dag"))
            .order_by(table.id)
            .limit(UNBLOCKED_MAX)
        )
        return update(task_instance).where(table.id.in_(blocked)).values(ready=True, state_reason=None)

    def unblock(self, dag_id: str, task_id: str) -> None:
        """See `Pass.unblock`."""
        self._connection.execute(self._update_blocked_instances(), {"of_dag": dag_id, "of_task": task_id})

    @staticmethod
    @cache
    def _select_instance_in_previous_run() -> Select[Any]:
        candidate_run, run = dag_run.alias("mine"), dag_run.c
        moment = func.coalesce(run.logical_date, run.run_after)
        candidate_moment = func.coalesce(candidate_run.c.logical_date, candidate_run.c.run_after)
        previous_run_id = (
            select(run.id)
            .join(candidate_run, candidate_run.c.id == bindparam("run"))
            .where(
                run.dag_id == candidate_run.c.dag_id,
                run.id != candidate_run.c.id,
                or_(moment < candidate_moment, and_(moment == candidate_moment, run.id < candidate_run.c.id)),
            )
            .order_by(moment.desc(), run.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        instance = task_instance.alias("other")
        previous_run = dag_run.alias("past_run")
        # A pruned run in between is the previous run. No row of a pruned run could block.
        pruned_between = (
            select(literal_column("1"))
            .select_from(pruned_run)
            .join(candidate_run, candidate_run.c.id == bindparam("run"))
            .where(
                pruned_run.c.dag_id == candidate_run.c.dag_id,
                pruned_run.c.moment < candidate_moment,
                pruned_run.c.moment > func.coalesce(previous_run.c.logical_date, previous_run.c.run_after),
            )
            .correlate(previous_run)
            .exists()
        )
        return select(instance.c.state, instance.c.state_reason, previous_run.c.state.label("run_state")).where(
            previous_run.c.id == instance.c.dag_run_id,
            instance.c.dag_run_id == previous_run_id,
            instance.c.task_id == bindparam("task_id"),
            # A mapped task without an expansion stands for all of its items.
            or_(instance.c.map_index == bindparam("map"), instance.c.map_index == literal_column("-1")),
            instance.c.state != literal_column("'removed'"),
            ~pruned_between,
        )

    def past_succeeded(self, candidate: Candidate, task_id: str) -> bool:
        """Whether the instance in the previous run is success or skipped; also True without a previous instance.

        An instance prevented from running by a cancel or a time limit blocks the candidate, unless a user marked the
        previous run as a success.
        """
        previous = self._connection.execute(
            self._select_instance_in_previous_run(),
            {"run": candidate.dag_run_id, "task_id": task_id, "map": candidate.map_index},
        ).first()
        if previous is None or previous.state == TaskState.SUCCESS or previous.run_state == RunState.SUCCESS:
            return previous is None or previous.state in (TaskState.SUCCESS, TaskState.SKIPPED)
        reason = known_reason(previous.state_reason)
        return previous.state == TaskState.SKIPPED and not was_prevented(TaskState.SKIPPED, reason)

    @staticmethod
    @cache
    def _count_active_in_run(with_calls: bool) -> Select[Any]:
        table = task_instance.c
        return select(func.count()).where(
            table.dag_run_id == bindparam("run"), table.task_index == bindparam("task"), _active(with_calls)
        )

    def active_in_run(self, candidate: Candidate, *, with_calls: bool = False) -> int:
        """Number of queued and running instances of the candidate's task in its run.

        with_calls: also count `dag` tasks that wait for a child run.
        """
        params = {"run": candidate.dag_run_id, "task": candidate.task_index}
        return self._connection.scalar(self._count_active_in_run(with_calls), params) or 0

    @staticmethod
    @cache
    def _lock_dag() -> Select[Any]:
        return (
            select(dag.c.dag_id)
            .where(dag.c.dag_id == bindparam("dag_id"))
            .with_for_update(key_share=True, skip_locked=True)
        )

    def hold_dag(self, dag_id: str) -> bool:
        """Lock the task limits of a DAG until the end of the pass; False = another scheduler holds the lock.

        The call never waits, because this pass already holds locks of runs. Counts after the call include the commits
        of the previous holders.
        """
        if self._is_sqlite:
            return True  # the write transaction is the lock
        return self._connection.scalar(self._lock_dag(), {"dag_id": dag_id}) is not None

    @staticmethod
    @cache
    def _count_active_in_dag(with_calls: bool) -> Select[Any]:
        table = task_instance.c
        return (
            select(func.count())
            .select_from(task_instance)
            .join(dag_run, dag_run.c.id == table.dag_run_id)
            .where(
                dag_run.c.dag_id == bindparam("dag_id"),
                text("dag_run.state = 'running'"),
                table.task_id == bindparam("task_id"),
                _active(with_calls),
            )
        )

    def active_in_dag(self, dag_id: str, task_id: str, *, with_calls: bool = False) -> int:
        """Number of queued and running instances of a task in all running runs of its DAG.

        with_calls: see `active_in_run`.
        """
        params = {"dag_id": dag_id, "task_id": task_id}
        return self._connection.scalar(self._count_active_in_dag(with_calls), params) or 0


def _active(with_calls: bool) -> ColumnElement[bool]:
    return or_(ACTIVE, CALLING) if with_calls else ACTIVE
