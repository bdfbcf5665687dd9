"""The `mainspring` command. Each subcommand imports its modules at its run, so that `--help` is instant."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from mainspring.errors import ExecutorError, MainspringError
from mainspring.inspection import forbid_inspection
from mainspring_cli.client.exits import Exit, OutputClosed, OutputFailed, RemoteError
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.standard_streams import open_standard_streams
from mainspring_cli.client.terminal_text import printable
from mainspring_cli.commands.backups import backup, restore
from mainspring_cli.config import ConfigError, Resolved
from mainspring_cli.settings_options import (
    API_FLAGS,
    EXECUTION_FLAGS,
    SCHEDULER_FLAGS,
    SETTINGS_FLAGS,
    WORKER_FLAGS,
    with_settings,
)

__all__ = ["SERVER_COMMANDS", "STAY", "main"]

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h
SERVICES = ("api", "execution-api", "scheduler", "worker")
STAY = "MAINSPRING_STAY_AFTER_REFUSAL"
"""`true` = a service that refuses its settings stays without work. No setting of config.py: those were refused."""

SERVER_COMMANDS = {
    "run": ("mainspring_cli.commands.run", "Start a run of a DAG, and wait for its end."),
    "dags": ("mainspring_cli.commands.dags", "Save, look at and control DAGs."),
    "test": ("mainspring_cli.commands.local_runs", "Run a DAG in this process, without a server."),
    "runs": ("mainspring_cli.commands.runs", "Look at runs; cancel them, run them again."),
    "backfill": ("mainspring_cli.commands.backfills", "Make the runs of a past range."),
    "approvals": ("mainspring_cli.commands.operations", "Tasks that wait for the answer of a person."),
    "audit": ("mainspring_cli.commands.operations", "Who changed what, the latest first."),
    "workers": ("mainspring_cli.commands.operations", "Workers that reported in the last minutes."),
    "events": ("mainspring_cli.commands.events", "What changes, as JSON lines."),
    "pools": ("mainspring_cli.commands.stores", "Slots that the tasks of all DAGs share."),
    "variables": ("mainspring_cli.commands.stores", "Values that expressions read as `vars.KEY`."),
    "connections": ("mainspring_cli.commands.connections", "Where other systems are, and how to get in."),
    "secrets": ("mainspring_cli.commands.stores", "Values that only the tasks that name them get."),
    "webhooks": ("mainspring_cli.commands.receivers", "Addresses that get events, signed."),
    "notifiers": ("mainspring_cli.commands.receivers", "Chats and mailboxes that definitions notify."),
    "hooks": ("mainspring_cli.commands.hooks", "Addresses where other systems start runs."),
    "tokens": ("mainspring_cli.commands.tokens", "Credentials for programs."),
    "users": ("mainspring_cli.commands.users", "People with a password, and what they may do."),
    "login": ("mainspring_cli.commands.login", "Make a link that logs a browser in to the page."),
    "contexts": ("mainspring_cli.commands.contexts", "Servers that are known by name."),
    "doctor": ("mainspring_cli.commands.doctor", "Check a server and our way to it."),
    "completion": ("mainspring_cli.commands.completion", "Print the script that completes words in a shell."),
}
"""Command -> the module of the command, and the line in the list of commands."""


class _LazyGroup(click.Group):
    """Imports the module of a server command when that command is used; the list of commands needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *SERVER_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SERVER_COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(SERVER_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(Exit.INTERRUPTED) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands for a server, here or elsewhere"):
            formatter.write_dl([(name, summary) for name, (_, summary) in SERVER_COMMANDS.items()])
        local = [(name, self.commands[name].get_short_help_str(80)) for name in self.commands]
        with formatter.section("Commands that serve, and look after what is here"):
            formatter.write_dl(local)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="mainspring", message="%(version)s")
def cli() -> None:
    """A workflow backend driven over HTTP."""


