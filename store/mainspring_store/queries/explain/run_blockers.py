"""The causes that keep a whole run from starting, or its tasks from being started."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, null, or_, select, text

from mainspring.blockers import BlockCode, Blocker, Satisfied
from mainspring.instants import format_instant
from mainspring.states import RunState, StateReason
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.service_facts import service_blockers, service_satisfied
from mainspring_store.state.conditions import ACTIVE, CALLING
from mainspring_store.tables import backfill, dag, dag_run, task_instance, task_try

__all__ = ["ONE_RUN", "RUN_COLUMNS", "full_run_blocker", "run_blockers", "run_satisfied", "running_runs"]

RUN_COLUMNS = (
    dag_run.c.id,
    dag_run.c.dag_id,
    dag_run.c.run_id,
    dag_run.c.state,
    dag_run.c.dag_version_id,
    dag_run.c.ending,
    dag_run.c.run_after,
    dag_run.c.backfill_id,
    dag_run.c.tasks_active,
    dag_run.c.max_active_tasks,
    dag_run.c.priority,
    dag_run.c.concurrency_key,
    dag_run.c.concurrency_max,
    dag.c.is_paused,
    dag_run.c.is_paused.label("run_is_paused"),
    dag.c.max_active_runs,
    backfill.c.is_paused.label("backfill_is_paused"),
    backfill.c.completed_at.label("backfill_completed_at"),
    backfill.c.max_active_runs.label("backfill_max_active_runs"),
    backfill.c.message.label("backfill_message"),
)
_RUN = (
    select(*RUN_COLUMNS)
    .join(dag, dag.c.dag_id == dag_run.c.dag_id)
    .outerjoin(backfill, backfill.c.id == dag_run.c.backfill_id)
)
ONE_RUN = _RUN.where(dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.run_id == bindparam("run_id"))


def run_blockers(question: Question, run: Any) -> Iterator[Blocker]:
    """The causes for the wait of an unfinished run. A running run has those that keep all of its tasks.

    run: a row with `RUN_COLUMNS`.
    """
    yield from service_blockers(question.services)
    # Handlers of a run also run while the DAG is paused.
    if run.is_paused and run.ending is None:
        text_ = "The DAG is paused" if run.state == RunState.QUEUED else "The DAG is paused: no further task starts"
        yield Blocker(code=BlockCode.DAG_PAUSED, text=text_, ids=(run.dag_id,))
    if run.run_is_paused and run.ending is None:
        text_ = "The run is paused" if run.state == RunState.QUEUED else "The run is paused: no further task starts"
        yield Blocker(code=BlockCode.RUN_PAUSED, text=text_, ids=(run.run_id,))
    if run.state == RunState.RUNNING:
        if run.tasks_active >= run.max_active_tasks:
            yield full_run_blocker(question, run)
        if run.ending is not None:
            yield from _stopping(question, run)
        return
    if run.run_after > question.now:
        yield Blocker(
            code=BlockCode.RUN_AFTER_AHEAD,
            text=f"The run starts at {run.run_after.isoformat()} at the earliest",
            until=run.run_after,
            ids=(run.run_id,),
        )
    if _is_backfill_paused(run):
        message = "" if run.backfill_message is None else f": {run.backfill_message}"
        ids = (str(run.backfill_id),)
        yield Blocker(code=BlockCode.BACKFILL_PAUSED, text=f"The backfill of the run is paused{message}", ids=ids)
    blockers = [*_max_active_runs(question, run), *_concurrency_key(question, run)]
    yield from blockers
    is_paused = run.is_paused or run.run_is_paused or _is_backfill_paused(run)
    if not (blockers or is_paused or run.run_after > question.now):
        yield Blocker(
            code=BlockCode.DECISION_PENDING, text="The next pass of the scheduler starts the run", ids=(run.run_id,)
        )


def run_satisfied(question: Question, run: Any) -> Iterator[Satisfied]:
    """The causes that do not hold, of an unfinished run."""
    yield from service_satisfied(question.services)
    if not run.is_paused:
        yield Satisfied(code=BlockCode.DAG_PAUSED, text="The DAG is not paused")
    if not run.run_is_paused:
        yield Satisfied(code=BlockCode.RUN_PAUSED, text="The run is not paused")
    if run.run_after <= question.now:
        text_ = f"The earliest start, {format_instant(run.run_after)}, has passed"
        yield Satisfied(code=BlockCode.RUN_AFTER_AHEAD, text=text_)
    if run.backfill_id is not None and not _is_backfill_paused(run):
        yield Satisfied(code=BlockCode.BACKFILL_PAUSED, text="The backfill of the run is not paused")
    if run.state == RunState.RUNNING:
        yield Satisfied(code=BlockCode.MAX_ACTIVE_RUNS, text="The run has started")
        if run.tasks_active < run.max_active_tasks:
            text_ = f"{run.tasks_active} of {run.max_active_tasks} tasks of the run are active"
            yield Satisfied(code=BlockCode.MAX_ACTIVE_TASKS, text=text_)


def full_run_blocker(question: Question, run: Any, *, position: int | None = None) -> Blocker:
    """The blocker of a run with `max_active_tasks` active tasks."""
    active = (
        select(dag_run.c.dag_id, dag_run.c.run_id, task_instance.c.task_id, task_instance.c.map_index)
        .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
        .where(task_instance.c.dag_run_id == run.id, or_(ACTIVE, CALLING))
        .order_by(task_instance.c.task_index, task_instance.c.map_index)
    )
    return Blocker(
        code=BlockCode.MAX_ACTIVE_TASKS,
        text=f"{run.tasks_active} tasks of the run are active; {run.max_active_tasks} may be",
        ids=(run.run_id,),
        position=position,
        **question.holders(active),
    )


def running_runs(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Running runs as holders, longest running first."""
    return (
        select(dag_run.c.dag_id, dag_run.c.run_id, null().label("task_id"), null().label("map_index"))
        .where(text("dag_run.state = 'running'"), *conditions)
        .order_by(dag_run.c.id)
    )


