"""`mainspring backfill`: make the runs of a past range, and see how far that has come."""

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Protocol

import click

from mainspring.instants import parse_instant
from mainspring_cli.client.conf_input import read_conf, with_conf
from mainspring_cli.client.exits import Exit
from mainspring_cli.client.following import REACH_SECONDS, Patience, ask
from mainspring_cli.client.parameters import INSTANT
from mainspring_cli.client.resource_names import DAG_ID
from mainspring_cli.client.session import Session, with_session

__all__ = ["backfill"]

_COLUMNS = ("id", "dag_id", "from_date", "to_date", "state", "created_at", "completed_at", "message")
_POLL_SECONDS = 0.5


_ID = click.argument("backfill_id", type=int)
_FOLLOW = click.option("--follow", is_flag=True, help="Show how far it has come until it ends; 1 when runs failed.")


@click.group()
def backfill() -> None:
    """Make the runs of a past range."""


@backfill.command()
@DAG_ID
@click.option("--from", "from_date", type=INSTANT, required=True, help="Earliest logical date, or a date.")
@click.option("--to", "to_date", type=INSTANT, required=True, help="Latest logical date, or a date.")
@click.option("--reprocess", type=click.Choice(["none", "failed", "completed"]), default="none", show_default=True)
@click.option("--max-active-runs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--max-failed-runs", type=click.IntRange(1), help="So many failed runs pause it (default: never).")
@with_conf
@click.option("--backwards", is_flag=True, help="The latest first.")
@click.option("--dry-run", is_flag=True, help="Only list the runs that would be made.")
@_FOLLOW
@with_session
def create(
    session: Session,
    dag_id: str,
    from_date: datetime,
    to_date: datetime,
    reprocess: str,
    max_active_runs: int,
    max_failed_runs: int | None,
    params: tuple[str, ...],
    conf: str | None,
    backwards: bool,
    dry_run: bool,
    follow: bool,
) -> None:
    """Make the runs of a DAG's schedule between two dates; existing runs stay, unless --reprocess is given."""
    from mainspring_client.api.backfills import create_backfill, create_backfill_dry_run
    from mainspring_client.models import BackfillBody, JsonObject, ReprocessBehavior

    body = BackfillBody(
        dag_id=dag_id,
        from_date=from_date,
        to_date=to_date,
        dag_run_conf=JsonObject(read_conf(params, conf)) if params or conf else None,
        reprocess_behavior=ReprocessBehavior(reprocess),
        max_active_runs=max_active_runs,
        max_failed_runs=max_failed_runs,
        run_backwards=backwards,
    )
    if dry_run:
        planned = session.call(create_backfill_dry_run, body=body)
        session.output.rows(planned["backfills"], ("logical_date",))
        return
    made = session.call(create_backfill, body=body)
    _end(session, made, is_following=follow)


@backfill.command("list")
@DAG_ID
@with_session
def list_backfills_of(session: Session, dag_id: str) -> None:
    """List the backfills of a DAG."""
    from mainspring_client.api.backfills import list_backfills

    rows = session.rows(list_backfills, "backfills", dag_id=dag_id)
    if session.output.is_table:
        rows = ({**row, "done": "{}/{}".format(*_done(row["progress"]))} for row in rows)
    session.output.rows(rows, ("id", "dag_id", "done", *_COLUMNS[2:]))


@backfill.command()
@_ID
@_FOLLOW
@with_session
def show(session: Session, backfill_id: int, follow: bool) -> None:
    """Show how far a backfill has come."""
    from mainspring_client.api.backfills import get_backfill

    _end(session, session.call(get_backfill, backfill_id), is_following=follow)


@backfill.command()
@_ID
@with_session
def pause(session: Session, backfill_id: int) -> None:
    """Let no further run of a backfill start."""
    from mainspring_client.api.backfills import pause_backfill

    _print(session, session.call(pause_backfill, backfill_id))


@backfill.command()
@_ID
@with_session
def unpause(session: Session, backfill_id: int) -> None:
    """Go on with a backfill."""
    from mainspring_client.api.backfills import unpause_backfill

    _print(session, session.call(unpause_backfill, backfill_id))


@backfill.command()
@_ID
@with_session
def cancel(session: Session, backfill_id: int) -> None:
    """End a backfill: no further run starts, running runs go on."""
    from mainspring_client.api.backfills import cancel_backfill

    _print(session, session.call(cancel_backfill, backfill_id))


def _print(session: Session, backfill: Mapping[str, Any]) -> None:
    if not session.output.is_table:
        session.output.item(backfill)
        return
    session.output.item({**backfill, **backfill["progress"]}, (*_COLUMNS, *backfill["progress"]))


def _end(session: Session, backfill: Mapping[str, Any], *, is_following: bool) -> None:
    if is_following:
        backfill = _followed(session, backfill)
    _print(session, backfill)
    if is_following and backfill["progress"]["runs_failed"]:
        raise SystemExit(Exit.FAILED)


def _followed(session: Session, backfill: Mapping[str, Any]) -> Mapping[str, Any]:
    """Show progress until the backfill has ended, or Ctrl-C; it goes on in any case."""
    from mainspring_client.api.backfills import get_backfill

    bar = _Bar() if sys.stderr.isatty() else _Lines()
    patience = Patience(reach_seconds=REACH_SECONDS)
    try:
        with closing(bar):
            while True:
                bar.show(backfill)
                if backfill["completed_at"] is not None:
                    return backfill
                time.sleep(_POLL_SECONDS)
                backfill = ask(session, patience, get_backfill, backfill["id"])
    except KeyboardInterrupt:
        click.echo(f"the backfill goes on: mainspring backfill show {backfill['id']}", err=True)
        raise SystemExit(Exit.INTERRUPTED) from None


class _Progress(Protocol):
    def show(self, backfill: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class _Bar:
    """A bar that grows in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(file=sys.stderr))
        self._task = self._progress.add_task("runs", total=None)
        self._progress.start()

    def show(self, backfill: Mapping[str, Any]) -> None:
        done, total = _done(backfill["progress"])
        self._progress.update(self._task, completed=done, total=total, description=_summary(backfill))

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    """A line whenever something has changed."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, backfill: Mapping[str, Any]) -> None:
        done, total = _done(backfill["progress"])
        line = f"{done}/{total} {_summary(backfill)}"
        if line != self._last:
            self._last = line
            click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)

    def close(self) -> None:
        pass


def _done(progress: Mapping[str, Any]) -> tuple[int, int]:
    """Finished slots of all slots."""
    finished = progress["slots_skipped"] + progress["runs_success"] + progress["runs_failed"]
    return min(finished, progress["slots_total"]), progress["slots_total"]


def _summary(backfill: Mapping[str, Any]) -> str:
    progress = backfill["progress"]
    counts = {state: progress[f"runs_{state}"] for state in ("queued", "running", "success", "failed")}
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no runs yet"
    if backfill["state"] == "waiting":
        return f"{text} ({backfill['message'] or 'paused'})"
    if backfill["state"] == "cancelled":
        return f"{text} (cancelled)"
    over_at = progress["estimated_completion_at"]
    return f"{text}, over at about {parse_instant(over_at):%H:%M}Z" if over_at else text