@cli.command()
@with_settings(SETTINGS_FLAGS, API_FLAGS, SCHEDULER_FLAGS)
def up(settings: Resolved) -> None:
    """Serve the API and run DAGs, until Ctrl-C."""
    from mainspring_cli.services.up import run_up

    sys.exit(run_up(settings.config))


@cli.command()
@click.option("--listen-fd", type=int, hidden=True, help="An inherited socket to serve instead of host and port.")
@with_settings(SETTINGS_FLAGS, API_FLAGS)
def api(settings: Resolved, listen_fd: int | None) -> None:
    """Serve the API alone."""
    from mainspring_cli.services.commands import serve_api

    serve_api(settings.config, listen_fd=listen_fd)


@cli.command()
@with_settings(SETTINGS_FLAGS, SCHEDULER_FLAGS)
def scheduler(settings: Resolved) -> None:
    """Run the scheduler alone."""
    from mainspring_cli.services.commands import run_scheduler

    sys.exit(run_scheduler(settings.config))


@cli.command("execution-api")
@click.option("--listen-fd", type=int, hidden=True, help="An inherited socket to serve instead of host and port.")
@with_settings(SETTINGS_FLAGS, EXECUTION_FLAGS)
def execution_api(settings: Resolved, listen_fd: int | None) -> None:
    """Serve remote workers, apart from the API."""
    from mainspring_cli.services.commands import serve_execution_api

    serve_execution_api(settings.config, listen_fd=listen_fd)


@cli.command()
@with_settings(SETTINGS_FLAGS, WORKER_FLAGS)
def worker(settings: Resolved) -> None:
    """Carry out attempts that the rq executor hands over, on any machine."""
    from mainspring_cli.services.commands import work

    sys.exit(work(settings.config))


@cli.command()
@click.argument("service", type=click.Choice(SERVICES))
@with_settings(SETTINGS_FLAGS, API_FLAGS, EXECUTION_FLAGS, WORKER_FLAGS)
def health(settings: Resolved, service: str) -> None:
    """Check whether a service of this machine works; ends non-zero when it does not."""
    from mainspring_cli.services.health import check_health

    check_health(service, settings.config)
    click.echo("healthy")


@cli.command()
@click.argument("example", type=click.Path(path_type=Path), required=False)
@click.option("--executor", type=click.Choice(["thread", "local"]), default="thread", show_default=True)
@click.option("--port", type=int, default=0, help="Port of the API (default: a free one).")
@click.option("--keep", is_flag=True, help="Run a week of days too, and go on serving.")
def demo(example: Path | None, executor: str, port: int, keep: bool) -> None:
    """Run an example pipeline and print its figures. Without a folder: the pipeline that comes with Mainspring."""
    from mainspring_cli.services.demo import packaged_example, run_demo

    sys.exit(run_demo((example or packaged_example()).absolute(), executor=executor, port=port, keep=keep))


@cli.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@with_settings(SETTINGS_FLAGS)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(0, 3600),
    default=60.0,
    show_default=True,
    help="Seconds to wait for PostgreSQL while it accepts no connection.",
)
def db_upgrade(settings: Resolved, wait_seconds: float) -> None:
    """Bring the tables to this version, with the role of migrator_database_url if set. Does nothing when they are."""
    from mainspring_cli.services.database import upgrade_database
    from mainspring_cli.services.logs import log_to_stderr

    config = settings.config
    log_to_stderr(level=config.log_level, log_format=config.log_format, service="db")
    upgrade_database(config, wait_seconds=wait_seconds)


@db.command("downgrade")
@with_settings(SETTINGS_FLAGS)
def db_downgrade(settings: Resolved) -> None:
    """Take the tables one revision down, for the version before. Stop all services first. Refused if rows would be
    lost."""
    from mainspring_cli.services.database import downgrade_database

    before, after = downgrade_database(settings.config)
    click.echo(f"the tables went from {before} to {after}; start the version that needs {after}")


