"""What `mainspring run --wait` leaves for a CI system: a report of tests, and annotations of failed tasks."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.annotations import escaped, escaped_property
from mainspring_cli.client.exits import RemoteError
from mainspring_cli.client.following import Patience, ask, persist
from mainspring_cli.client.session import Session
from mainspring_cli.client.terminal_text import printable

__all__ = ["ANNOTATIONS", "annotation_lines", "check_report_path", "report_run"]

ANNOTATIONS = ("github", "gitlab")


def check_report_path(junit: Path) -> None:
    """Refuse a report that has no folder, while there is no run yet.

    Raises:
        click.UsageError: There is no such folder.
    """
    if not junit.parent.is_dir():
        raise click.UsageError(f"--junit {junit}: there is no folder {junit.parent}")


def report_run(
    session: Session, patience: Patience, dag_id: str, run_id: str, *, junit: Path | None, annotations: str | None
) -> None:
    """Write the report of a run to the file `junit`, and print annotations to the error stream.

    A failure is printed on the error stream and raises nothing, because a report does not change the end of the run.
    """
    if junit is not None:
        _try(lambda: _write_junit(session, patience, dag_id, run_id, junit))
    if annotations is not None:
        _try(lambda: _annotate(session, patience, dag_id, run_id, annotations))


def _try(step: Callable[[], None]) -> None:
    try:
        step()
    except RemoteError as exc:
        click.echo(f"mainspring: there is no report of the run: {exc}", err=True)
    except OSError as exc:
        click.echo(f"mainspring: {exc.filename}: the report cannot be written: {exc.strerror}", err=True)


def _write_junit(session: Session, patience: Patience, dag_id: str, run_id: str, junit: Path) -> None:
    from mainspring_client.api.dag_runs import get_dag_run_junit_report

    report = persist(patience, lambda: session.text(get_dag_run_junit_report, dag_id, run_id))
    try:
        junit.write_text(report, encoding="utf-8")
    except OSError as exc:
        # A disk that is full names no file.
        raise OSError(exc.errno, exc.strerror, str(junit)) from exc


def _annotate(session: Session, patience: Patience, dag_id: str, run_id: str, system: str) -> None:
    from mainspring_client.api.dag_runs import wait_dag_run_until_finished

    result = ask(session, patience, wait_dag_run_until_finished, dag_id, run_id, timeout=0)
    for line in annotation_lines(system, f"{dag_id}/{run_id}", result, now=time.time()):
        click.echo(line, err=True)


def annotation_lines(system: str, run: str, result: Mapping[str, Any], *, now: float) -> Iterator[str]:
    """A failed run in the language of a CI system; nothing for another run.

    result: a `WaitResult`. now: seconds since 1970.
    """
    if result["state"] != "failed":
        return
    tasks = result["failed_tasks"]
    if not tasks:
        tasks = [{"task_id": run, "map_index": -1, "message": result["message"], "last_lines": []}]
    for position, task in enumerate(tasks):
        index = "" if task["map_index"] < 0 else f"[{task['map_index']}]"
        name, message = f"{task['task_id']}{index}", printable(task["message"] or "failed")
        lines = list(map(printable, task["last_lines"]))
        if system == "github":
            text = "\n".join([f"{name}: {message}", *lines])
            yield f"::error title={escaped_property(f'{run}: {name} failed')}::{escaped(text)}"
        else:
            yield from _gitlab_section(f"mainspring_{position}", f"{name} failed: {message}", lines, now)
    hidden = result["failed_tasks_total"] - len(result["failed_tasks"])
    if hidden > 0:
        text = f"{hidden} more tasks of {run} failed"
        yield f"::error::{escaped(text)}" if system == "github" else text


def _gitlab_section(name: str, title: str, lines: list[str], now: float) -> Iterator[str]:
    """A section of the job's log that opens at a click."""
    clear, red, plain = "\x1b[0K", "\x1b[31m", "\x1b[0m"
    yield f"{clear}section_start:{now:.0f}:{name}[collapsed=true]\r{clear}{red}{title}{plain}"
    yield from lines
    yield f"{clear}section_end:{now:.0f}:{name}\r{clear}"
