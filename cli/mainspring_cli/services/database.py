"""The database of the settings: opened, brought to this version, looked at."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mainspring.errors import Conflict, StoreUnavailable
from mainspring_cli.config import Config, ConfigError
from mainspring_cli.services.home import prepare_home

if TYPE_CHECKING:
    from mainspring_store import Database

__all__ = [
    "DatabaseState",
    "downgrade_database",
    "look_at_database",
    "opened_database",
    "prepare_database",
    "refuse_living_services",
    "upgrade_database",
]


_ALIVE = timedelta(seconds=30)
_PAUSE_SECONDS = 0.5
_log = logging.getLogger(__name__)


def prepare_database(config: Config) -> None:
    """Bring the tables to this version where the role of the services may do that; safe from several processes at once.

    Raises:
        StoreUnavailable: The database is away, or waits for `upgrade_database`.
    """
    _migrate(config, config.store_url, service_role=None)


def upgrade_database(config: Config, *, wait_seconds: float = 0.0) -> None:
    """Bring the tables to this version, with the role of the migrator if set, and grant the role of the services
    access.

    wait_seconds: for how long to try again while PostgreSQL accepts no connection, as it does while it starts.

    Raises:
        ConfigError: The settings do not name that role.
        StoreUnavailable: The database accepts no connection.
    """
    service_role = _service_role(config)
    url = config.migrator_database_url or config.store_url
    if not config.is_sqlite:
        _wait_for_connection(url, time.monotonic() + wait_seconds)
    _migrate(config, url, service_role=service_role)


def _wait_for_connection(url: str, deadline: float) -> None:
    """Return once PostgreSQL accepts a connection. The first failure is logged.

    deadline: on the monotonic clock.

    Raises:
        StoreUnavailable: The deadline has passed.
    """
    is_logged = False
    while True:
        try:
            with opened_database(url) as database, database.read():
                return
        except StoreUnavailable as exc:
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0:
                raise
            if not is_logged:
                _log.warning("waiting at most %.0f s for the database: cause=%s", seconds_left, exc)
                is_logged = True
            time.sleep(min(_PAUSE_SECONDS, seconds_left))


def downgrade_database(config: Config) -> tuple[str, str]:
    """Take the tables one revision down, with the role of the migrator if set; returns the revisions (from, to).

    Raises:
        Conflict: Services use the database, or the step would delete rows for good.
    """
    from mainspring_store.schema.migrate import step_down

    prepare_home(config.home)
    with opened_database(config.migrator_database_url or config.store_url) as database:
        refuse_living_services(database)
        return step_down(database)


def refuse_living_services(database: "Database") -> None:
    """Raises Conflict when services use the database. The tables may be of any revision, or absent."""
    from mainspring_store.resources.heartbeats import alive
    from mainspring_store.schema.migrate import current_revision

    # The table of services is the same in all revisions.
    if current_revision(database) is not None and alive(database, since=datetime.now(UTC) - _ALIVE):
        raise Conflict(
            f"services use the database, or did until just now; stop them, and wait {_ALIVE.seconds} seconds"
        )


def _migrate(config: Config, url: str, *, service_role: str | None) -> None:
    from mainspring_store.schema.migrate import migrate

    prepare_home(config.home)
    with opened_database(url) as database:
        migrate(database, service_role=service_role)


def _service_role(config: Config) -> str | None:
    """Whom the migrator lets use the tables; `None` = the services are the migrator themselves."""
    from sqlalchemy import make_url

    if config.migrator_database_url is None:
        return None
    services, migrator = make_url(config.store_url), make_url(config.migrator_database_url)
    if services.username is None or not services.drivername.startswith("postgres"):
        raise ConfigError(
            ["database_url: beside migrator_database_url it must name the role of the services: postgresql://role@..."]
        )
    return None if services.username == migrator.username else services.username


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseState:
    """The database as the services see it."""

    revision: str | None
    """Of the tables; `None` = there are none."""
    wanted_revision: str
    too_mighty_role: str | None
    """The role of the services, if the role has the needless right to change tables."""
    sessions: str | None
    """How the sessions of the services work; `None` on SQLite."""
    advice: str | None
    """What to do about the tables; `None` = they are of this version."""


def look_at_database(config: Config) -> DatabaseState:
    from mainspring_store.database.postgres_sessions import schema_elsewhere, session_facts
    from mainspring_store.schema.database_roles import role_rights
    from mainspring_store.schema.migrate import current_revision, head_revision

    with opened_database(config.store_url) as database:
        rights = role_rights(database)
        sessions = session_facts(database)
        revision, head = current_revision(database), head_revision()
        return DatabaseState(
            revision=revision,
            wanted_revision=head,
            too_mighty_role=rights.name if rights is not None and rights.may_change_tables else None,
            sessions=None if sessions is None else str(sessions),
            advice=_advice(revision, head, schema_elsewhere(database) if revision is None else None),
        )


def _advice(revision: str | None, head: str, elsewhere: str | None) -> str | None:
    from mainspring_store.schema.migrate import elsewhere_advice

    if revision == head:
        return None
    if elsewhere is not None:
        return elsewhere_advice(elsewhere)
    if revision is not None and revision > head:
        return "the tables are of a later version of Mainspring: run that version; an upgrade by this one is refused"
    return "the database is not of this version: mainspring db upgrade"


@contextmanager
def opened_database(url: str) -> Iterator["Database"]:
    """The database at a URL, for one piece of work."""
    from mainspring_store import open_database

    database = open_database(url)
    try:
        yield database
    finally:
        database.close()
