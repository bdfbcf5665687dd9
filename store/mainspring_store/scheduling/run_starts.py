"""Queued runs in a pass that may start, with the figures of the limits that hold them back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    TextClause,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.types import Integer

from mainspring.definition.model import ConcurrencyStrategy
from mainspring.states import RunState
from mainspring_store.database.batches import Batch, as_rows
from mainspring_store.database.pipeline import Read
from mainspring_store.database.types import UtcDateTime
from mainspring_store.scheduling.parts import PassPart
from mainspring_store.state.records import CrowdedKey, MemberOfKey, StartableRun
from mainspring_store.tables import backfill, dag, dag_run

__all__ = ["StartReads"]

_QUEUED = "dag_run.state = 'queued' AND dag_run.concurrency_key IS NULL"
_QUEUED_WITH_KEY = "dag_run.state = 'queued' AND dag_run.concurrency_key IS NOT NULL"
_RUNNING_WITH_KEY = "dag_run.state = 'running' AND dag_run.concurrency_key IS NOT NULL"
_now = bindparam("now", type_=UtcDateTime)
_limit = bindparam("limit_", type_=Integer())
_BY_AGE = (dag_run.c.run_after, dag_run.c.id)
_IN_ORDER = (dag_run.c.priority.desc(), *_BY_AGE)
# As the partial index says it, so that both databases use the index.
_PRIORITIZED = text("dag_run.priority <> 0")
_PRIORITIES: Mapping[int | None, Sequence[ColumnElement[bool] | TextClause]] = {
    None: (),
    1: (_PRIORITIZED, dag_run.c.priority > literal_column("0")),
    0: (dag_run.c.priority == literal_column("0"),),
    -1: (_PRIORITIZED, dag_run.c.priority < literal_column("0")),
}


class StartReads(PassPart):
    """The part of a pass that looks for runs to start.

    Each statement is built once for each dialect, by the cached function above the method that runs it.
    """

    @staticmethod
    @cache
    def _select_runs(is_sqlite: bool, sign: int | None) -> Select[Any]:
        """sign: of the priority of the runs; None = the runs have priority 0, as no queued run has another."""
        runs = (
            _startable(dag_run.join(dag, dag.c.dag_id == dag_run.c.dag_id))
            .where(
                text(_QUEUED),
                dag_run.c.run_after <= _now,
                ~dag_run.c.is_paused,
                ~dag.c.is_paused,
                _running_runs() < _limit_of_run(),
                *_PRIORITIES[sign],
            )
            .order_by(*(_IN_ORDER if sign else _BY_AGE))
            .limit(_limit)
        )
        return runs if is_sqlite else _held(runs)

    def runs(self, now: datetime, limit: int, *, has_priorities: bool) -> list[StartableRun]:
        """Queued runs without a concurrency key, with a past `run_after`, of unpaused DAGs below their limit of active
        runs; highest priority first, then oldest.

        The caller counts: the limit of a DAG may admit only some of the returned runs.

        limit: of the runs with a positive, no, and a negative priority, each.
        has_priorities: whether a queued run has a priority other than 0.
        """
        signs = (1, 0, -1) if has_priorities else (None,)
        return self._counted(
            [row for sign in signs for row in self._statements.rows(*self.read_of_runs(now, limit, sign))]
        )

    def read_of_runs(self, now: datetime, limit: int, sign: int | None = None) -> Read:
        """The query of `runs`, for `Pass.read_ahead`. sign: see `_select_runs`."""
        return self._select_runs(self._is_sqlite, sign), {"now": now, "limit_": limit}

    @staticmethod
    @cache
    def _select_next_of_keys(is_sqlite: bool, has_priorities: bool) -> Select[Any]:
        oldest = _oldest_of_keys()
        if has_priorities:
            oldest = _first_of_keys(oldest)
        runs = (
            _startable(oldest.join(dag_run, dag_run.c.id == oldest.c.id).join(dag, dag.c.dag_id == dag_run.c.dag_id))
            .where(
                # Parameters, so that no database scans a partial index instead of looking for the ids.
                dag_run.c.state == bindparam("queued", RunState.QUEUED),
                dag_run.c.run_after <= _now,
                ~dag.c.is_paused,
                _running_runs() < _limit_of_run(),
                _running_runs_of_key() < dag_run.c.concurrency_max,
            )
            .order_by(*_IN_ORDER)
            .limit(_limit)
        )
        return runs if is_sqlite else _held(runs)

    @staticmethod
    @cache
    def _select_runs_of_keys(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"dag_id": str, "key": str}, is_sqlite=is_sqlite)
        runs = (
            _startable(
                rows.join(
                    dag_run, and_(dag_run.c.dag_id == rows.c.dag_id, dag_run.c.concurrency_key == rows.c.key)
                ).join(dag, dag.c.dag_id == dag_run.c.dag_id)
            )
            .where(text(_QUEUED_WITH_KEY), dag_run.c.run_after <= _now, ~dag_run.c.is_paused)
            .order_by(*_IN_ORDER)
            .limit(_limit)
        )
        return runs if is_sqlite else _held(runs)

    @staticmethod
    @cache
    def _select_crowded_keys(is_sqlite: bool) -> Select[Any]:
        oldest = _oldest_of_keys()
        run = dag_run.c
        keys = (
            select(run.id, run.dag_id, run.concurrency_key, run.concurrency_max, run.concurrency_strategy)
            .select_from(oldest.join(dag_run, dag_run.c.id == oldest.c.id).join(dag, dag.c.dag_id == dag_run.c.dag_id))
            .where(
                run.state == bindparam("queued", RunState.QUEUED),
                run.concurrency_strategy.in_(
                    [ConcurrencyStrategy.KEEP_LATEST.value, ConcurrencyStrategy.CANCEL_RUNNING.value]
                ),
                run.run_after <= _now,
                ~dag.c.is_paused,
            )
            .order_by(run.run_after, run.id)
            .limit(_limit)
        )
        return keys if is_sqlite else _held(keys)

    @staticmethod
    @cache
    def _select_running_of_keys(is_sqlite: bool) -> Select[Any]:
        return _members(is_sqlite).where(text(_RUNNING_WITH_KEY))

    @staticmethod
    @cache
    def _select_waiting_of_keys(is_sqlite: bool) -> Select[Any]:
        in_order = (dag_run.c.run_after, dag_run.c.id)
        waiting = _members(is_sqlite).where(text(_QUEUED_WITH_KEY), dag_run.c.run_after <= _now, ~dag_run.c.is_paused)
        return waiting.order_by(*in_order).limit(_limit)

    def crowded_keys(self, now: datetime, limit: int, waiting_limit: int) -> list[CrowdedKey]:
        """Keys with a due run that waits and whose strategy ends other runs. The oldest waiting run has the strategy
        that counts.

        waiting_limit: of the waiting runs of all these keys only the oldest ones are returned.
        """
        params = {"now": now, "limit_": limit}
        keys = self._statements.rows(self._select_crowded_keys(self._is_sqlite), params)
        if not keys:
            return []
        batch = Batch({"dag_id": row.dag_id, "key": row.concurrency_key} for row in keys)
        running = self._statements.rows(self._select_running_of_keys(self._is_sqlite), {"rows": batch})
        params = {"now": now, "limit_": waiting_limit, "rows": batch}
        waiting = self._statements.rows(self._select_waiting_of_keys(self._is_sqlite), params)
        members: dict[tuple[str, str], list[MemberOfKey]] = {}
        for row in sorted([*running, *waiting], key=lambda row: (row.run_after, row.id)):
            member = MemberOfKey(
                id=row.id,
                run_id=row.run_id,
                is_running=row.state == RunState.RUNNING,
                is_ending=row.ending is not None,
            )
            members.setdefault((row.dag_id, row.concurrency_key), []).append(member)
        return [
            CrowdedKey(
                max=row.concurrency_max,
                strategy=ConcurrencyStrategy(row.concurrency_strategy),
                runs=tuple(members.get((row.dag_id, row.concurrency_key), ())),
                is_complete=len(waiting) < waiting_limit,
            )
            for row in keys
        ]

    @staticmethod
    @cache
    def _count_running_of_keys(is_sqlite: bool) -> Select[Any]:
        rows = as_rows({"dag_id": str, "key": str}, is_sqlite=is_sqlite)
        running = (
            select(func.count())
            .where(text(_RUNNING_WITH_KEY), dag_run.c.dag_id == rows.c.dag_id, dag_run.c.concurrency_key == rows.c.key)
            .correlate(rows)
            .scalar_subquery()
        )
        return select(rows.c.dag_id, rows.c.key, running.label("runs")).where(true())

    def runs_with_keys(self, now: datetime, limit: int, *, has_priorities: bool) -> list[StartableRun]:
        """As `runs`, of runs with a concurrency key that has room: of each key the first ones.

        Costs an index lookup for each key with queued runs, however many runs wait for the key.
        """
        params = {"now": now, "limit_": limit}
        oldest = self._statements.rows(self._select_next_of_keys(self._is_sqlite, has_priorities), params)
        if not oldest:
            return []
        running = self._running_of_keys(oldest)
        rows = {row.id: row for row in oldest}
        wide = [row for row in oldest if row.concurrency_max - running[row.dag_id, row.concurrency_key] > 1]
        if wide:
            params["rows"] = Batch({"dag_id": row.dag_id, "key": row.concurrency_key} for row in wide)
            rows |= {row.id: row for row in self._statements.rows(self._select_runs_of_keys(self._is_sqlite), params)}
        runs = self._counted(list(rows.values()))
        return [run.with_key(running[run.dag_id, run.key]) for run in runs]

    def _running_of_keys(self, runs: Sequence[Any]) -> dict[tuple[str, str | None], int]:
        rows = Batch({"dag_id": row.dag_id, "key": row.concurrency_key} for row in runs)
        counts = self._statements.rows(self._count_running_of_keys(self._is_sqlite), {"rows": rows})
        return {(row.dag_id, row.key): row.runs for row in counts}

    @staticmethod
    @cache
    def _count_running(is_sqlite: bool) -> Select[Any]:
        run = dag_run.c
        rows = as_rows({"dag_id": str}, is_sqlite=is_sqlite)
        return (
            select(run.dag_id, run.backfill_id, func.count().label("runs"))
            .where(run.dag_id.in_(select(rows.c.dag_id)), text("dag_run.state = 'running'"))
            .group_by(run.dag_id, run.backfill_id)
        )

    def _counted(self, queued_runs: Sequence[Any]) -> list[StartableRun]:
        if not queued_runs:
            return []
        # A second statement counts, after the first one locked the DAGs: the first statement began
        # before that lock was free, and may miss the commit of a second scheduler.
        rows = Batch({"dag_id": dag_id} for dag_id in {row.dag_id for row in queued_runs})
        running = {
            (row.dag_id, row.backfill_id): row.runs
            for row in self._statements.rows(self._count_running(self._is_sqlite), {"rows": rows})
        }
        return [
            StartableRun(
                id=row.id,
                dag_id=row.dag_id,
                version_id=row.dag_version_id,
                backfill_id=row.backfill_id,
                run_after=row.run_after,
                priority=row.priority,
                max_active_runs=row.max_active_runs,
                running_runs=running.get((row.dag_id, row.backfill_id), 0),
                key=row.concurrency_key,
                key_max=row.concurrency_max,
            )
            for row in queued_runs
        ]


def _startable(tables: Any) -> Select[Any]:
    run = dag_run.c
    return select(
        run.id,
        run.dag_id,
        run.dag_version_id,
        run.backfill_id,
        run.run_after,
        run.priority,
        run.concurrency_key,
        run.concurrency_max,
        _limit_of_run().label("max_active_runs"),
    ).select_from(tables)


def _members(is_sqlite: bool) -> Select[Any]:
    """Runs with the keys of a batch."""
    rows = as_rows({"dag_id": str, "key": str}, is_sqlite=is_sqlite)
    run = dag_run.c
    return select(
        run.id, run.dag_id, run.concurrency_key, run.run_id, run.state, run.ending, run.run_after
    ).select_from(rows.join(dag_run, and_(run.dag_id == rows.c.dag_id, run.concurrency_key == rows.c.key)))


def _held(runs: Select[Any]) -> Select[Any]:
    """The critical section of `max_active_runs` and of concurrency keys on PostgreSQL: the counting scheduler holds the
    row of the DAG until the commit."""
    return runs.with_for_update(key_share=True, skip_locked=True, of=[dag_run, dag])


def _running_runs() -> Any:
    running_run = dag_run.alias("other")
    return (
        select(func.count())
        .where(
            running_run.c.dag_id == dag.c.dag_id,
            running_run.c.state == literal_column("'running'"),
            running_run.c.backfill_id.is_not_distinct_from(dag_run.c.backfill_id),
        )
        .scalar_subquery()
    )


def _running_runs_of_key() -> Any:
    holder = dag_run.alias("holder")
    return (
        select(func.count())
        .where(
            text("holder.state = 'running' AND holder.concurrency_key IS NOT NULL"),
            holder.c.dag_id == dag_run.c.dag_id,
            holder.c.concurrency_key == dag_run.c.concurrency_key,
        )
        .scalar_subquery()
    )


def _limit_of_run() -> Any:
    # NULL while the backfill is paused: no count is below NULL. A completed backfill still limits
    # cleared runs.
    limit_of_backfill = (
        select(backfill.c.max_active_runs)
        .where(backfill.c.id == dag_run.c.backfill_id, or_(~backfill.c.is_paused, backfill.c.completed_at.is_not(None)))
        .scalar_subquery()
    )
    return case((dag_run.c.backfill_id.is_(None), dag.c.max_active_runs), else_=limit_of_backfill)


def _oldest_of_keys() -> CTE:
    """The id of the oldest queued run of each key that no user paused, and NULL at the end.

    A walk over the index `ix_dag_run_queued_key` that jumps from key to key.
    """
    run = dag_run.c
    in_order = (run.dag_id, run.concurrency_key, run.run_after, run.id)
    first = select(run.id).where(text(_QUEUED_WITH_KEY), ~run.is_paused).order_by(*in_order).limit(1).scalar_subquery()
    walk = select(first.label("id")).cte("oldest", recursive=True)
    last = dag_run.alias("last")

    def following(*conditions: ColumnElement[bool]) -> Any:
        rest = select(run.id).where(text(_QUEUED_WITH_KEY), ~run.is_paused, *conditions)
        return rest.order_by(*in_order).limit(1).correlate(last).scalar_subquery()

    # Two lookups: SQLite compares a pair of columns by an index on the first one alone, and would read all the runs
    # that wait for a key.
    of_dag = following(run.dag_id == last.c.dag_id, run.concurrency_key > last.c.concurrency_key)
    of_later_dag = following(run.dag_id > last.c.dag_id)
    following_id = func.coalesce(of_dag, of_later_dag)
    return walk.union_all(select(following_id).select_from(walk.join(last, last.c.id == walk.c.id)))


def _first_of_keys(keys: CTE) -> CTE:
    """The id of the run of each key that starts first: of those that are due and not paused, the highest priority, then
    the oldest.

    keys: the id of any queued run of each key.
    """
    run, any_run = dag_run.c, dag_run.alias("any_run")

    def first(sign: int) -> Any:
        due = (text(_QUEUED_WITH_KEY), run.run_after <= _now, ~run.is_paused, *_PRIORITIES[sign])
        of_key = (run.dag_id == any_run.c.dag_id, run.concurrency_key == any_run.c.concurrency_key)
        rows = select(run.id).where(*due, *of_key).order_by(*(_IN_ORDER if sign else _BY_AGE))
        return rows.limit(literal_column("1")).correlate(any_run).scalar_subquery()

    first_id = func.coalesce(first(1), first(0), first(-1)).label("id")
    return select(first_id).select_from(keys.join(any_run, any_run.c.id == keys.c.id)).cte("first_of_keys")
