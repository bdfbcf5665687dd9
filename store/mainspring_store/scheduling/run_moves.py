"""Runs: which may start, how they end, and what is known about them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, literal_column, or_, select, text, update
from sqlalchemy.types import Integer

from mainspring.states import RunState, StateReason, TaskState
from mainspring_store.database.batches import Fields, as_rows, dump_rows
from mainspring_store.database.types import UtcDateTime
from mainspring_store.state.effects import Effects
from mainspring_store.state.readiness import may_decide
from mainspring_store.state.records import (
    ParentAndChild,
    RunFacts,
    StartableRun,
)
from mainspring_store.state.runs import NewRun, end_run, insert_run, wake_waiting
from mainspring_store.tables import backfill, dag, dag_run, dag_version, task_instance, xcom

__all__ = ["RunWrites"]


class RunWrites:
    """The part of a pass that starts and ends runs."""

    def __init__(self, connection: Connection, effects: Callable[[], Effects]) -> None:
        """effects: those of the pass at the moment of asking."""
        self._connection = connection
        self._effects = effects
        self._statements = _statements(connection.dialect.name == "sqlite")

    def startable_runs(self, now: datetime, limit: int) -> list[StartableRun]:
        """Queued runs whose `run_after` has come, of DAGs that are not paused and have room; oldest first.

        Several runs of one DAG may be returned though only some fit: the caller counts.
        """
        found = self._connection.execute(self._statements.startable_runs, {"now": now, "limit_": limit}).all()
        if not found:
            return []
        # Counted by a statement of its own, after the DAGs were locked: the one before saw them as they were when it
        # began, which may be before another scheduler's commit.
        rows = dump_rows({"dag_id": dag_id} for dag_id in {row.dag_id for row in found})
        running = {
            (row.dag_id, row.backfill_id): row.runs
            for row in self._connection.execute(self._statements.running_runs, {"rows": rows})
        }
        return [StartableRun(*row, running.get((row.dag_id, row.backfill_id), 0)) for row in found]

    def start_runs(self, run_ids: Sequence[int], *, now: datetime) -> list[int]:
        """Queued -> running, with the roots made ready; returns the ids that started."""
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        started = [row.id for row in self._connection.execute(self._statements.start_runs, {**rows, "now": now})]
        if started:
            rows = {"rows": dump_rows({"id": run_id} for run_id in started)}
            self._connection.execute(self._statements.ready_roots, rows)
        return started

    def set_run_timeouts(self, deadlines: Mapping[int, datetime]) -> None:
        """Give running runs the instant at which they are ended."""
        rows = dump_rows({"id": run_id, "at": at} for run_id, at in deadlines.items())
        self._connection.execute(self._statements.set_timeouts, {"rows": rows})

    def stop_run(self, run_id: int, *, now: datetime, reason: StateReason, message: str) -> bool:
        """End a run at once, as a cancel does; what follows from it is left collected in the pass."""
        return end_run(self._connection, run_id, self._effects(), now=now, reason=reason, message=message)

    def parent_and_child(self, run_id: int, dag_id: str) -> ParentAndChild:
        """What a run of another DAG takes over from the run that asks for it, and what it is to be made from."""
        row = self._connection.execute(self._statements.parent_and_child, {"run": run_id, "dag_id": dag_id}).one()
        return ParentAndChild(**row._mapping)

    def create_child(self, run: NewRun, *, now: datetime) -> None:
        """Make a run of another DAG; its run id must be new."""
        insert_run(self._connection, run, now=now)

    def instance_states(self, run_ids: Sequence[int]) -> Mapping[int, list[tuple[int, TaskState]]]:
        """For each run its (task_index, state) pairs."""
        found: dict[int, list[tuple[int, TaskState]]] = {run_id: [] for run_id in run_ids}
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        for row in self._connection.execute(self._statements.instance_states, rows):
            found[row.dag_run_id].append((row.task_index, TaskState(row.state)))
        return found

    def finish_runs(self, ends: Sequence[Mapping[str, Any]], *, now: datetime) -> tuple[list[int], bool]:
        """Running -> success or failed, and who waits for them is woken; returns who moved, and whether any was woken.

        ends: `id`, `state`, `reason`, `message`, `outputs` (JSON text) of each.
        """
        params = {"rows": dump_rows(ends), "now": now}
        moved = self._connection.execute(self._statements.finish_runs, params).all()
        finished = [row.id for row in moved]
        has_woken = wake_waiting(self._connection, [(row.id, row.parent_attempt_id) for row in moved], now=now)
        return finished, has_woken

    def run_facts(self, run_ids: Sequence[int]) -> list[RunFacts]:
        rows = {"rows": dump_rows({"id": run_id} for run_id in run_ids)}
        return [RunFacts(**row._mapping) for row in self._connection.execute(self._statements.run_facts, rows)]

    def outputs(self, run_id: int, task_indexes: Iterable[int]) -> list[tuple[int, int, TaskState, str | None, str]]:
        """(task_index, map_index, state, output name or None, value as JSON text) of tasks of a run, in that order;
        without the instances that were removed."""
        rows = dump_rows({"id": index} for index in task_indexes)
        return [
            (row.task_index, row.map_index, TaskState(row.state), row.key, row.value)
            for row in self._connection.execute(self._statements.outputs, {"rows": rows, "run": run_id})
        ]

    def version_document(self, version_id: int) -> Mapping[str, Any]:
        """The stored definition of a version."""
        document: Mapping[str, Any] = self._connection.execute(
            self._statements.version_document, {"id": version_id}
        ).scalar_one()
        return document


class _Statements:
    def __init__(self, is_sqlite: bool) -> None:
        def rows_of(fields: Fields) -> Any:
            return as_rows(fields, is_sqlite=is_sqlite)

        run = dag_run.c
        other = dag_run.alias("other")
        running = (
            select(func.count())
            .where(
                other.c.dag_id == dag.c.dag_id,
                other.c.state == literal_column("'running'"),
                other.c.backfill_id.is_not_distinct_from(run.backfill_id),
            )
            .scalar_subquery()
        )
        # None, so that nothing is below it, while a backfill is paused. One that has ended limits what is run again.
        limit_of_backfill = (
            select(backfill.c.max_active_runs)
            .where(backfill.c.id == run.backfill_id, or_(~backfill.c.is_paused, backfill.c.completed_at.is_not(None)))
            .scalar_subquery()
        )
        limit = case((run.backfill_id.is_(None), dag.c.max_active_runs), else_=limit_of_backfill)
        self.startable_runs = (
            select(run.id, run.dag_id, run.dag_version_id, run.backfill_id, limit)
            .select_from(dag_run)
            .join(dag, dag.c.dag_id == run.dag_id)
            .where(
                text("dag_run.state = 'queued'"),
                run.run_after <= bindparam("now", type_=UtcDateTime),
                ~dag.c.is_paused,
                running < limit,
            )
            .order_by(run.run_after, run.id)
            .limit(bindparam("limit_", type_=Integer()))
        )
        if not is_sqlite:
            # The critical section of `max_active_runs`: whoever counts holds the DAG's row until the commit.
            self.startable_runs = self.startable_runs.with_for_update(key_share=True, skip_locked=True)
        rows = rows_of({"id": int})
        now = bindparam("now", type_=UtcDateTime)
        self.start_runs = (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'queued'"))
            .values(
                state=RunState.RUNNING,
                start_date=func.coalesce(run.start_date, now),
                updated_at=now,
                last_scheduling_decision=now,
            )
            .returning(run.id)
        )
        rows = rows_of({"dag_id": str})
        self.running_runs = (
            select(run.dag_id, run.backfill_id, func.count().label("runs"))
            .where(run.dag_id.in_(select(rows.c.dag_id)), text("dag_run.state = 'running'"))
            .group_by(run.dag_id, run.backfill_id)
        )
        rows = rows_of({"id": int})
        self.ready_roots = (
            update(task_instance)
            .where(
                task_instance.c.dag_run_id.in_(select(rows.c.id)),
                task_instance.c.state == literal_column("'scheduled'"),
                may_decide(),
            )
            .values(ready=True)
        )
        rows = rows_of({"id": int, "at": datetime})
        self.set_timeouts = update(dag_run).where(run.id == rows.c.id).values(timeout_at=rows.c.at)
        self.parent_and_child = (
            select(run.depth, run.principal_id, dag.c.version_id)
            .select_from(dag_run)
            .outerjoin(dag, dag.c.dag_id == bindparam("dag_id"))
            .where(run.id == bindparam("run"))
        )
        rows = rows_of({"id": int})
        self.instance_states = select(
            task_instance.c.dag_run_id, task_instance.c.task_index, task_instance.c.state
        ).where(task_instance.c.dag_run_id.in_(select(rows.c.id)))
        rows = rows_of({"id": int, "state": str, "reason": str, "message": str, "outputs": str})
        self.finish_runs = (
            update(dag_run)
            .where(run.id == rows.c.id, text("dag_run.state = 'running'"), run.tasks_unfinished == 0)
            .values(
                state=rows.c.state,
                state_reason=rows.c.reason,
                message=rows.c.message,
                outputs=rows.c.outputs,
                end_date=now,
                updated_at=now,
                timeout_at=None,
            )
            .returning(run.id, run.parent_attempt_id)
        )
        rows = rows_of({"id": int})
        self.run_facts = select(
            run.id,
            run.dag_id,
            run.run_id,
            run.run_type,
            run.dag_version_id.label("version_id"),
            run.conf,
            run.params,
            run.logical_date,
            run.data_interval_start,
            run.data_interval_end,
            run.run_after,
        ).where(run.id.in_(select(rows.c.id)))
        rows = rows_of({"id": int})
        self.outputs = (
            select(
                task_instance.c.task_index,
                task_instance.c.map_index,
                task_instance.c.state,
                xcom.c.key,
                xcom.c.value,
            )
            .select_from(task_instance)
            .outerjoin(xcom, xcom.c.task_instance_id == task_instance.c.id)
            .where(
                task_instance.c.dag_run_id == bindparam("run"),
                task_instance.c.task_index.in_(select(rows.c.id)),
                task_instance.c.state != literal_column("'removed'"),
            )
            .order_by(task_instance.c.task_index, task_instance.c.map_index, xcom.c.key)
        )
        self.version_document = select(dag_version.c.document).where(dag_version.c.id == bindparam("id"))


@lru_cache(maxsize=2)
def _statements(is_sqlite: bool) -> _Statements:
    return _Statements(is_sqlite)
