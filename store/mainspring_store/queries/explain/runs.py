"""Why a run does not go on: the blockers of the run itself, and those of its first waiting task instances."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, literal_column, or_, select

from mainspring.blockers import Explanation
from mainspring.definition.model import Definition
from mainspring.states import RUN_FINISHED, RunState, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.queries.explain.instances import explain_instances
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.run_blockers import ONE_RUN, run_blockers, run_satisfied
from mainspring_store.queries.explain.service_facts import read_services
from mainspring_store.queries.listing import Seen
from mainspring_store.queries.runs import run_not_found
from mainspring_store.tables import task_instance

__all__ = ["INSTANCES_MAX", "RunExplanation", "explain_run"]

INSTANCES_MAX = 20
"""Task instances that the explanation of a run contains."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunExplanation:
    """The explanation of a run and of the instances that wait in it."""

    run: Explanation
    instances: tuple[tuple[str, int, Explanation], ...]
    """Task id, map index and explanation. Instances that wait for more than their upstream come first."""
    waiting_total: int
    """The number of all waiting instances."""


def explain_run(
    database: Database, definition: Definition, dag_id: str, run_id: str, *, seen: Seen | None, now: datetime
) -> RunExplanation:
    """Explain a run; a finished run has no blocker and no waiting instance.

    definition: of the version of the run.
    seen: the DAGs that the caller sees, as in `ListQuery`.

    Raises:
        NotFound: There is no such run.
    """
    with database.read() as connection:
        run = connection.execute(ONE_RUN, {"dag_id": dag_id, "run_id": run_id}).one_or_none()
        if run is None:
            raise run_not_found(dag_id, run_id)
        if run.state in RUN_FINISHED:
            return RunExplanation(run=Explanation(state=run.state), instances=(), waiting_total=0)
        question = Question(connection, read_services(connection, now), seen, now)
        explanation = Explanation(
            state=run.state,
            blockers=tuple(run_blockers(question, run)),
            satisfied=tuple(run_satisfied(question, run)),
        )
        total = connection.scalar(_WAITING_COUNT, {"run": run.id}) or 0
        # No instance of a queued run can go on, so the blockers of the run say all.
        keys = connection.scalars(_WAITING, {"run": run.id}).all() if run.state == RunState.RUNNING else []
        instances = explain_instances(question, definition, run, keys)
    return RunExplanation(run=explanation, instances=tuple(instances), waiting_total=total)


_ti = task_instance.c
_is_waiting = (
    _ti.dag_run_id == bindparam("run"),
    _ti.state.in_(
        [
            literal_column(f"'{state.value}'")
            for state in (TaskState.SCHEDULED, TaskState.QUEUED, TaskState.UP_FOR_RETRY, TaskState.DEFERRED)
        ]
    ),
)
_waits_for_more_than_upstream = or_(_ti.state != TaskState.SCHEDULED, _ti.ready, _ti.state_reason.is_not(None))
_WAITING_COUNT = select(func.count()).where(*_is_waiting)
_WAITING = (
    select(_ti.id)
    .where(*_is_waiting)
    .order_by(case((_waits_for_more_than_upstream, 0), else_=1), _ti.rank, _ti.task_index, _ti.map_index)
    .limit(INSTANCES_MAX)
)
