"""`mainspring dags`: save, look at and control DAGs."""

from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.definition_files import dag_id_of, read_definition
from mainspring_cli.client.output import Output
from mainspring_cli.client.resource_names import DAG_ID
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.commands.definition_checks import lint
from mainspring_cli.commands.definition_saves import SOURCES, apply, each_definition, plan

__all__ = ["dags"]

_MEMBERS = (
    *("dag_id", "description", "tags", "is_paused", "bundle_name", "is_stale", "version", "last_parsed_time"),
    *("timetable_summary", "timetable_description", "schedule_error", "next_dagrun_run_after", "catchup"),
    *("start_date", "end_date", "max_active_runs", "max_active_tasks", "active_runs_count", "last_run", "doc_md"),
)
"""What is shown of a DAG in a table."""
_TASK_COLUMNS = ("task_id", "type", "depends_on")


@click.group()
def dags() -> None:
    """Save, look at and control DAGs."""


dags.add_command(lint)
dags.add_command(apply)
dags.add_command(plan)


@dags.command()
@SOURCES
@with_session
def validate(session: Session, sources: tuple[Path, ...]) -> None:
    """Check the definitions in SOURCES, without saving them."""
    from mainspring_client.api.dags import validate_dag

    def check(path: Path) -> dict[str, Any]:
        answer: dict[str, Any] = session.call(validate_dag, body=read_definition(path), dag_id=dag_id_of(path))
        return answer

    each_definition(session, sources, check, "{dag_id}: valid, {task_count} tasks")


@dags.command("list")
@click.option("--tag", "tags", multiple=True, help="Only DAGs with this tag; repeatable.")
@click.option("--paused/--not-paused", default=None, help="Only DAGs that are paused, or are not.")
@click.option("--bundle", "bundle_name", metavar="NAME", help="Only DAGs of this bundle.")
@click.option("--stale", "is_stale", is_flag=True, help="Also DAGs that their bundles no longer have.")
@with_session
def list_dags(
    session: Session, tags: tuple[str, ...], paused: bool | None, bundle_name: str | None, is_stale: bool
) -> None:
    """List DAGs."""
    from mainspring_client.api.dags import get_dags
    from mainspring_client.types import UNSET

    rows = session.rows(
        get_dags,
        "dags",
        tags=list(tags),
        paused=UNSET if paused is None else paused,
        bundle_name=bundle_name or UNSET,
        exclude_stale=not is_stale,
    )
    session.output.rows(rows, ("dag_id", "is_paused", "timetable_summary", "next_dagrun_run_after", "description"))


@dags.command()
@DAG_ID
@click.option("--definition", "is_definition", is_flag=True, help="The definition itself.")
@with_session
def show(session: Session, dag_id: str, is_definition: bool) -> None:
    """Show one DAG: its last and next run, and its tasks."""
    from mainspring_client.api.dags import get_dag_definition, get_dag_details

    if is_definition:
        definition = session.call(get_dag_definition, dag_id)
        (session.output if not session.output.is_table else Output("yaml")).item(definition)
        return
    dag = session.call(get_dag_details, dag_id)
    last_run, tasks = _last_run(session, dag_id), _tasks(session, dag_id)
    if not session.output.is_table:
        session.output.item({**dag, "last_run": last_run, "tasks": tasks})
        return
    shown = {
        "tags": ", ".join(tag["name"] for tag in dag["tags"]) or None,
        "version": dag["latest_dag_version"]["version_number"],
        "last_run": last_run and "{dag_run_id}, {state}, {run_after}".format(**last_run),
    }
    session.output.item({**dag, **shown}, _MEMBERS)
    click.echo()
    rows = [{**task, "depends_on": ", ".join(task["depends_on"])} for task in tasks]
    session.output.rows(rows, _TASK_COLUMNS)


def _last_run(session: Session, dag_id: str) -> dict[str, Any] | None:
    from mainspring_client.api.dag_runs import get_dag_runs

    page = session.call(get_dag_runs, dag_id, limit=1, order_by=["-run_after"], cursor="")
    return next(iter(page["dag_runs"]), None)


def _tasks(session: Session, dag_id: str) -> list[dict[str, Any]]:
    """Tasks in the order of their ids."""
    from mainspring_client.api.dags import get_dag_definition
    from mainspring_client.models import DefinitionForm

    tasks = session.call(get_dag_definition, dag_id, form=DefinitionForm.FLAT)["tasks"]
    return [{"task_id": task_id, "depends_on": [], **task} for task_id, task in sorted(tasks.items())]


