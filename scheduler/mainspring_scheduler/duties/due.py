"""Creates the due runs of timetables, and plans the next slot of each DAG.

A slot gives at most one run: the transaction that makes the run also advances the plan, and the pair of DAG and logical
date is unique. Slots of a DAG rise strictly, because each slot is later than the latest scheduled run. A DAG that
cannot be planned is set aside with the reason, and the other DAGs go on.
"""

import logging
from datetime import datetime

from mainspring.definition.model import Definition
from mainspring.errors import MainspringError
from mainspring.params import resolve_params
from mainspring.states import RunType
from mainspring.timetables import Slot, Timetable, next_slot, timetable_of
from mainspring_scheduler.versions import Versions
from mainspring_store.scheduling import DueDag, Pass, Plan
from mainspring_store.state.runs import NewRun, VersionRef

__all__ = ["create_due_runs"]

_log = logging.getLogger(__name__)

BATCH_MAX = 100
"""DAGs processed in one pass. A thousand DAGs due at once take ten passes, and other work goes on between them."""


def create_due_runs(scheduling: Pass, versions: Versions, now: datetime) -> tuple[int, bool]:
    """Create the due runs. Returns their number, and whether further runs may be due."""
    created = 0
    dags = scheduling.due.due_dags(now, BATCH_MAX)
    for dag in dags:
        try:
            with scheduling.savepoint():
                created += _advance(scheduling, versions, dag, now)
        except Exception as exc:
            _log.exception("dag not planned: dag=%s", dag.dag_id)
            reason = str(exc) if isinstance(exc, MainspringError) else f"{type(exc).__name__}: {exc}"
            scheduling.due.plan(dag.dag_id, dag.version_id, Plan(error=reason), now=now)
    # A DAG that catches up may have another due slot at once.
    return created, len(dags) == BATCH_MAX or created > 0


def _advance(scheduling: Pass, versions: Versions, dag: DueDag, now: datetime) -> int:
    """Create at most one run of a DAG, and plan its next slot."""
    definition = versions.get(dag.version_id, scheduling.runs.version_document).definition
    assert definition.schedule is not None
    timetable = timetable_of(definition.schedule, definition.dag_id)
    slot = _next(timetable, definition, dag, dag.latest_logical_date, now)
    created = 0
    if slot is not None and slot.run_after <= now:
        _create(scheduling, definition, dag.version_id, slot, now)
        created = 1
        slot = _next(timetable, definition, dag, slot.logical_date, now)
    plan = Plan()
    if slot is not None:
        plan = Plan(logical_date=slot.logical_date, data_interval_end=slot.data_interval_end, run_after=slot.run_after)
    scheduling.due.plan(dag.dag_id, dag.version_id, plan, now=now)
    return created


def _next(
    timetable: Timetable, definition: Definition, dag: DueDag, latest: datetime | None, now: datetime
) -> Slot | None:
    # An earlier plan stands: without a start date, the first plan fixes the first slot.
    start = max(filter(None, (definition.start_date, dag.next_logical_date)), default=None)
    return next_slot(
        timetable,
        after=latest,
        start=start,
        end=definition.end_date,
        catchup_max=definition.made_up_for,
        now=now,
        renewed_at=dag.renewed_at,
    )


def _create(scheduling: Pass, definition: Definition, version_id: int, slot: Slot, now: datetime) -> None:
    run = NewRun(
        version=VersionRef(id=version_id, definition=definition),
        run_id=f"scheduled__{slot.logical_date.isoformat()}",
        run_type=RunType.SCHEDULED,
        conf={},
        params=resolve_params(definition.params, {}),
        run_after=slot.run_after,
        logical_date=slot.logical_date,
        data_interval=(slot.logical_date, slot.data_interval_end),
        triggered_by="timetable",
    )
    if scheduling.due.create_run(run, now=now) is None:
        _log.info("slot has a run already: dag=%s logical_date=%s", definition.dag_id, slot.logical_date.isoformat())
