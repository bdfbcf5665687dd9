"""The flags of commands that run here with the server's settings."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mainspring_cli.config import Config, load_config

__all__ = ["API_FLAGS", "EXECUTION_FLAGS", "SCHEDULER_FLAGS", "SETTINGS_FLAGS", "WORKER_FLAGS", "with_settings"]

SETTINGS_FLAGS = (
    click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML file with settings."),
    click.option("--home", metavar="DIR", help="Folder of the database and the token (default: .mainspring here)."),
    click.option("--database-url", metavar="URL", help="sqlite:///... or postgresql://... (default: SQLite in home)."),
    click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error."),
)
API_FLAGS = (
    click.option("--host", metavar="ADDRESS", help="Address to listen on (default: 127.0.0.1)."),
    click.option("--port", metavar="PORT", help="Port to listen on (default: 8080; 0 takes a free one)."),
)
SCHEDULER_FLAGS = (
    click.option("--executor", metavar="NAMES", help="What carries tasks out: thread (default), local, rq."),
    click.option("--concurrency", metavar="N", help="Tasks that run at once."),
    click.option("--code-path", metavar="DIRS", help="Folders that Python tasks import from, separated as in PATH."),
)
EXECUTION_FLAGS = (
    click.option("--execution-host", metavar="ADDRESS", help="Address to listen on (default: 127.0.0.1)."),
    click.option("--execution-port", metavar="PORT", help="Port to listen on (default: 8081; 0 takes a free one)."),
)
WORKER_FLAGS = (
    click.option("--queues", metavar="NAMES", help="Queues to take attempts from, comma separated (default: default)."),
    click.option("--execution-url", metavar="URL", help="Where the execution API is (default: this machine's)."),
    click.option("--code-path", metavar="DIRS", help="Folders that Python tasks import from, separated as in PATH."),
)


def with_settings(*groups: tuple[Any, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of these groups; the command gets the merged settings as first argument."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(config_file: Path | None, **options: Any) -> None:
            names = Config.__dataclass_fields__.keys()
            flags = {name: value for name, value in options.items() if name in names}
            command_options = {name: value for name, value in options.items() if name not in names}
            command(load_config(flags, os.environ, file=config_file), **command_options)

        for option in reversed([option for group in groups for option in group]):
            run = option(run)
        return run

    return decorate
