"""`mainspring dags`: save, look at and control DAGs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.definition_files import dag_id_of, find_definitions, read_definition
from mainspring_cli.client.exits import Exit, Rejected, describe_fault
from mainspring_cli.client.output import Output
from mainspring_cli.client.resource_names import DAG_ID
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.commands.definition_checks import lint

__all__ = ["dags"]

_MEMBERS = (
    *("dag_id", "description", "tags", "is_paused", "version", "last_parsed_time", "timetable_summary"),
    *("timetable_description", "schedule_error", "next_dagrun_run_after", "catchup", "start_date", "end_date"),
    *("max_active_runs", "max_active_tasks", "active_runs_count", "doc_md"),
)
"""What is shown of a DAG in a table."""
_SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))


@click.group()
def dags() -> None:
    """Save, look at and control DAGs."""


dags.add_command(lint)


@dags.command()
@_SOURCES
@click.option("-m", "--message", default="", help="Reason of the change, kept with each new version.")
@click.option("--atomic", "is_atomic", is_flag=True, help="Save all definitions, or none.")
@with_session
def apply(session: Session, sources: tuple[Path, ...], message: str, is_atomic: bool) -> None:
    """Save the definitions in SOURCES: files of JSON or YAML, or folders of them.

    Each file is one DAG; the id is `dag_id`, or the name of the file.
    """
    from mainspring_client.api.dags import put_dag, put_dags
    from mainspring_client.models import DagsBody

    if is_atomic:
        body = DagsBody.from_dict({"definitions": _texts(sources), "message": message})
        saved = session.call(put_dags, body=body)["dags"]
        session.output.rows(saved, ("dag_id", "action", "version_number"))
        return

    def save(path: Path) -> dict[str, Any]:
        dag = session.call(put_dag, dag_id_of(path), body=read_definition(path), message=message)
        _print_warnings(path, dag.get("warnings", ()))
        return {"dag_id": dag["dag_id"], "version_number": dag["latest_dag_version"]["version_number"]}

    _each(session, sources, save, "{dag_id}: version {version_number}")


@dags.command()
@_SOURCES
@click.option("--removed", "removed", multiple=True, help="Id of a DAG that would be removed; repeatable.")
@with_session
def plan(session: Session, sources: tuple[Path, ...], removed: tuple[str, ...]) -> None:
    """Say what saving the definitions in SOURCES would change. Nothing is written.

    Ends with 6 when a definition has a fault or a change breaks a caller.
    """
    from mainspring_client.api.dags import plan_dags
    from mainspring_client.models import PlanBody

    body = PlanBody.from_dict({"definitions": _texts(sources), "removed": list(removed)})
    answer = session.call(plan_dags, body=body)
    if session.output.is_table:
        for line in plan_lines(answer["dags"]):
            session.output.line(line)
    else:
        session.output.item(answer)
    if any(dag["breaking"] or dag["hidden_breaking"] for dag in answer["dags"]):
        raise SystemExit(Exit.REJECTED)


@dags.command()
@_SOURCES
@with_session
def validate(session: Session, sources: tuple[Path, ...]) -> None:
    """Check the definitions in SOURCES, without saving them."""
    from mainspring_client.api.dags import validate_dag

    def check(path: Path) -> dict[str, Any]:
        answer: dict[str, Any] = session.call(validate_dag, body=read_definition(path), dag_id=dag_id_of(path))
        return answer

    _each(session, sources, check, "{dag_id}: valid, {task_count} tasks")


@dags.command("list")
@click.option("--tag", "tags", multiple=True, help="Only DAGs with this tag; repeatable.")
@click.option("--paused/--not-paused", default=None, help="Only DAGs that are paused, or are not.")
@with_session
def list_dags(session: Session, tags: tuple[str, ...], paused: bool | None) -> None:
    """List DAGs."""
    from mainspring_client.api.dags import get_dags
    from mainspring_client.types import UNSET

    rows = session.rows(get_dags, "dags", tags=list(tags), paused=UNSET if paused is None else paused)
    session.output.rows(rows, ("dag_id", "is_paused", "timetable_summary", "next_dagrun_run_after", "description"))


@dags.command()
@DAG_ID
@click.option("--definition", "is_definition", is_flag=True, help="The definition itself.")
@with_session
def show(session: Session, dag_id: str, is_definition: bool) -> None:
    """Show one DAG."""
    from mainspring_client.api.dags import get_dag_definition, get_dag_details

    answer = session.call(get_dag_definition if is_definition else get_dag_details, dag_id)
    if not session.output.is_table:
        session.output.item(answer)
    elif is_definition:
        Output("yaml").item(answer)
    else:
        tags = ", ".join(tag["name"] for tag in answer["tags"])
        version = answer["latest_dag_version"]["version_number"]
        session.output.item({**answer, "tags": tags or None, "version": version}, _MEMBERS)


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


def _each(session: Session, sources: tuple[Path, ...], action: Callable[[Path], dict[str, Any]], pattern: str) -> None:
    """Do `action` with each file and print its result by `pattern`.

    A refused file does not stop the next files; its faults are printed in the form of compilers, `file:line: fault`.
    """
    results = []
    for path in find_definitions(sources):
        try:
            result = {**action(path), "errors": []}
        except Rejected as exc:
            result = {"errors": _print_faults(path, str(exc), exc.faults)}
        except OSError as exc:
            result = {"errors": _print_faults(path, f"cannot be read: {exc.strerror}")}
        results.append({"file": str(path), **result})
        if session.output.is_table and not result["errors"]:
            session.output.line(pattern.format_map(result))
    if not session.output.is_table:
        session.output.rows(results, ())
    if any(result["errors"] for result in results):
        raise SystemExit(Exit.REJECTED)


def plan_lines(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A plan for people: each DAG, then its changes, broken callers and doubts."""
    for dag in plans:
        yield f"{dag['dag_id']}: {dag['action']}"
        if dag["action"] != "create":
            yield from (f"  {change['text']}" for change in dag["changes"])
        for caller in dag["breaking"]:
            yield f"  breaks {caller['kind']} {caller['caller']}: {caller['why']}"
        if dag["hidden_breaking"]:
            yield f"  breaks {dag['hidden_breaking']} callers that you may not see"
        if dag["catchup_runs"]:
            yield f"  {dag['catchup_runs']} runs would be due at once"
        if dag["in_flight_total"] and dag["action"] == "change":
            yield f"  {dag['in_flight_total']} runs go on with their version"
        yield from (f"  warning: {describe_fault(warning)}" for warning in dag["warnings"])


def _texts(sources: tuple[Path, ...]) -> list[dict[str, Any]]:
    """The bodies of definitions for `plan_dags` and `put_dags`. JSON is sent as YAML, which has lines."""
    texts = []
    for path in find_definitions(sources):
        text = path.read_text(encoding="utf-8", errors="replace")
        texts.append({"dag_id": dag_id_of(path), "text": text.replace("\t", " ") if path.suffix == ".json" else text})
    return texts


def _print_warnings(path: Path, warnings: Sequence[Mapping[str, Any]]) -> None:
    for warning in warnings:
        line = "" if warning["line"] is None else f":{warning['line']}"
        click.echo(f"{path}{line}: warning: {describe_fault(warning)}", err=True)


def _print_faults(path: Path, message: str, reported: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
    """Print the server's faults, or a fault with `message`, and return them."""
    faults = list(reported or [{"line": None, "pointer": "", "message": message, "hint": None}])
    for fault in faults:
        line = "" if fault["line"] is None else f":{fault['line']}"
        click.echo(f"{path}{line}: {describe_fault(fault)}", err=True)
    return faults