@db.command("check")
@with_settings(SETTINGS_FLAGS)
@with_output
def db_check(settings: Resolved, output: Output) -> None:
    """Print the schema's revision and the settings of sessions; ends non-zero when the revision is not this
    version's."""
    from mainspring_cli.services.database import look_at_database

    state = look_at_database(settings.config)
    if output.is_table:
        output.line(f"database {state.revision or 'empty'}, this version {state.wanted_revision}")
        if state.sessions is not None:
            output.line(f"sessions: {state.sessions}")
    else:
        versions = {"database": state.revision, "this_version": state.wanted_revision}
        output.item({**versions, "sessions": state.sessions})
    if state.too_mighty_role is not None:
        click.echo(
            f"mainspring: warning: role '{state.too_mighty_role}' may change tables; the services need not:"
            " set migrator_database_url, see docs/running.md",
            err=True,
        )
    if state.advice is not None:
        click.echo(f"mainspring: {state.advice}", err=True)
        sys.exit(1)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Print the rows and bytes that would be deleted, and delete nothing.")
@click.option("--trust-clock", is_flag=True, help="Delete although the clock jumped ahead since the last time.")
@with_settings(SETTINGS_FLAGS)
@with_output
def prune(settings: Resolved, output: Output, dry_run: bool, trust_clock: bool) -> None:
    """Delete the history whose lifetime is over now, as the scheduler does by itself. The services may be running."""
    from mainspring_cli.services.pruning import PRUNE_COLUMNS, prune_history

    output.rows(list(prune_history(settings.config, is_dry_run=dry_run, trusts_clock=trust_clock)), PRUNE_COLUMNS)


cli.add_command(backup)
cli.add_command(restore)


@cli.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("show")
@with_settings(SETTINGS_FLAGS, API_FLAGS, SCHEDULER_FLAGS)
@with_output
def config_show(settings: Resolved, output: Output) -> None:
    """Print every setting with its value and origin."""
    columns = ("name", "value", "origin")
    output.rows([dict(zip(columns, row, strict=True)) for row in settings.describe()], columns)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of a definition, for editors."""
    import json

    from mainspring.definition import json_schema

    document = json_schema()
    dialect = document.pop("$schema")
    content = {"$schema": dialect, "$id": "urn:mainspring:definition", **document}
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


@cli.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    click.echo(version_of("mainspring"))


def main() -> NoReturn:
    """Run the command line; an error of Mainspring prints its message alone."""
    # Every command holds credentials: those of the services, or the token of a client.
    forbid_inspection()
    open_standard_streams()
    exit_code = _exit_code(partial(cli.main, prog_name="mainspring"))
    # Output may still be in the buffer. A failed command keeps its exit code.
    flushed = _exit_code(sys.stdout.flush)
    if exit_code == EXIT_CONFIG and sys.argv[1:2] and sys.argv[1] in SERVICES and os.environ.get(STAY) == "true":
        _stay()
    sys.exit(exit_code or flushed)


def _stay() -> None:
    """Wait for a signal: Docker starts a service again after every exit code, for ever."""
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    click.echo(f"mainspring: waits to be stopped, because starting again would not help ({STAY})", err=True)
    signal.sigwait(signals)


def _exit_code(step: Callable[[], object]) -> int | str | None:
    """The exit code that a step leads to. The messages of its errors are printed."""
    try:
        step()
    except SystemExit as exc:
        return exc.code
    except OutputClosed:
        return Exit.OUTPUT_CLOSED
    except ConfigError as exc:
        for fault in exc.faults:
            click.echo(f"mainspring: {fault}", err=True)
        return EXIT_CONFIG
    except MainspringError as exc:
        click.echo(f"mainspring: {printable(str(exc))}", err=True)
        return _exit_code_of(exc)
    return Exit.SUCCESS


def _exit_code_of(error: MainspringError) -> int:
    match error:
        case RemoteError():
            return error.exit
        case OutputFailed():
            return Exit.OUTPUT
        case ExecutorError():
            return EXIT_CONFIG
    return Exit.FAILED
