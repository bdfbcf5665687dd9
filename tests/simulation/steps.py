"""What must hold between one step and the next, where rows of one instant do not tell: limits that an edit may lower,
and who goes first."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from tests.invariants import ACTIVE, Facts
from tests.simulation.oracle import priority

__all__ = ["steps_broken"]


def steps_broken(before: Facts, after: Facts) -> list[str]:
    """Every violation, as a line."""
    return [
        *_runs_of_dags(before, after),
        *_tasks_of_dags(before, after),
        *_pools(before, after),
        *_order(before, after),
        *_order_of_runs(before, after),
    ]


def _runs_of_dags(before: Facts, after: Facts) -> Iterator[str]:
    """I12 for `max_active_runs`: only what was begun in this step is held to it."""
    for dag in after.dags.values():
        # Those of a backfill have a limit of their own.
        mine = [run for run in after.runs.values() if run.dag_id == dag.dag_id and run.backfill_id is None]
        running = {run.id for run in mine if run.state == "running"}
        begun = {run_id for run_id in running if run_id not in before.runs or before.runs[run_id].state != "running"}
        if begun and len(running) > dag.max_active_runs:
            yield f"dag {dag.dag_id} has {len(running)} running runs, max_active_runs is {dag.max_active_runs}"


def _tasks_of_dags(before: Facts, after: Facts) -> Iterator[str]:
    """I12 for `max_active_tis_per_dag`."""
    old = {one.id: one.state for one in before.all_instances}
    for one in after.all_instances:
        if one.state != "queued" or old.get(one.id) in ACTIVE:
            continue
        limit = after.task(one).max_active_tis_per_dag
        if limit is None:
            continue
        dag_id = after.runs[one.dag_run_id].dag_id
        # What began in this step without a limit, by another version, may have begun after it.
        active = sum(
            other.state in ACTIVE
            and other.task_id == one.task_id
            and after.runs[other.dag_run_id].dag_id == dag_id
            and (after.task(other).max_active_tis_per_dag is not None or old.get(other.id) in ACTIVE)
            for other in after.all_instances
        )
        if active > limit:
            yield f"{active} instances of {one.task_id} of dag {dag_id} are active, max_active_tis_per_dag is {limit}"


def _pools(before: Facts, after: Facts) -> Iterator[str]:
    """I11: a pool may hold more than it has only where it was changed; it never takes more then."""
    old = {pool.name: pool for pool in before.pools}
    for pool in after.pools:
        was = old.get(pool.name)
        is_same = was is not None and (was.slots, was.include_deferred) == (pool.slots, pool.include_deferred)
        if is_same and pool.slots >= 0 and pool.used > max(was.used, pool.slots):
            yield f"pool {pool.name} of {pool.slots} slots had {was.used} used, and now has {pool.used}"


def _order(before: Facts, after: Facts) -> Iterator[str]:
    """Of two instances of a run that want the same room, the one of higher priority goes first."""
    was = {one.id: one for one in before.all_instances}
    for run_id, instances in after.instances.items():
        begun = [one for one in instances if one.state == "queued" and was.get(one.id, one).state == "scheduled"]
        left = [one for one in instances if _could_begin(after, one) and _is_unmoved(was.get(one.id), one)]
        for first in begun:
            for other in left:
                definition = after.definition(after.runs[run_id])
                mine, its = priority(definition, first.task_id), priority(definition, other.task_id)
                wants_more = first.pool == other.pool and first.pool_slots >= other.pool_slots
                if wants_more and first.executor == other.executor and mine < its:
                    yield (
                        f"run {after.runs[run_id].run_id}: {first.task_id} of priority {mine} began, and "
                        f"{other.task_id} of priority {its} waits"
                    )


def _order_of_runs(before: Facts, after: Facts) -> Iterator[str]:
    """Of two runs of a DAG whose tasks want the same room, the run of higher priority goes first."""
    was = {one.id: one for one in before.all_instances}
    begun = [one for one in after.all_instances if one.state == "queued" and was.get(one.id, one).state == "scheduled"]
    left = [one for one in after.all_instances if _could_begin(after, one) and _is_unmoved(was.get(one.id), one)]
    for first in begun:
        for other in left:
            run, its_run = after.runs[first.dag_run_id], after.runs[other.dag_run_id]
            is_same_dag = run.dag_id == its_run.dag_id
            wants_more = first.pool == other.pool and first.pool_slots >= other.pool_slots
            wants_same = is_same_dag and wants_more and first.executor == other.executor
            if wants_same and run.priority < its_run.priority and _has_room(before, after, its_run):
                yield (
                    f"{first.task_id} of run {run.run_id} of priority {run.priority} began, and {other.task_id} of run "
                    f"{its_run.run_id} of priority {its_run.priority} waits"
                )


def _has_room(before: Facts, after: Facts, run: Row[Any]) -> bool:
    old = before.runs.get(run.id)
    is_same = old is not None and (old.state, old.priority) == ("running", run.priority)
    is_paused = run.is_paused or after.dags[run.dag_id].is_paused
    has_room = old is not None and max(run.tasks_active, old.tasks_active) < run.max_active_tasks
    return is_same and run.state == "running" and run.ending is None and not is_paused and has_room


def _could_begin(facts: Facts, one: Row[Any]) -> bool:
    """Whether nothing but room is wanting, as far as its own definition tells."""
    if not facts.has_task(one):
        return False
    task = facts.task(one)
    is_plain = task.when is None and not task.depends_on_past and not task.is_mapped
    has_limit = task.max_active_tis is not None or task.max_active_tis_per_dag is not None
    return one.state == "scheduled" and one.ready and task.type == "shell" and is_plain and not has_limit


def _is_unmoved(before: Row[Any] | None, after: Row[Any]) -> bool:
    return before is not None and before.ready and before.state == "scheduled" and before.generation == after.generation
