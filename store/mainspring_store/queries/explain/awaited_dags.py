"""The DAGs for whose ends a schedule waits, as an explanation tells of them."""

from typing import Any

from sqlalchemy import Select, bindparam, select, text

from mainspring.blockers import BlockCode, Blocker
from mainspring.definition.model import Definition, MatchRule, UpstreamEnd
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.listing import is_seen
from mainspring_store.tables import awaited_end, dag, dag_run

__all__ = ["awaited_blocker"]

_ENDS = {UpstreamEnd.SUCCESS: "to succeed", UpstreamEnd.FAILED: "to fail"}


def awaited_blocker(question: Question, definition: Definition) -> Blocker:
    """The ends that the next run still waits for. DAGs that the caller does not see are counted and not named."""
    assert definition.schedule is not None
    schedule = definition.schedule
    rows = question.connection.execute(_UNUSED, {"dag_id": definition.dag_id}).all()
    if any(row.status == "new" for row in rows):
        message = "The next pass of the scheduler looks at ends of other DAGs"
        ids = (definition.dag_id,)
        return Blocker(code=BlockCode.DECISION_PENDING, text=message, since=min(row.ended_at for row in rows), ids=ids)
    noted = {(row.dag_id, row.state) for row in rows}
    missing = [item for item in schedule.upstream if (item.dag_id, item.state.value) not in noted]
    named = {item.dag_id for item in missing}
    visible = frozenset(question.connection.scalars(_visible(question), {"dag_ids": sorted(named)}))
    parts = [f"a run of '{item.dag_id}' {_ENDS[item.state]}" for item in missing if item.dag_id in visible]
    if hidden := len(named - visible):
        parts.append(f"{hidden} {'DAG' if hidden == 1 else 'DAGs'} that you do not see or that no client has saved")
    joined = " or " if schedule.match is MatchRule.ANY else " and "
    return Blocker(
        code=BlockCode.WAIT_DAGS,
        text=f"The next run waits for {joined.join(parts)}",
        since=min((row.ended_at for row in rows), default=None),
        ids=tuple(item.dag_id for item in missing if item.dag_id in visible),
    )


def _visible(question: Question) -> Select[Any]:
    existing = select(dag.c.dag_id).where(dag.c.dag_id.in_(bindparam("dag_ids", expanding=True)), ~dag.c.is_stale)
    return existing if question.seen is None else existing.where(is_seen(dag.c.dag_id, question.seen))


_UNUSED = (
    select(awaited_end.c.status, awaited_end.c.state, awaited_end.c.ended_at, dag_run.c.dag_id)
    .join(dag_run, dag_run.c.id == awaited_end.c.dag_run_id)
    .where(awaited_end.c.dag_id == bindparam("dag_id"), text("awaited_end.status IN ('new', 'waiting')"))
    .order_by(awaited_end.c.id)
)
