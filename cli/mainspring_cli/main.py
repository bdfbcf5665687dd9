"""The `mainspring` command. Each subcommand imports what it needs when it runs, so that `--help` stays instant."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from mainspring.errors import ExecutorError, MainspringError
from mainspring_cli.config import Config, ConfigError, Resolved, load_config

__all__ = ["main"]

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h

_SETTINGS_FLAGS = (
    click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML file with settings."),
    click.option("--home", metavar="DIR", help="Folder of the database and the token (default: .mainspring here)."),
    click.option("--database-url", metavar="URL", help="sqlite:///... or postgresql://... (default: SQLite in home)."),
    click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error."),
)
_API_FLAGS = (
    click.option("--host", metavar="ADDRESS", help="Address to listen on (default: 127.0.0.1)."),
    click.option("--port", metavar="PORT", help="Port to listen on (default: 8080; 0 takes a free one)."),
)
_SCHEDULER_FLAGS = (
    click.option("--executor", metavar="NAMES", help="What carries tasks out: thread (default), local, rq."),
    click.option("--concurrency", metavar="N", help="Tasks that run at once."),
    click.option("--code-path", metavar="DIRS", help="Folders that Python tasks import from, separated as in PATH."),
)
_EXECUTION_FLAGS = (
    click.option("--execution-host", metavar="ADDRESS", help="Address to listen on (default: 127.0.0.1)."),
    click.option("--execution-port", metavar="PORT", help="Port to listen on (default: 8081; 0 takes a free one)."),
)
_WORKER_FLAGS = (
    click.option("--queues", metavar="NAMES", help="Queues to take attempts from, comma separated (default: default)."),
    click.option("--execution-url", metavar="URL", help="Where the execution API is (default: this machine's)."),
    click.option("--code-path", metavar="DIRS", help="Folders that Python tasks import from, separated as in PATH."),
)


def _with_settings(*groups: tuple[Any, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of these groups; it is called with the merged settings as its first argument."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def run(config_file: Path | None, **given: Any) -> None:
            names = Config.__dataclass_fields__.keys()
            flags = {name: value for name, value in given.items() if name in names}
            own = {name: value for name, value in given.items() if name not in names}
            command(load_config(flags, os.environ, file=config_file), **own)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        for option in reversed([option for group in groups for option in group]):
            run = option(run)
        return run

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def cli() -> None:
    """A workflow backend driven over HTTP."""


@cli.command()
@_with_settings(_SETTINGS_FLAGS, _API_FLAGS, _SCHEDULER_FLAGS)
def up(settings: Resolved) -> None:
    """Serve the API and run what it is told, until Ctrl-C."""
    from mainspring_cli.up import run_up

    sys.exit(run_up(settings.config))


@cli.command()
@click.option("--listen-fd", type=int, hidden=True, help="An inherited socket to serve instead of host and port.")
@_with_settings(_SETTINGS_FLAGS, _API_FLAGS)
def api(settings: Resolved, listen_fd: int | None) -> None:
    """Serve the API alone."""
    from mainspring_cli.services import serve_api

    serve_api(settings.config, listen_fd=listen_fd)


@cli.command()
@_with_settings(_SETTINGS_FLAGS, _SCHEDULER_FLAGS)
def scheduler(settings: Resolved) -> None:
    """Run the scheduler alone."""
    from mainspring_cli.services import run_scheduler

    sys.exit(run_scheduler(settings.config))


@cli.command("execution-api")
@click.option("--listen-fd", type=int, hidden=True, help="An inherited socket to serve instead of host and port.")
@_with_settings(_SETTINGS_FLAGS, _EXECUTION_FLAGS)
def execution_api(settings: Resolved, listen_fd: int | None) -> None:
    """Serve remote workers, apart from the API."""
    from mainspring_cli.services import serve_execution_api

    serve_execution_api(settings.config, listen_fd=listen_fd)


@cli.command()
@_with_settings(_SETTINGS_FLAGS, _WORKER_FLAGS)
def worker(settings: Resolved) -> None:
    """Carry out attempts that the rq executor hands over, on any machine."""
    from mainspring_cli.services import work

    sys.exit(work(settings.config))


@cli.command()
@click.argument("example", type=click.Path(path_type=Path), default=Path("examples/weather_sales"))
@click.option("--executor", type=click.Choice(["thread", "local"]), default="thread", show_default=True)
@click.option("--port", type=int, default=0, help="Port of the API (default: a free one).")
@click.option("--keep", is_flag=True, help="Go on serving when the run is over.")
def demo(example: Path, executor: str, port: int, keep: bool) -> None:
    """Run an example pipeline, from nothing to its figures."""
    from mainspring_cli.demo import run_demo

    sys.exit(run_demo(example.absolute(), executor=executor, port=port, keep=keep))


@cli.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@_with_settings(_SETTINGS_FLAGS)
def db_upgrade(settings: Resolved) -> None:
    """Bring the tables to this version. Does nothing when they are."""
    from mainspring_cli.services import upgrade_database

    upgrade_database(settings.config)


@db.command("check")
@_with_settings(_SETTINGS_FLAGS)
def db_check(settings: Resolved) -> None:
    """Tell the schema's revision; ends non-zero when it is not this version's."""
    from mainspring_cli.services import schema_revisions

    found, wanted = schema_revisions(settings.config)
    click.echo(f"database {found or 'empty'}, this version {wanted}")
    if found != wanted:
        click.echo("mainspring: the database is not of this version: mainspring db upgrade", err=True)
        sys.exit(1)


@cli.group()
def secrets() -> None:
    """Look after the secrets."""


@secrets.command("rotate-keys")
@_with_settings(_SETTINGS_FLAGS)
def secrets_rotate_keys(settings: Resolved) -> None:
    """Encrypt all secrets again: under a new key, or under the first of MAINSPRING_SECRET_KEYS where that is set."""
    from mainspring_cli.services import rotate_secret_keys

    count = rotate_secret_keys(settings.config)
    click.echo(f"{count} secrets are encrypted under the newest key")


@cli.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("show")
@_with_settings(_SETTINGS_FLAGS, _API_FLAGS, _SCHEDULER_FLAGS)
def config_show(settings: Resolved) -> None:
    """Print every setting, its value and where it comes from."""
    for name, value, origin in settings.describe():
        click.echo(f"{name:16}  {value:40}  {origin}".rstrip())


@cli.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    click.echo(version_of("mainspring"))


def main() -> NoReturn:
    """Run the command line; what Mainspring raises on purpose ends in its message alone."""
    try:
        cli.main(prog_name="mainspring")
    except ConfigError as exc:
        for fault in exc.faults:
            click.echo(f"mainspring: {fault}", err=True)
        sys.exit(EXIT_CONFIG)
    except MainspringError as exc:
        click.echo(f"mainspring: {exc}", err=True)
        sys.exit(EXIT_CONFIG if isinstance(exc, ExecutorError) else 1)
    sys.exit(0)
