"""`mainspring run`: start a run, and wait for its end if asked to. Made for CI: see docs/ci.md for the exit codes."""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from mainspring_cli.client.conf_input import read_conf, with_conf
from mainspring_cli.client.definition_files import definition_text
from mainspring_cli.client.exits import Exit, OutputClosed, Rejected, Unreachable
from mainspring_cli.client.following import REACH_SECONDS, Patience, Show, await_end, exit_of, start_run
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.parameters import DURATION
from mainspring_cli.client.progress import Progress, open_progress
from mainspring_cli.client.resource_names import DAG_ID
from mainspring_cli.client.session import Session, open_session
from mainspring_cli.client.terminal_text import printable
from mainspring_cli.commands.run_reports import ANNOTATIONS, check_report_path, report_run

__all__ = ["RUN_MEMBERS", "run"]

RUN_MEMBERS = (
    *("dag_id", "dag_run_id", "state", "state_reason", "message", "run_type", "run_after", "start_date", "end_date"),
    *("duration", "params", "outputs", "note"),
)
"""What is shown of a run in a table."""
_LOG_LINES = 20
"""Of each task that failed."""
_FAILED_TASKS_MAX = 5
_TASKS_SHOWN_MAX = 100


@click.command()
@DAG_ID
@with_conf
@click.option("--run-id", metavar="ID", help="Of the run (default: one that is made).")
@click.option("--note", help="For people who look at the run.")
@click.option("--priority", type=click.IntRange(-100, 100), help="A higher priority starts first (default: the DAG's).")
@click.option("--version", "version_number", type=click.IntRange(1), help="Which version (default: the current one).")
@click.option("--no-save", "is_inline", is_flag=True, help="DAG_ID is a file: run its definition without saving it.")
@click.option("--wait", "is_waiting", is_flag=True, help="Wait for the end and tell it by the exit code.")
@click.option("--timeout", type=DURATION, help="How long to wait at most; the run goes on afterwards.")
@click.option(
    "--reach-timeout", type=DURATION, default=REACH_SECONDS, show_default="1m", help="How long without any answer."
)
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="Write the run as a JUnit report."
)
@click.option("--annotations", type=click.Choice(ANNOTATIONS), help="Show failed tasks as this CI system shows errors.")
@click.option("-q", "--quiet", is_flag=True, help="Do not show the tasks.")
@click.option("--context", metavar="NAME", help="Which server (default: the current context).")
@with_output
def run(
    dag_id: str,
    params: tuple[str, ...],
    conf: str | None,
    run_id: str | None,
    note: str | None,
    priority: int | None,
    version_number: int | None,
    is_inline: bool,
    is_waiting: bool,
    timeout: float | None,
    reach_timeout: float,
    junit: Path | None,
    annotations: str | None,
    quiet: bool,
    context: str | None,
    output: Output,
) -> None:
    """Start a run of a DAG.

    Exit codes with --wait: 0 success, 1 failed, 2 usage, 3 cancelled, 4 still running at the timeout, 5 server
    unreachable, 6 rejected. A report that fails changes no exit code.
    """
    if not is_waiting and (junit or annotations):
        raise click.UsageError("--junit and --annotations need --wait: they are about the end of the run")
    if junit is not None:
        check_report_path(junit)
    if is_inline and version_number is not None:
        raise click.UsageError("--no-save and --version exclude each other")
    definition: dict[str, Any] = {"version_number": version_number, "priority": priority}
    if is_inline:
        definition = {**definition_text(_file(dag_id)), "priority": priority}
        dag_id = definition["dag_id"]
    # A key of its own, not the run's id: who asks for the same id again means a second run, and is to be refused.
    session = open_session(context, output, headers={"Idempotency-Key": secrets.token_hex(16)})
    trigger = {"dag_run_id": run_id or _new_run_id(), "conf": read_conf(params, conf), "note": note, **definition}
    deadline = None if timeout is None else time.monotonic() + timeout
    patience = Patience(reach_seconds=reach_timeout, deadline=deadline)
    started = start_run(session, dag_id, trigger, patience, is_inline=is_inline)
    _tell_when_paused(session, dag_id)
    if not is_waiting:
        session.output.item(started, RUN_MEMBERS)
        return
    exit_code = _wait(session, started, patience, is_quiet=quiet or annotations is not None)
    if exit_code in (Exit.SUCCESS, Exit.FAILED, Exit.CANCELLED, Exit.STILL_RUNNING):
        report_run(session, patience, dag_id, started["dag_run_id"], junit=junit, annotations=annotations)
    raise SystemExit(exit_code)


def _wait(session: Session, started: dict[str, Any], patience: Patience, *, is_quiet: bool) -> Exit:
    dag_id, run_id = started["dag_id"], started["dag_run_id"]
    _tell(f"run {run_id} of {dag_id}")
    try:
        with _progress(session, dag_id, run_id, is_quiet=is_quiet) as show:
            run_at_end = await_end(session, dag_id, run_id, patience, show=show)
    except KeyboardInterrupt:
        _tell(f"no longer waiting; the run goes on: mainspring runs show {dag_id} {run_id}")
        return Exit.INTERRUPTED
    exit_code = exit_of(run_at_end)
    if exit_code is Exit.FAILED and not is_quiet:
        _show_failures(session, dag_id, run_id)
    with suppress(OutputClosed):  # the exit code says how the run ended
        session.output.item(run_at_end, RUN_MEMBERS)
    return exit_code


def _tell_when_paused(session: Session, dag_id: str) -> None:
    from mainspring_client.api.dags import get_dag

    with suppress(Unreachable, Rejected):
        if session.call(get_dag, dag_id)["is_paused"]:
            _tell(f"{dag_id} is paused: its runs wait until that ends (mainspring dags unpause {dag_id})")


def _tell(line: str) -> None:
    click.echo(printable(line), err=True)


@contextmanager
def _progress(session: Session, dag_id: str, run_id: str, *, is_quiet: bool) -> Iterator[Show | None]:
    if is_quiet:
        yield None
        return
    with closing(open_progress(sys.stderr)) as progress:
        yield partial(_show_tasks, session, dag_id, run_id, progress)


def _show_tasks(session: Session, dag_id: str, run_id: str, progress: Progress) -> None:
    from mainspring_client.api.task_instances import get_task_instances

    with suppress(Unreachable):  # the table of tasks decides nothing
        progress.show(session.call(get_task_instances, dag_id, run_id, limit=_TASKS_SHOWN_MAX)["task_instances"])


def _show_failures(session: Session, dag_id: str, run_id: str) -> None:
    """The end of the log of each task that failed."""
    from mainspring_client.api.logs import get_log
    from mainspring_client.api.task_instances import get_task_instances
    from mainspring_client.models import TaskInstanceState

    with suppress(Unreachable, Rejected):
        failed = session.call(
            get_task_instances, dag_id, run_id, state=[TaskInstanceState.FAILED], limit=_FAILED_TASKS_MAX
        )
        for instance in failed["task_instances"]:
            task_id, try_number = instance["task_id"], instance["try_number"]
            _tell(f"\n{task_id} failed at try {try_number}: {instance['message'] or 'no reason given'}")
            where = (dag_id, run_id, task_id, try_number)
            log = session.call(get_log, *where, map_index=instance["map_index"], full_content=True)
            for line in log["content"][-_LOG_LINES:]:
                _tell(f"  {line['event']}")


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise click.UsageError(f"--no-save needs a file: there is no file {name}")
    return path


def _new_run_id() -> str:
    return f"cli__{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}_{secrets.token_hex(4)}"