@dags.command("next")
@DAG_ID
@click.option("-n", "--count", type=click.IntRange(1, 100), default=10, show_default=True)
@with_session
def next_runs(session: Session, dag_id: str, count: int) -> None:
    """Show when a DAG's schedule will run it next."""
    from mainspring_client.api.schedules import get_dag_schedule

    preview = session.call(get_dag_schedule, dag_id, count=count)
    if session.output.is_table:
        click.echo(preview["timetable_description"], err=True)
        for dropped in preview["dropped"]:
            click.echo(f"Left out: {dropped['local_time']} ({dropped['reason']})", err=True)
        if preview["is_paused"]:
            click.echo("The DAG is paused: none of these is due before that ends.", err=True)
    session.output.rows(preview["runs"], ("run_after", "local_time", "logical_date", "data_interval_end", "moved"))


@dags.command()
@DAG_ID
@with_session
def explain(session: Session, dag_id: str) -> None:
    """Say why the schedule of a DAG makes no run now, and why it made none in the last days."""
    from mainspring_client.api.explanations import explain_dag

    answer = session.call(explain_dag, dag_id)
    if session.output.is_table:
        session.output.rows(answer["blockers"], ("code", "text", "since", "ids"))
    else:
        session.output.item(answer)


@dags.command()
@DAG_ID
@with_session
def pause(session: Session, dag_id: str) -> None:
    """Let no run of a DAG start."""
    _set_paused(session, dag_id, True)


@dags.command()
@DAG_ID
@with_session
def unpause(session: Session, dag_id: str) -> None:
    """Let the runs of a DAG start again."""
    _set_paused(session, dag_id, False)


@dags.command()
@DAG_ID
@with_session
def versions(session: Session, dag_id: str) -> None:
    """List the saved versions of a DAG, latest first: who saved them, why, and what changed."""
    from mainspring_client.api.dags import get_dag_versions

    rows = session.rows(get_dag_versions, "dag_versions", dag_id, order_by=["-version_number"])
    session.output.rows(rows, ("version_number", "created_at", "created_by", "message", "summary", "run_count"))


@dags.command()
@DAG_ID
@click.argument("older", type=click.IntRange(1))
@click.argument("newer", type=click.IntRange(1))
@with_session
def diff(session: Session, dag_id: str, older: int, newer: int) -> None:
    """Show the differences between two versions of a DAG, by meaning and by lines."""
    from mainspring_client.api.dags import get_dag_version_diff

    answer = session.call(get_dag_version_diff, dag_id, older, newer)
    if not session.output.is_table:
        session.output.item(answer)
        return
    for change in answer["changes"]:
        session.output.line(change["text"])
    for fault in answer["incompatible"]:
        session.output.line(f"incompatible: {fault['text']}")
    for line in answer["diff"].splitlines():
        session.output.line(line)


@dags.command()
@DAG_ID
@click.option("--version", "version_number", type=click.IntRange(1), help="Which version (default: the current one).")
@with_session
def openapi(session: Session, dag_id: str, version_number: int | None) -> None:
    """Print the OpenAPI document of a DAG as JSON, for generators of clients."""
    from mainspring_client.api.dags import get_dag_openapi
    from mainspring_client.types import UNSET

    Output("json").item(session.call(get_dag_openapi, dag_id, version_number=version_number or UNSET))


@dags.command()
@DAG_ID
@click.argument("version_number", type=click.IntRange(1))
@click.option("-m", "--message", default="", help="Reason, kept with the new version.")
@with_session
def rollback(session: Session, dag_id: str, version_number: int, message: str) -> None:
    """Save the definition of an earlier version again, as a new version. Runs keep their versions."""
    from mainspring_client.api.dags import restore_dag_version
    from mainspring_client.models import RestoreBody

    dag = session.call(restore_dag_version, dag_id, version_number, body=RestoreBody(message=message))
    if session.output.is_table:
        session.output.line(f"{dag_id}: version {dag['latest_dag_version']['version_number']}")
    else:
        session.output.item(dag)


@dags.command()
@DAG_ID
@click.confirmation_option("-y", "--yes", prompt="Delete the DAG with all its versions, runs, logs and outputs?")
@with_session
def delete(session: Session, dag_id: str) -> None:
    """Delete a DAG with its versions, runs, logs and outputs."""
    from mainspring_client.api.dags import delete_dag

    session.call(delete_dag, dag_id)
    click.echo(f"{dag_id} is deleted", err=True)


def _set_paused(session: Session, dag_id: str, is_paused: bool) -> None:
    from mainspring_client.api.dags import patch_dag
    from mainspring_client.models import DagPatch

    session.output.item(session.call(patch_dag, dag_id, body=DagPatch(is_paused=is_paused)), ("dag_id", "is_paused"))
