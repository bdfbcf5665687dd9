"""`mainspring runs`: read and change runs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from mainspring.instants import format_instant
from mainspring_cli.client.log_tail import LogTail
from mainspring_cli.client.parameters import INSTANT
from mainspring_cli.client.resource_names import DAG_ID, DAG_ID_OR_ALL, RUN_ID
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.commands.operations import delete_run, mark, outputs, signal, signals
from mainspring_cli.commands.run import RUN_MEMBERS

__all__ = ["runs"]

_COLUMNS = ("dag_id", "dag_run_id", "state", "state_reason", "run_type", "start_date", "duration")
_INSTANCE_COLUMNS = (
    *("task_id", "map_index", "rendered_map_index", "state", "state_reason", "try_number", "turn"),
    *("start_date", "duration", "message"),
)
BLOCKER_COLUMNS = ("task_id", "map_index", "code", "text", "since", "position")
_STATES = ("queued", "running", "success", "failed")


@click.group()
def runs() -> None:
    """Look at runs; cancel them, run them again."""


for _command in (mark, delete_run, outputs, signal, signals):
    runs.add_command(_command)


@runs.command("list")
@DAG_ID_OR_ALL
@click.option("--state", "states", type=click.Choice(_STATES), multiple=True, help="Only in this state; repeatable.")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@with_session
def list_runs(session: Session, dag_id: str, states: tuple[str, ...], limit: int) -> None:
    """List the latest runs of a DAG, or of all DAGs."""
    from mainspring_client.api.dag_runs import get_dag_runs
    from mainspring_client.models import DagRunState

    wanted_states = [DagRunState(state) for state in states]
    # By cursor: counting all runs of all DAGs exactly is of no use here.
    page = session.call(get_dag_runs, dag_id, state=wanted_states, limit=limit, order_by=["-run_after"], cursor="")
    session.output.rows(page["dag_runs"], _COLUMNS)


@runs.command()
@DAG_ID
@RUN_ID
@with_session
def show(session: Session, dag_id: str, run_id: str) -> None:
    """Show one run and its tasks, with the last lines of those that failed."""
    from mainspring_client.api.dag_runs import get_dag_run
    from mainspring_client.api.task_instances import get_task_instances

    run = session.call(get_dag_run, dag_id, run_id)
    instances = list(session.rows(get_task_instances, "task_instances", dag_id, run_id))
    is_waiting = run["state"] in ("queued", "running")
    failed = _failed_tasks(session, dag_id, run_id) if run["state"] == "failed" else []
    if not session.output.is_table:
        blockers = {"blockers": _run_blockers(session, dag_id, run_id)} if is_waiting else {}
        session.output.item({**run, "task_instances": instances, "failed_tasks": failed, **blockers})
        return
    session.output.item(run, RUN_MEMBERS)
    click.echo()
    session.output.rows(instances, _INSTANCE_COLUMNS)
    blockers_of_run = _run_blockers(session, dag_id, run_id) if is_waiting else []
    if blockers_of_run:
        click.echo()
        session.output.rows(blockers_of_run, BLOCKER_COLUMNS)
    for task in failed:
        index = "" if task["map_index"] < 0 else f"[{task['map_index']}]"
        session.output.line(f"\n{task['task_id']}{index}: {task['message'] or 'failed'}")
        for line in task["last_lines"]:
            session.output.line(f"  {line}")


def _failed_tasks(session: Session, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    from mainspring_client.api.dag_runs import wait_dag_run_until_finished

    failed: list[dict[str, Any]] = session.call(wait_dag_run_until_finished, dag_id, run_id, timeout=0)["failed_tasks"]
    return failed


@runs.command("set-version")
@DAG_ID
@RUN_ID
@click.argument("version_number", type=click.IntRange(1))
@click.option("--restart-running", is_flag=True, help="Stop tasks that are under way, and start them again.")
@with_session
def set_version(session: Session, dag_id: str, run_id: str, version_number: int, restart_running: bool) -> None:
    """Let a run that has not ended go on with another version. What is finished stays."""
    from mainspring_client.api.clearing import change_dag_run_version
    from mainspring_client.models import RunVersionBody

    body = RunVersionBody(version_number=version_number, restart_running=restart_running)
    session.output.item(session.call(change_dag_run_version, dag_id, run_id, body=body), RUN_MEMBERS)


@runs.command()
@DAG_ID
@RUN_ID
@click.argument("task_id", required=False)
@click.option("--map-index", type=click.IntRange(-1), default=-1, help="Which instance of a mapped task.")
@with_session
def explain(session: Session, dag_id: str, run_id: str, task_id: str | None, map_index: int) -> None:
    """Say why a run waits, or why one of its tasks does. Prints nothing for what waits for nothing."""
    from mainspring_client.api.explanations import explain_dag_run, explain_task_instance

    if task_id is None:
        answer = session.call(explain_dag_run, dag_id, run_id)
        blockers = _named_blockers(answer)
    else:
        answer = session.call(explain_task_instance, dag_id, run_id, task_id, map_index=map_index)
        blockers = [{**blocker, "task_id": task_id, "map_index": map_index} for blocker in answer["blockers"]]
    if session.output.is_table:
        session.output.rows(blockers, BLOCKER_COLUMNS)
    else:
        session.output.item(answer)


def _run_blockers(session: Session, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    from mainspring_client.api.explanations import explain_dag_run

    return _named_blockers(session.call(explain_dag_run, dag_id, run_id))


def _named_blockers(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The blockers of a run and of its instances, each with the task that it is about; None = the run."""
    of_run = [{**blocker, "task_id": None, "map_index": None} for blocker in answer["blockers"]]
    of_tasks = [
        {**blocker, "task_id": instance["task_id"], "map_index": instance["map_index"]}
        for instance in answer["instances"]
        for blocker in instance["blockers"]
    ]
    return [*of_run, *of_tasks]


