"""What `mainspring run --wait` leaves for a CI system: a report of tests, and annotations of failed tasks."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.annotations import escaped, escaped_property
from mainspring_cli.client.session import Session

__all__ = ["ANNOTATIONS", "annotation_lines", "report_run"]

ANNOTATIONS = ("github", "gitlab")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def report_run(session: Session, dag_id: str, run_id: str, *, junit: Path | None, annotations: str | None) -> None:
    """Write the report of a run to the file `junit`, and print annotations to the error stream.

    Raises:
        Rejected, Unreachable: See `Session.call`.
        click.FileError: The file cannot be written.
    """
    from mainspring_client.api.dag_runs import get_dag_run_junit_report, wait_dag_run_until_finished

    if junit is not None:
        report = session.text(get_dag_run_junit_report, dag_id, run_id)
        try:
            junit.write_text(report, encoding="utf-8")
        except OSError as exc:
            raise click.FileError(str(junit), exc.strerror or "cannot be written") from exc
    if annotations is not None:
        result = session.call(wait_dag_run_until_finished, dag_id, run_id, timeout=0)
        for line in annotation_lines(annotations, f"{dag_id}/{run_id}", result, now=time.time()):
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
        name, message = f"{task['task_id']}{index}", task["message"] or "failed"
        lines = [_CONTROLS.sub("", line) for line in task["last_lines"]]
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
    yield f"{clear}section_start:{now:.0f}:{name}[collapsed=true]\r{clear}{red}{_CONTROLS.sub('', title)}{plain}"
    yield from lines
    yield f"{clear}section_end:{now:.0f}:{name}\r{clear}"
