"""Another version for a run that has not ended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mainspring.errors import Conflict
from mainspring.selection import Instance
from mainspring.states import RUN_FINISHED, TASK_ACTIVE, TASK_FINISHED, StateReason, TaskState
from mainspring_store.database.transactions import Database
from mainspring_store.interventions.changes import Changes
from mainspring_store.interventions.clearing import Clearing, collect
from mainspring_store.interventions.targets import RunSelection, Shape, TargetRun, find_runs, load_runs
from mainspring_store.interventions.version_change import VersionChange, change_version, write_version_changes
from mainspring_store.queries.runs import run_not_found
from mainspring_store.resources.versions import Versions
from mainspring_store.tables import task_instance

__all__ = ["change_run_version"]


def change_run_version(
    database: Database,
    versions: Versions,
    dag_id: str,
    run_id: str,
    version_number: int,
    *,
    restarts: bool,
    now: datetime,
) -> bool:
    """Let an unfinished run go on with another saved version; False, without a change, when the run executes it.

    - Finished instances stay as they are.
    - Added tasks get instances. Instances of removed tasks become `removed`.
    - Instances that have not begun follow the new version.
    - An instance under way was decided by the old version: with `restarts` it is stopped, and a kept task starts again
      in the new version.

    Time limits and deadlines of the run that count already keep their instants.

    Raises:
        NotFound: There is no such DAG, version or run.
        Conflict: The run has ended, or its end has begun; the version was not saved; a task with a finished instance
            became mapped or stopped being mapped; or a task is under way without `restarts`.
        InvalidParams: The `conf` of the run does not fit the version.
    """
    target = versions.numbered(dag_id, version_number)
    shapes = find_runs(database, versions, dag_id, RunSelection(run_id=run_id))
    with database.write() as connection:
        runs = load_runs(connection, shapes, is_locking=True)
        if not runs:
            raise run_not_found(dag_id, run_id)
        run = runs[0]
        _refuse_ended(run)
        if run.shape.version_id == target.id:
            return False
        change = change_version(run, Shape(target.id, target.definition))
        _refuse_remapped(change)
        begun = _under_way(connection, change.run)
        if begun and not restarts:
            raise Conflict(_refusal(change.run, begun))
        stopped = [instance for instance in begun if instance.task_index < len(target.definition.tasks)]
        changes = Changes(
            now=now, fence_reason=StateReason.CANCELLED, fence_message="stopped, because its run changed the version"
        )
        collect(changes, Clearing(change.run, stopped, change))
        write_version_changes(connection, [change], moved_ids=changes.moved, now=now)
        changes.apply(connection)
    return True


def _under_way(connection: Connection, run: TargetRun) -> Sequence[Instance]:
    """The instances that an executor has, and the instances that wait."""
    waiting = set(connection.scalars(_WAITING, {"run": run.key}))
    return [
        instance
        for instance in run.instances
        if instance.state in TASK_ACTIVE or instance.state is TaskState.DEFERRED or instance.id in waiting
    ]


def _refuse_ended(run: TargetRun) -> None:
    if run.state in RUN_FINISHED or run.is_ending:
        what = f"the end of run '{run.run_id}' has begun" if run.is_ending else f"run '{run.run_id}' has ended"
        raise Conflict(f"{what}; clear it with version_number to run it again")


def _refuse_remapped(change: VersionChange) -> None:
    """Such a task starts again from one instance, so its finished instances would not stay."""
    instances = [instance for remapped in change.remapped.values() for instance in remapped]
    finished = [instance for instance in instances if instance.state in TASK_FINISHED]
    if finished:
        raise Conflict(
            f"task {_named(change.run, finished)} of run '{change.run.run_id}' has a finished instance and became "
            "mapped or stopped being mapped in the version, so it would run again; let the run end and clear it with "
            "version_number, or choose another version"
        )


def _named(run: TargetRun, instances: Sequence[Instance]) -> str:
    names = sorted({f"'{run.rows[instance.id].task_id}'" for instance in instances})
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _refusal(run: TargetRun, begun: Sequence[Instance]) -> str:
    return (
        f"task {_named(run, begun)} of run '{run.run_id}' is under way with the version that the run has; wait for its "
        "end, or send restart_running: true to stop it and start it again in the new version"
    )


_WAITING = select(task_instance.c.id).where(
    task_instance.c.dag_run_id == bindparam("run"),
    task_instance.c.state == TaskState.SCHEDULED,
    task_instance.c.waits_for.is_not(None),
)
