"""Due: slots of the timetables become runs, each at most once, and the next slot of each DAG is planned.

At most one run per DAG and slot: a run is made in the transaction that moves the plan on, and the pair of DAG and
logical date is unique. Slots of a DAG rise strictly, because each is later than the latest scheduled run. One DAG that
cannot be planned is set aside with the reason; the others go on.
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
"""DAGs looked at in one pass: a thousand that are due at once are made in ten, and nobody else waits for all."""


def create_due_runs(scheduling: Pass, versions: Versions, now: datetime) -> tuple[int, bool]:
    """Make the runs that are due; how many, and whether more may be due still."""
    created = 0
    due = scheduling.due.due_dags(now, BATCH_MAX)
    for one in due:
        try:
            with scheduling.savepoint():
                created += _advance(scheduling, versions, one, now)
        except Exception as exc:
            _log.exception("dag %s cannot be planned", one.dag_id)
            reason = str(exc) if isinstance(exc, MainspringError) else f"{type(exc).__name__}: {exc}"
            scheduling.due.plan(one.dag_id, one.version_id, Plan(error=reason), now=now)
    # A DAG that catches up has another slot due at once.
    return created, len(due) == BATCH_MAX or created > 0


def _advance(scheduling: Pass, versions: Versions, due: DueDag, now: datetime) -> int:
    """Make at most one run of a DAG, and plan what comes next."""
    definition = versions.get(due.version_id, scheduling.runs.version_document).definition
    assert definition.schedule is not None
    timetable = timetable_of(definition.schedule, definition.dag_id)
    # What was planned before stands: without a start date, the first slot is the one of the first look.
    start = max(filter(None, (definition.start_date, due.next_logical_date)), default=None)
    slot = _next(timetable, definition, due.latest_logical_date, start, now)
    created = 0
    if slot is not None and slot.run_after <= now:
        _create(scheduling, definition, due.version_id, slot, now)
        created = 1
        slot = _next(timetable, definition, slot.logical_date, start, now)
    plan = Plan()
    if slot is not None:
        plan = Plan(logical_date=slot.logical_date, data_interval_end=slot.data_interval_end, run_after=slot.run_after)
    scheduling.due.plan(due.dag_id, due.version_id, plan, now=now)
    return created


def _next(
    timetable: Timetable, definition: Definition, after: datetime | None, start: datetime | None, now: datetime
) -> Slot | None:
    return next_slot(
        timetable,
        after=after,
        start=start,
        end=definition.end_date,
        catchup_max=definition.catchup_max if definition.catchup else 1,
        now=now,
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
        _log.info("dag %s has a run for %s already", definition.dag_id, slot.logical_date.isoformat())
