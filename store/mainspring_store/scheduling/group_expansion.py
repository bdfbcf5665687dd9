"""The expansion of a mapped group in a pass: all its tasks get the instances of the items together.

Before, each task has a single instance without an item, the placeholder. A placeholder that has ended already, such as
one that its trigger rule skipped, stands for all items: so its instances have ended in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Insert, Update, insert, literal_column, null, select, update

from mainspring.states import TASK_FINISHED, StateReason, TaskState, known_reason
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.effects import InstanceRef
from mainspring_store.state.records import Candidate
from mainspring_store.tables import task_instance

__all__ = ["DownstreamOfMember", "ExpandedMember", "GroupWrites"]

_ITEM_FIELDS: Fields = {"map_index": int, "map_value": str, "map_key": str}
"""Columns of a mapped instance that come from its item."""
_COUNTERS = ("total", *sorted(state.value for state in TASK_FINISHED))
_FROM_PLACEHOLDER = (
    "state",
    "state_reason",
    "ready",
    "end_date",
    "updated_at",
    *(f"up_{name}" for name in _COUNTERS),
)
"""Columns that a revived instance takes from the placeholder."""


@dataclass(frozen=True, slots=True)
class DownstreamOfMember:
    """What comes after a task of a mapped group."""

    tasks: Sequence[int]
    """Indexes of its direct downstream tasks outside of the group."""
    is_allowed: bool
    """Whether these tasks count its failure as a success."""


@dataclass(frozen=True, slots=True)
class ExpandedMember:
    """The new instances of a task of a mapped group."""

    task_index: int
    state: TaskState
    reason: StateReason | None
    added: int
    ended_ids: Sequence[int]
    """The added instances, when they have ended with the placeholder."""
    revived: Sequence[InstanceRef]
    """A clear had removed these instances, and an item needs them again."""


@dataclass(frozen=True, slots=True)
class _Placeholder:
    id: int
    task_index: int
    state: TaskState
    reason: StateReason | None
    was_cleared: bool


class GroupWrites(PassPart):
    """The part of a pass that expands mapped groups.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    def expand(
        self,
        leader: Candidate,
        items: Sequence[Mapping[str, Any]],
        keys: Sequence[str | None],
        members: Mapping[int, DownstreamOfMember],
    ) -> list[ExpandedMember]:
        """Add the instances of all items after the first to all tasks of a group, and adapt the counters of the
        downstream outside of the group. At most four statements.

        `decide` has turned the placeholder of the leader into the instance of the first item. A task of the group that
        has its instances already stays as it is.

        keys: the key of each item; None = the instances have no key of their own.
        members: index of each task of the group, the leader included -> what comes after the task.
        """
        values = [
            {"map_index": index, "map_value": orjson.dumps(item).decode(), "map_key": key}
            for index, (item, key) in enumerate(zip(items, keys, strict=True))
        ]
        followers = sorted(members.keys() - {leader.task_index})
        placeholders = [
            _Placeholder(leader.id, leader.task_index, TaskState.SCHEDULED, None, leader.generation > 1),
            *self._begin_items(leader.dag_run_id, followers, values[0]),
        ]
        revived = self._revive(leader.dag_run_id, placeholders, values[1:])
        ended_ids = self._insert(placeholders, values[1:], revived)
        expanded = [
            ExpandedMember(
                row.task_index,
                row.state,
                row.reason,
                len(values) - 1 - len(instances),
                ended_ids.get(row.task_index, ()),
                list(instances.values()),
            )
            for row in placeholders
            for instances in (revived.get(row.task_index, {}),)
        ]
        self._count(leader.dag_run_id, expanded, members)
        return expanded

    @staticmethod
    @cache
    def _update_placeholders(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"run": int, "task": int, **_ITEM_FIELDS}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_index == rows.c.task,
                table.map_index == literal_column("-1"),
                table.state != literal_column("'removed'"),
            )
            .values(**{name: rows.c[name] for name in _ITEM_FIELDS})
            .returning(table.id, table.task_index, table.state, table.state_reason, table.generation)
        )

    def _begin_items(self, run_id: int, tasks: Sequence[int], first: Mapping[str, Any]) -> list[_Placeholder]:
        """Turn the placeholders of these tasks into the instances of the first item."""
        rows = dump_rows({"run": run_id, "task": index, **first} for index in tasks)
        return [
            _Placeholder(
                row.id, row.task_index, TaskState(row.state), known_reason(row.state_reason), row.generation > 1
            )
            for row in self._connection.execute(self._update_placeholders(self._is_sqlite), {"rows": rows})
        ]

    @staticmethod
    @cache
    def _revive_removed_instances(is_sqlite: bool) -> Update:
        table, first = task_instance.c, task_instance.alias("first")
        # All parts of the index come from the rows, so each row is a single look-up.
        rows = as_rows({"run": int, "task": int, "placeholder": int, **_ITEM_FIELDS}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(
                table.dag_run_id == rows.c.run,
                table.task_index == rows.c.task,
                table.map_index == rows.c.map_index,
                table.state == literal_column("'removed'"),
                first.c.id == rows.c.placeholder,
            )
            .values(
                **{name: first.c[name] for name in _FROM_PLACEHOLDER},
                map_value=rows.c.map_value,
                map_key=rows.c.map_key,
                turn=None,
                generation=table.generation + 1,
                max_tries=table.try_number + first.c.max_tries - first.c.try_number,
            )
            .returning(table.id, table.task_index, table.map_index, table.pool, table.pool_slots)
        )

    def _revive(
        self, run_id: int, placeholders: Sequence[_Placeholder], values: Sequence[Mapping[str, Any]]
    ) -> Mapping[int, Mapping[int, InstanceRef]]:
        """Task index -> map index -> instance that a clear had removed."""
        revived: dict[int, dict[int, InstanceRef]] = defaultdict(dict)
        needed = [
            {"run": run_id, "task": row.task_index, "placeholder": row.id, **value}
            for row in placeholders
            if row.was_cleared
            for value in values
        ]
        if needed:
            statement = self._revive_removed_instances(self._is_sqlite)
            for row in self._connection.execute(statement, {"rows": dump_rows(needed)}):
                instance = InstanceRef(row.id, run_id, row.task_index, row.pool, row.pool_slots)
                revived[row.task_index][row.map_index] = instance
        return revived

    @staticmethod
    @cache
    def _insert_instances(is_sqlite: bool) -> Insert:
        table = task_instance.c
        rows = as_rows({"placeholder": int, **_ITEM_FIELDS}, is_sqlite=is_sqlite)
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
            .join(rows, table.id == rows.c.placeholder),
        )

    def _insert(
        self,
        placeholders: Sequence[_Placeholder],
        values: Sequence[Mapping[str, Any]],
        revived: Mapping[int, Mapping[int, InstanceRef]],
    ) -> Mapping[int, Sequence[int]]:
        """Add the missing instances; returns task index -> ids of the added instances that have ended."""
        rows = [
            {"placeholder": row.id, **value}
            for row in placeholders
            for value in values
            if value["map_index"] not in revived.get(row.task_index, ())
        ]
        ended_ids: dict[int, list[int]] = defaultdict(list)
        if rows:
            statement, table = self._insert_instances(self._is_sqlite), task_instance.c
            has_ended = {row.task_index for row in placeholders if row.state in TASK_FINISHED}
            if not has_ended:
                self._connection.execute(statement, {"rows": dump_rows(rows)})
                return {}
            statement = statement.returning(table.id, table.task_index)
            for row in self._connection.execute(statement, {"rows": dump_rows(rows)}):
                if row.task_index in has_ended:
                    ended_ids[row.task_index].append(row.id)
        return ended_ids

    @staticmethod
    @cache
    def _add_to_counters(is_sqlite: bool) -> Update:
        table = task_instance.c
        rows = as_rows({"run": int, "task": int, **dict.fromkeys(_COUNTERS, int)}, is_sqlite=is_sqlite)
        return (
            update(task_instance)
            .where(table.dag_run_id == rows.c.run, table.task_index == rows.c.task)
            .values(**{f"up_{name}": table[f"up_{name}"] + rows.c[name] for name in _COUNTERS})
        )

    def _count(
        self, run_id: int, expanded: Sequence[ExpandedMember], members: Mapping[int, DownstreamOfMember]
    ) -> None:
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for member in expanded:
            downstream = members[member.task_index]
            state = member.state
            if downstream.is_allowed and state is TaskState.FAILED:
                state = TaskState.SUCCESS
            for index in downstream.tasks:
                counts[index]["total"] += member.added
                counts[index][TaskState.REMOVED] -= len(member.revived)
                if state in TASK_FINISHED:
                    counts[index][state] += member.added + len(member.revived)
        rows = [
            {"run": run_id, "task": index, **{name: of_task[name] for name in _COUNTERS}}
            for index, of_task in sorted(counts.items())
        ]
        if rows:
            self._connection.execute(self._add_to_counters(self._is_sqlite), {"rows": dump_rows(rows)})