@runs.command()
@DAG_ID
@RUN_ID
@with_session
def cancel(session: Session, dag_id: str, run_id: str) -> None:
    """Cancel a run: running tasks are stopped, waiting tasks are not started. No effect on a failed run."""
    from mainspring_client.api.dag_runs import get_dag_run, patch_dag_run
    from mainspring_client.models import RunPatch

    run = session.call(get_dag_run, dag_id, run_id)
    if run["state"] == "success":
        raise click.ClickException(f"run {run_id} has succeeded; there is nothing to cancel")
    session.output.item(
        session.call(patch_dag_run, dag_id, run_id, body=RunPatch.from_dict({"state": "failed"})), RUN_MEMBERS
    )


@runs.command()
@DAG_ID
@RUN_ID
@with_session
def pause(session: Session, dag_id: str, run_id: str) -> None:
    """Pause a run: active tasks go on, no further task starts."""
    _change(session, dag_id, run_id, is_paused=True)


@runs.command()
@DAG_ID
@RUN_ID
@with_session
def unpause(session: Session, dag_id: str, run_id: str) -> None:
    """Let a paused run go on."""
    _change(session, dag_id, run_id, is_paused=False)


@runs.command()
@DAG_ID
@RUN_ID
@click.argument("run_after", type=INSTANT)
@with_session
def delay(session: Session, dag_id: str, run_id: str, run_after: datetime) -> None:
    """Change the earliest start of a queued run.

    RUN_AFTER is an instant such as 2026-12-24T18:00:00Z; an instant in the past stands for now.
    """
    _change(session, dag_id, run_id, run_after=format_instant(run_after))


@runs.command("priority", context_settings={"ignore_unknown_options": True})
@DAG_ID
@RUN_ID
@click.argument("priority", type=click.IntRange(-100, 100))
@with_session
def set_priority(session: Session, dag_id: str, run_id: str, priority: int) -> None:
    """Change the priority of a run: where places are short, runs and tasks of a higher priority start first."""
    _change(session, dag_id, run_id, priority=priority)


def _change(session: Session, dag_id: str, run_id: str, **members: Any) -> None:
    from mainspring_client.api.dag_runs import patch_dag_run
    from mainspring_client.models import RunPatch

    run = session.call(patch_dag_run, dag_id, run_id, body=RunPatch.from_dict(members))
    session.output.item(run, (*RUN_MEMBERS, *members))


@runs.command()
@DAG_ID
@RUN_ID
@click.option("-t", "--task", "tasks", multiple=True, help="Only this task and what follows from it; repeatable.")
@click.option("--all", "is_all", is_flag=True, help="Everything, not only what failed.")
@click.option("--dry-run", is_flag=True, help="Only show what would run again.")
@click.option("--version", "version_number", type=click.IntRange(1), help="Version that the run changes to.")
@with_session
def clear(
    session: Session,
    dag_id: str,
    run_id: str,
    tasks: tuple[str, ...],
    is_all: bool,
    dry_run: bool,
    version_number: int | None,
) -> None:
    """Run again what failed in a run; or some tasks, or everything."""
    from mainspring_client.api.clearing import post_clear_task_instances
    from mainspring_client.models import ClearBody
    from mainspring_client.types import UNSET

    chosen: Any = list(tasks) or UNSET
    body = ClearBody(
        dag_run_id=run_id,
        dry_run=dry_run,
        only_failed=not is_all and not tasks,
        task_ids=chosen,
        include_downstream=bool(tasks),
        version_number=version_number,
    )
    session.output.rows(session.call(post_clear_task_instances, dag_id, body=body)["task_instances"], _INSTANCE_COLUMNS)


@runs.command()
@DAG_ID
@RUN_ID
@click.argument("task_id", required=False)
@click.option("--try", "try_number", type=click.IntRange(1), help="Which try (default: the latest).")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@with_session
def logs(session: Session, dag_id: str, run_id: str, task_id: str | None, try_number: int | None, follow: bool) -> None:
    """Print what the tasks of a run wrote: the unchanged lines of a task, or the lines of all tasks with the task in
    front.

    JSON and YAML are a single document, printed after the last line.
    """
    tail = LogTail(session, dag_id, run_id, task_id=task_id, try_number=try_number)
    lines = tail.follow() if follow else tail.read()
    if not session.output.is_table:
        session.output.rows(map(asdict, lines), ())
        return
    for line in lines:
        session.output.raw(line.event if task_id and line.map_index < 0 else f"{line.name} | {line.event}")