def _is_backfill_paused(run: Any) -> bool:
    # A completed backfill still limits cleared runs, and its pause has no effect.
    return bool(run.backfill_id is not None and run.backfill_is_paused and run.backfill_completed_at is None)


def _stopping(question: Question, run: Any) -> Iterator[Blocker]:
    if run.ending in (RunState.SUCCESS, StateReason.TASK_FAILED):
        return
    tasks = sorted(set(question.connection.scalars(_STOPPING_TASKS, {"run": run.id})))
    if tasks:
        names = ", ".join(f"'{task_id}'" for task_id in tasks[:_NAMES_MAX])
        more = f" and {len(tasks) - _NAMES_MAX} more" if len(tasks) > _NAMES_MAX else ""
        text_ = f"The run was ended; its tear-downs and handlers wait until the processes of {names}{more} have stopped"
        yield Blocker(code=BlockCode.STOPPING, text=text_, ids=tuple(tasks[:_NAMES_MAX]))


_NAMES_MAX = 5
_STOPPING_TASKS = (
    select(task_instance.c.task_id)
    .join(task_try, task_try.c.task_instance_id == task_instance.c.id)
    .where(
        task_instance.c.dag_run_id == bindparam("run"),
        text("task_try.stopped_at IS NULL AND task_try.state NOT IN ('queued', 'running', 'deferred')"),
    )
)


def _max_active_runs(question: Question, run: Any) -> Iterator[Blocker]:
    is_of_backfill = run.backfill_id is not None
    limit = run.backfill_max_active_runs if is_of_backfill else run.max_active_runs
    of_limit = (
        dag_run.c.dag_id == run.dag_id,
        dag_run.c.backfill_id == run.backfill_id if is_of_backfill else dag_run.c.backfill_id.is_(None),
    )
    active = question.holders(running_runs(*of_limit))
    if active["holders_total"] < limit:
        return
    of = f"backfill {run.backfill_id}" if is_of_backfill else f"DAG '{run.dag_id}'"
    yield Blocker(
        code=BlockCode.MAX_ACTIVE_RUNS,
        text=f"{active['holders_total']} runs of {of} are active; max_active_runs is {limit}",
        ids=(str(run.backfill_id) if is_of_backfill else run.dag_id,),
        position=_position(question, run, *of_limit),
        **active,
    )


def _concurrency_key(question: Question, run: Any) -> Iterator[Blocker]:
    if run.concurrency_key is None:
        return
    of_key = (dag_run.c.dag_id == run.dag_id, dag_run.c.concurrency_key == run.concurrency_key)
    holders = question.holders(running_runs(*of_key))
    if holders["holders_total"] < run.concurrency_max:
        return
    yield Blocker(
        code=BlockCode.CONCURRENCY_KEY,
        text=f"{holders['holders_total']} runs with the concurrency key '{run.concurrency_key}' are running; "
        f"max is {run.concurrency_max}",
        ids=(run.concurrency_key,),
        position=_position(question, run, *of_key),
        **holders,
    )


def _position(question: Question, run: Any, *conditions: ColumnElement[bool]) -> int:
    """Place of a queued run among the queued runs with the conditions, from 1."""
    before = (
        select(func.count())
        .select_from(dag_run)
        .where(
            *conditions,
            dag_run.c.state == literal_column("'queued'"),
            or_(
                dag_run.c.priority > run.priority,
                (dag_run.c.priority == run.priority)
                & or_(
                    dag_run.c.run_after < run.run_after,
                    (dag_run.c.run_after == run.run_after) & (dag_run.c.id < run.id),
                ),
            ),
        )
    )
    return 1 + (question.connection.scalar(before) or 0)
