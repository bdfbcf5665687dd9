"""Starts queued runs whose time has come, up to `max_active_runs` and the limits of concurrency keys."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from mainspring.definition.model import DeadlineAnchor
from mainspring.states import RunState
from mainspring_scheduler.decisions.run_context import RunContexts
from mainspring_scheduler.versions import Versions
from mainspring_store.scheduling import Pass, StartableRun
from mainspring_store.state.deadlines import NewDeadline, deadlines_of_run
from mainspring_store.state.instance_plan import plan_of

__all__ = ["start_runs"]

BATCH_MAX = 500
ROUNDS_MAX = 8


def start_runs(
    scheduling: Pass,
    versions: Versions,
    contexts: RunContexts,
    now: datetime,
    *,
    has_keys: bool,
    has_priorities: bool,
) -> int:
    """Start runs, highest priority first within each DAG, then oldest first. Returns the number of started runs.

    contexts: gets the facts of the started runs, because their first tasks follow.
    has_keys: whether a queued run has a concurrency key. has_priorities: whether a queued run has a priority beside 0.
    """
    started = 0
    for _ in range(ROUNDS_MAX):
        runs = scheduling.starts.runs(now, BATCH_MAX, has_priorities=has_priorities)
        keyed_runs = scheduling.starts.runs_with_keys(now, BATCH_MAX, has_priorities=has_priorities) if has_keys else []
        in_order = sorted(runs + keyed_runs, key=_order) if keyed_runs else runs
        startable = _within_limits(in_order)
        facts = scheduling.runs.start_runs([run.id for run in startable], now=now) if startable else []
        contexts.note(facts)
        ids = {run.id for run in facts}
        for run in startable:
            if run.id in ids:
                scheduling.effects.event(run.id, RunState.RUNNING, at=now)
        _set_timeouts(scheduling, versions, [run for run in startable if run.id in ids], now)
        started += len(ids)
        # Runs of a DAG at its limit may fill a batch and hide the runs of other DAGs.
        if max(len(runs), len(keyed_runs)) < BATCH_MAX or not ids:
            break
    return started


def _order(run: StartableRun) -> tuple[int, datetime, int]:
    return -run.priority, run.run_after, run.id


def _within_limits(runs: Sequence[StartableRun]) -> list[StartableRun]:
    taken: Counter[tuple[str, int | None]] = Counter()
    taken_keys: Counter[tuple[str, str]] = Counter()
    startable = []
    for run in runs:
        limited = (run.dag_id, run.backfill_id)
        if run.running_runs + taken[limited] >= run.max_active_runs:
            continue
        if run.key is not None and run.key_max is not None:
            if run.running_of_key + taken_keys[run.dag_id, run.key] >= run.key_max:
                continue
            taken_keys[run.dag_id, run.key] += 1
        taken[limited] += 1
        startable.append(run)
    return startable


def _set_timeouts(scheduling: Pass, versions: Versions, runs: Sequence[StartableRun], now: datetime) -> None:
    timeouts: dict[int, datetime] = {}
    deadlines: list[NewDeadline] = []
    for run in runs:
        definition = versions.get(run.version_id, scheduling.runs.version_document).definition
        if definition.dagrun_timeout is not None:
            timeouts[run.id] = now + definition.dagrun_timeout
        deadlines += deadlines_of_run(run.id, plan_of(definition), {DeadlineAnchor.RUN_START: now})
    if timeouts:
        scheduling.runs.set_run_timeouts(timeouts)
    if deadlines:
        scheduling.deadlines.add(deadlines)
