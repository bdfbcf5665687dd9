"""The limits of a single task: `depends_on_past`, `max_active_tis` and `max_active_tis_per_dag`."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select, text

from mainspring.blockers import BlockCode, Blocker
from mainspring.definition.model import Task
from mainspring_store.queries.explain.question import Question
from mainspring_store.state.conditions import ACTIVE, CALLING
from mainspring_store.tables import dag_run, task_instance

__all__ = ["past_blocker", "task_limit_blockers"]


def past_blocker(question: Question, run: Any, row: Any) -> Blocker:
    """The wait for the same task of the previous run."""
    previous = question.connection.scalar(_PREVIOUS_RUN, {"run": run.id})
    text_ = "The task has not succeeded in the run before"
    return Blocker(
        code=BlockCode.DEPENDS_ON_PAST,
        text=text_ if previous is None else f"{text_}, '{previous}'",
        since=row.updated_at,
        ids=() if previous is None else (previous,),
    )


def task_limit_blockers(question: Question, run: Any, row: Any, task: Task | None) -> Iterator[Blocker]:
    """The limit that the scheduler reached for the task. The row names no limit, so this query counts again."""
    in_run = question.holders(_active(row).where(task_instance.c.dag_run_id == run.id))
    limit = None if task is None else task.max_active_tis
    if task is not None and limit is not None and in_run["holders_total"] >= limit:
        yield Blocker(
            code=BlockCode.MAX_ACTIVE_TIS,
            text=f"{in_run['holders_total']} instances of the task are active in the run; max_active_tis is {limit}",
            since=row.updated_at,
            ids=(row.task_id,),
            **in_run,
        )
        return
    in_dag = question.holders(_active(row).where(dag_run.c.dag_id == run.dag_id))
    limit = None if task is None else task.max_active_tis_per_dag
    allowed = "" if limit is None else f"; max_active_tis_per_dag is {limit}"
    yield Blocker(
        code=BlockCode.MAX_ACTIVE_TIS_PER_DAG,
        text=f"{in_dag['holders_total']} instances of the task are active in all runs{allowed}",
        since=row.updated_at,
        ids=(row.task_id,),
        **in_dag,
    )


def _active(row: Any) -> Select[Any]:
    return (
        select(dag_run.c.dag_id, dag_run.c.run_id, task_instance.c.task_id, task_instance.c.map_index)
        .join(dag_run, dag_run.c.id == task_instance.c.dag_run_id)
        .where(text("dag_run.state = 'running'"), task_instance.c.task_id == row.task_id, or_(ACTIVE, CALLING))
        .order_by(task_instance.c.dag_run_id, task_instance.c.map_index)
    )


_mine = dag_run.alias("mine")
_moment = func.coalesce(dag_run.c.logical_date, dag_run.c.run_after)
_my_moment = func.coalesce(_mine.c.logical_date, _mine.c.run_after)
# The run that `TaskLimitWrites.past_succeeded` looks at.
_PREVIOUS_RUN = (
    select(dag_run.c.run_id)
    .join(_mine, _mine.c.id == bindparam("run"))
    .where(
        dag_run.c.dag_id == _mine.c.dag_id,
        dag_run.c.id != _mine.c.id,
        or_(_moment < _my_moment, and_(_moment == _my_moment, dag_run.c.id < _mine.c.id)),
    )
    .order_by(_moment.desc(), dag_run.c.id.desc())
    .limit(1)
)
