"""Creates the runs of DAGs whose schedule waits for the ends of runs of other DAGs.

The transaction that ended a run wrote the end for each DAG that waits for it. This duty takes the ends under the lock
of the waiting DAG, and the transaction that makes a run also marks the ends as used: each end makes one run at most,
after every restart and with several schedulers. A DAG that cannot get a run is set aside alone, with the reason.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mainspring.definition.model import Definition
from mainspring.errors import MainspringError
from mainspring.params import resolve_params
from mainspring.states import RunType
from mainspring.upstream_ends import RunEnd, gather_ends
from mainspring_scheduler.versions import Versions
from mainspring_store.scheduling import Pass, Plan, WaitingDag
from mainspring_store.state.runs import NewRun, VersionRef

__all__ = ["create_following_runs"]

_log = logging.getLogger(__name__)

BATCH_MAX = 100
"""DAGs processed in one pass."""
ENDS_MAX = 200
"""Ends of one DAG that one pass takes; at least one more than a schedule can wait for."""


def create_following_runs(scheduling: Pass, versions: Versions, now: datetime) -> int:
    """Create the runs that new ends make. Returns their number; further ends may be there."""
    created = 0
    for dag in scheduling.awaited.waiting_dags(BATCH_MAX):
        ends = scheduling.awaited.ends(dag.dag_id, ENDS_MAX)
        try:
            with scheduling.savepoint():
                created += _advance(scheduling, versions, dag, ends, now)
        except Exception as exc:
            _log.exception("ends make no run: dag=%s", dag.dag_id)
            reason = str(exc) if isinstance(exc, MainspringError) else f"{type(exc).__name__}: {exc}"
            scheduling.due.plan(dag.dag_id, dag.version_id, Plan(error=reason), now=now)
            scheduling.awaited.set_aside(dag.dag_id)
    return created


def _advance(scheduling: Pass, versions: Versions, dag: WaitingDag, ends: Sequence[RunEnd], now: datetime) -> int:
    definition = versions.get(dag.version_id, scheduling.runs.version_document).definition
    gathered = None
    if definition.schedule is not None:
        gathered = gather_ends(definition.schedule, [end for end in ends if _is_in_bounds(definition, end)])
    waiting = [] if gathered is None else [end.id for end in gathered.waiting]
    for sources in [] if gathered is None else gathered.runs:
        _create(scheduling, definition, dag.version_id, sources, now)
    scheduling.awaited.set_statuses(used={end.id for end in ends} - set(waiting), waiting=waiting)
    return 0 if gathered is None else len(gathered.runs)


def _is_in_bounds(definition: Definition, end: RunEnd) -> bool:
    start, last = definition.start_date, definition.end_date
    return (start is None or end.ended_at >= start) and (last is None or end.ended_at <= last)


def _create(
    scheduling: Pass, definition: Definition, version_id: int, sources: Sequence[RunEnd], now: datetime
) -> None:
    dated = [end for end in sources if end.logical_date is not None]
    latest = max(dated, key=lambda end: (end.logical_date, end.id), default=sources[-1])
    run_after = sources[-1].ended_at
    run = NewRun(
        version=VersionRef(id=version_id, definition=definition),
        # The end makes the id unique, and the same in every try.
        run_id=f"{RunType.ASSET_TRIGGERED}__{run_after.isoformat()}__{sources[-1].id}",
        run_type=RunType.ASSET_TRIGGERED,
        conf={},
        params=resolve_params(definition.params, {}),
        run_after=run_after,
        logical_date=latest.logical_date,
        data_interval=latest.data_interval,
        triggered_by="asset",
        sources=[end.source for end in sources],
        # A chain of schedules and `dag` tasks that feed each other ends like a recursion of `dag` tasks.
        depth=max(end.depth for end in sources),
    )
    if scheduling.due.create_run(run, now=now) is None:
        # A trigger, or another end, has used the logical date. The end makes its run all the same.
        undated = replace(run, logical_date=None)
        if scheduling.due.create_run(undated, now=now) is None:
            _log.info("ends have a run already: dag=%s run=%s", definition.dag_id, run.run_id)
