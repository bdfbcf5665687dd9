"""Starts the services in this process, from the merged settings. Heavy imports happen here and nowhere else."""

import logging
import sys

from mainspring_cli.config import Config
from mainspring_cli.home import prepare_home

__all__ = ["run_scheduler", "upgrade_database"]


def run_scheduler(config: Config) -> int:
    """Run the scheduler until SIGTERM or SIGINT; returns the exit code."""
    from mainspring_scheduler.service import SchedulerSettings, run

    prepare_home(config.home)
    _log_to_stderr(config, "scheduler")
    return run(
        SchedulerSettings(
            database_url=config.store_url,
            state_dir=config.home / "tasks",
            executors=[config.executor],
            concurrency=config.concurrency,
            code_path=config.code_path,
            http_allow=config.http_allow,
            version=_version(),
        )
    )


def upgrade_database(config: Config) -> None:
    """Bring the tables to this version; safe from several processes at once."""
    from mainspring_store import open_database
    from mainspring_store.migrate import migrate

    prepare_home(config.home)
    database = open_database(config.store_url)
    try:
        migrate(database)
    finally:
        database.close()


def _log_to_stderr(config: Config, service: str) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=config.log_level.upper(),
        format=f"%(asctime)s.%(msecs)03d %(levelname)-7s {service} %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )


def _version() -> str:
    from importlib.metadata import version

    return version("mainspring")
