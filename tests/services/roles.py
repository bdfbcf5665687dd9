"""A PostgreSQL database that belongs to a migrator and is used by a role of the services, as docs/running.md says."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.services.postgres import PostgresServer

__all__ = ["TwoRoles", "two_roles"]

_PAGE = Path(__file__).parents[2] / "docs" / "running.md"


@dataclass(frozen=True, kw_only=True)
class TwoRoles:
    """One database, by the two roles that may connect to it."""

    migrator_url: str
    service_url: str
    service_role: str


@contextmanager
def two_roles(server: PostgresServer) -> Iterator[TwoRoles]:
    """Run the SQL of the documentation under names of this caller's own; database and roles are dropped at the end."""
    suffix = uuid.uuid4().hex
    names = [f"{name}_{suffix}" for name in ("mainspring", "mainspring_migrator", "mainspring_app")]
    database, migrator, app = names
    (script,) = re.findall(r"```sql\n(.*?)```", _PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    _run(server, re.sub(r"\bmainspring\w*", lambda name: f"{name[0]}_{suffix}", script))
    url = make_url(server.url_of(database))
    try:
        yield TwoRoles(
            migrator_url=url.set(username=migrator).render_as_string(hide_password=False),
            service_url=url.set(username=app).render_as_string(hide_password=False),
            service_role=app,
        )
    finally:
        _run(server, f"DROP DATABASE {database} WITH (FORCE); DROP ROLE {migrator}; DROP ROLE {app};")


def _run(server: PostgresServer, script: str) -> None:
    # One by one: a database is not made within a transaction.
    with psycopg.connect(server.url, autocommit=True) as connection:
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement.encode())
