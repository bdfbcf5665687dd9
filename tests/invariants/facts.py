"""One consistent picture of a database, and what a check of it is."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, Table, func, select

from mainspring.definition import load_stored
from mainspring.definition.model import Definition, Task
from mainspring_store.database.transactions import Database
from mainspring_store.tables import (
    awaited_end,
    backfill,
    dag,
    dag_run,
    dag_version,
    deadline,
    feed_event,
    large_value,
    large_value_piece,
    pool,
    pruned_run,
    run_signal,
    task_instance,
    task_log,
    task_try,
    xcom,
)
from tests.simulation.oracle import before, taken_as

__all__ = ["ACTIVE", "FROM_OUTSIDE", "STOP_REASONS", "Check", "Facts", "Line", "read_facts"]

ACTIVE = frozenset({"queued", "running"})
KEY_REASONS = frozenset({"concurrency_key_invalid", "concurrency_key_taken", "superseded"})
STOP_REASONS = KEY_REASONS | {"cancelled", "timed_out", "deadline_missed", "fail_fast", "quarantined"}
"""Reasons of runs that were ended from outside, at once."""
FROM_OUTSIDE = STOP_REASONS | {"marked", "marked_success"}
"""Coming ends that do not follow from the states of the tasks."""

Line = Iterator[str]


@dataclass(frozen=True)
class Facts:
    """All rows that the checks look at, as of one instant."""

    dags: Mapping[str, Row[Any]]
    definitions: Mapping[int, Definition]
    """By version id."""
    version_dates: Mapping[int, datetime]
    """Version id -> when it was saved."""
    runs: Mapping[int, Row[Any]]
    instances: Mapping[int, Sequence[Row[Any]]]
    """By run id; in order of task and map index."""
    tries: Mapping[int, Sequence[Row[Any]]]
    """By instance id, in order of their numbers."""
    events: Mapping[int, Sequence[Row[Any]]]
    """By run id, in order."""
    deadlines: Mapping[int, Sequence[Row[Any]]]
    """By run id."""
    pools: Sequence[Row[Any]]
    backfills: Mapping[int, Row[Any]]
    """By id."""
    awaited_ends: Sequence[Row[Any]]
    """The ends of runs that schedules of other DAGs wait for, in order."""
    signals: Mapping[int, Sequence[Row[Any]]]
    """By run id, in order."""
    pruned: Mapping[tuple[str, str], Row[Any]]
    """By DAG and run id: what stays of pruned runs."""
    log_chunks: Sequence[tuple[str, int, int]]
    """Attempt id, offset, length; in order."""
    references: Sequence[tuple[int, str, str]]
    """Instance id, output name and value id, of the outputs that are kept by reference."""
    values: Mapping[str, tuple[int, int]]
    """Value id -> its size, and the bytes of its stored pieces."""

    def definition(self, run: Row[Any]) -> Definition:
        return self.definitions[run.dag_version_id]

    def task(self, instance: Row[Any]) -> Task:
        return self.definition(self.runs[instance.dag_run_id]).tasks[instance.task_id]

    def has_task(self, instance: Row[Any]) -> bool:
        """Whether the version of the run has its task still."""
        return instance.task_id in self.definition(self.runs[instance.dag_run_id]).tasks

    def is_being_pruned(self, run: Row[Any]) -> bool:
        """Whether a part of a large run is gone."""
        return (run.dag_id, run.run_id) in self.pruned

    def is_call(self, instance: Row[Any]) -> bool:
        """Whether it waits for a child run, and so counts for the limits of its run and task."""
        return instance.state == "deferred" and instance.operator == "dag"

    @cached_property
    def by_task(self) -> Mapping[tuple[int, str], Sequence[Row[Any]]]:
        """Run id and task id -> instances."""
        found: dict[tuple[int, str], list[Row[Any]]] = defaultdict(list)
        for instance in self.all_instances:
            found[instance.dag_run_id, instance.task_id].append(instance)
        return found

    @property
    def all_instances(self) -> Iterator[Row[Any]]:
        for instances in self.instances.values():
            yield from instances

    def upstream(self, instance: Row[Any]) -> list[Row[Any]]:
        """All instances of the tasks directly upstream."""
        task, run_id = self.task(instance), instance.dag_run_id
        tasks = self.definition(self.runs[run_id]).tasks
        return [
            one for name in task.depends_on for one in before(task, instance, tasks[name], self.by_task[run_id, name])
        ]

    def upstream_states(self, instance: Row[Any]) -> list[str]:
        """What they are to the trigger rule of the instance."""
        return [taken_as(self.task(one), one.state) for one in self.upstream(instance)]

    def name(self, instance: Row[Any]) -> str:
        """How a violation tells of it."""
        index = "" if instance.map_index < 0 else f"[{instance.map_index}]"
        return f"{instance.task_id}{index} of run {self.runs[instance.dag_run_id].run_id}"


Check = Callable[[Facts], Line]


def read_facts(database: Database) -> Facts:
    """One consistent picture of the database."""
    level = "SERIALIZABLE" if database.is_sqlite else "REPEATABLE READ"
    with database.engine.connect() as connection:
        if not database.is_sqlite:  # on SQLite every read transaction is one snapshot
            connection.execution_options(isolation_level=level)

        def rows(table: Table, *order: str) -> Sequence[Row[Any]]:
            return connection.execute(select(table).order_by(*(table.c[name] for name in order))).all()

        versions = connection.execute(select(dag_version.c.id, dag_version.c.document, dag_version.c.created_at)).all()
        chunks = connection.execute(
            select(task_log.c.attempt_id, task_log.c.offset, task_log.c.data, task_log.c.raw_bytes).order_by(
                task_log.c.attempt_id, task_log.c.offset
            )
        ).all()
        return Facts(
            dags={row.dag_id: row for row in rows(dag, "dag_id")},
            definitions={row.id: _definition(row.document) for row in versions},
            version_dates={row.id: row.created_at for row in versions},
            runs={row.id: row for row in rows(dag_run, "id")},
            instances=_grouped(rows(task_instance, "dag_run_id", "task_index", "map_index"), "dag_run_id"),
            tries=_grouped(rows(task_try, "task_instance_id", "try_number"), "task_instance_id"),
            deadlines=_grouped(rows(deadline, "dag_run_id", "task_id", "map_index", "kind"), "dag_run_id"),
            events=_grouped(
                [event for event in rows(feed_event, "id") if event.dag_run_id is not None and event.seq is not None],
                "dag_run_id",
            ),
            pools=rows(pool, "name"),
            backfills={row.id: row for row in rows(backfill, "id")},
            awaited_ends=rows(awaited_end, "id"),
            signals=_grouped(rows(run_signal, "id"), "dag_run_id"),
            pruned={(row.dag_id, row.run_id): row for row in rows(pruned_run, "dag_id", "run_id")},
            log_chunks=[(row.attempt_id, row.offset, row.raw_bytes or len(row.data)) for row in chunks],
            references=[tuple(row) for row in connection.execute(_REFERENCES)],
            values={row.id: (row.raw_bytes, int(row.stored or 0)) for row in connection.execute(_VALUES)},
        )


_REFERENCES = select(xcom.c.task_instance_id, xcom.c.key, xcom.c.large_id).where(xcom.c.large_id.is_not(None))
_VALUES = (
    select(large_value.c.id, large_value.c.raw_bytes, func.sum(large_value_piece.c.raw_bytes).label("stored"))
    .outerjoin(large_value_piece, large_value_piece.c.value_id == large_value.c.id)
    .group_by(large_value.c.id, large_value.c.raw_bytes)
)
_definitions: dict[str, Definition] = {}


def _definition(document: Mapping[str, Any]) -> Definition:
    key = repr(document)
    if key not in _definitions:
        _definitions[key] = load_stored(document)
    return _definitions[key]


class _Groups(dict[int, list[Row[Any]]]):
    def __missing__(self, key: int) -> list[Row[Any]]:
        return []


def _grouped(rows: Sequence[Row[Any]], name: str) -> Mapping[int, Sequence[Row[Any]]]:
    groups = _Groups()
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups
