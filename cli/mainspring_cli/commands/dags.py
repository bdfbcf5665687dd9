"""`mainspring dags`: save, look at and control DAGs."""

from io import BytesIO
from pathlib import Path
from typing import Any

import click

from mainspring_cli.exits import Exit, Rejected
from mainspring_cli.remote import Session, with_session

__all__ = ["dags"]

_SUFFIXES = (".yaml", ".yml", ".json")
_SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))


@click.group()
def dags() -> None:
    """Save, look at and control DAGs."""


@dags.command()
@_SOURCES
@with_session
def apply(session: Session, sources: tuple[Path, ...]) -> None:
    """Save the definitions in SOURCES: files of JSON or YAML, or folders of them.

    Each file is one DAG; its id is its `dag_id`, or the name of the file.
    """
    from mainspring_client.api.dags import put_dag

    def save(path: Path) -> str:
        dag = session.call(put_dag, _dag_id(path), body=_body(path))
        return f"{dag['dag_id']}: version {dag['latest_dag_version']['version_number']}"

    _each(sources, save)


@dags.command()
@_SOURCES
@with_session
def validate(session: Session, sources: tuple[Path, ...]) -> None:
    """Check the definitions in SOURCES, without saving them."""
    from mainspring_client.api.dags import validate_dag

    def check(path: Path) -> str:
        answer = session.call(validate_dag, body=_body(path), dag_id=_dag_id(path))
        return f"{answer['dag_id']}: valid, {answer['task_count']} tasks"

    _each(sources, check)


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
@click.argument("dag_id")
@click.option("--definition", "is_definition", is_flag=True, help="The definition itself.")
@with_session
def show(session: Session, dag_id: str, is_definition: bool) -> None:
    """Show one DAG."""
    from mainspring_client.api.dags import get_dag_definition, get_dag_details

    answer = session.call(get_dag_definition if is_definition else get_dag_details, dag_id)
    if is_definition and session.output.is_table:
        _print_yaml(answer)
    else:
        session.output.item(answer)


@dags.command("next")
@click.argument("dag_id")
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
@click.argument("dag_id")
@with_session
def pause(session: Session, dag_id: str) -> None:
    """Let no run of a DAG start."""
    _set_paused(session, dag_id, True)


@dags.command()
@click.argument("dag_id")
@with_session
def unpause(session: Session, dag_id: str) -> None:
    """Let the runs of a DAG start again."""
    _set_paused(session, dag_id, False)


@dags.command()
@click.argument("dag_id")
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


def _each(sources: tuple[Path, ...], action: Any) -> None:
    """Do `action` with each file and print its result; a file that is refused keeps none of the others back."""
    refused = 0
    for path in _files(sources):
        try:
            click.echo(action(path))
        except Rejected as exc:
            refused += 1
            click.echo(f"{path}: {exc}", err=True)
    if refused:
        raise SystemExit(Exit.REJECTED)


def _files(sources: tuple[Path, ...]) -> list[Path]:
    files = []
    for source in sources:
        within = sorted(each for each in source.rglob("*") if each.suffix in _SUFFIXES) if source.is_dir() else [source]
        if not within:
            raise click.UsageError(f"{source}: no {', '.join(_SUFFIXES)} there")
        files += within
    return files


def _body(path: Path) -> Any:
    """The file as it is. JSON is sent as YAML, which it is but for tabs, because the server tells lines for YAML."""
    from mainspring_client.types import File

    content = path.read_bytes()
    return File(payload=BytesIO(content.replace(b"\t", b" ") if path.suffix == ".json" else content))


def _dag_id(path: Path) -> str:
    """The id that the definition names; else the name of the file.

    What else is wrong with the file is for the server to say, which knows its lines.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError:
        return path.stem
    named = document.get("dag_id") if isinstance(document, dict) else None
    return named if isinstance(named, str) else path.stem


def _print_yaml(document: Any) -> None:
    import yaml

    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
