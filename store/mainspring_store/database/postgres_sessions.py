"""The settings of PostgreSQL sessions that our statements rely on, set when a session begins.

A server, a database and a role can each change defaults (`ALTER ROLE ... SET`). Statements that are correct under READ
COMMITTED fail under SERIALIZABLE, and a search path can lead statements to foreign tables. So each session overrides
these defaults, and the store refuses a session that it cannot prepare.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from mainspring.errors import StoreUnavailable

if TYPE_CHECKING:
    from mainspring_store.database.transactions import Database

__all__ = [
    "POOLER_REFUSED",
    "POOLER_SIGN",
    "SCHEMA",
    "SessionFacts",
    "chosen_search_path",
    "schema_elsewhere",
    "session_facts",
    "session_preparer",
]

SCHEMA = "public"
"""The schema of the tables, unless `options` in the database URL set a search path."""

POOLER_REFUSED = (
    "a connection pooler such as PgBouncer stands before PostgreSQL, which is refused: between two transactions a"
    " pooler may hand our session to another client, so that settings and notifications (LISTEN) are lost; give"
    " database_url the address of PostgreSQL itself. Each process pools its few connections by itself"
)
POOLER_SIGN = "unsupported startup parameter"
"""The beginning of the error by which PgBouncer refuses the settings of our sessions."""

_SETTINGS: Mapping[str, str] = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",
}
_SETTINGS_SINCE: Mapping[str, tuple[int, str]] = {
    "idle_session_timeout": (140000, "0"),
    "transaction_timeout": (170000, "0"),
}
"""Settings that older servers lack -> the first server version with the setting, and the value."""
_ENCODING = "UTF8"
_SEARCH_PATH = re.compile(r"(?:-c\s*|--)search[_-]path=((?:\\.|\S)+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFacts:
    """The settings in force in the sessions of this process."""

    isolation: str
    encoding: str
    schema: str
    overridden: Mapping[str, str]
    """Setting -> the harmful default of the server, the database or the role that our sessions override."""
    is_commit_durable: bool
    """False: `synchronous_commit` is off, so a crash of the server loses work that was confirmed to clients."""

    def __str__(self) -> str:
        overridden = [f"{name} = {value}" for name, value in self.overridden.items()]
        return "; ".join(
            (
                f"{self.isolation}, {self.encoding}, schema {self.schema}",
                *(["not taken over: " + ", ".join(overridden)] if overridden else ()),
                *([] if self.is_commit_durable else ["synchronous_commit is off: a crash of the server loses work"]),
            )
        )


def chosen_search_path(options: str) -> str | None:
    """The search path in the libpq options of a database URL; None = the options set no search path."""
    chosen = _SEARCH_PATH.findall(options)
    return re.sub(r"\\(.)", r"\1", chosen[-1]) if chosen else None


def session_preparer(search_path: str) -> Callable[[Any, Any], None]:
    """A listener for SQLAlchemy's `connect` event that prepares each new connection for our statements.

    The listener raises StoreUnavailable when the database is not in UTF-8, the server is a standby, a connection pooler
    stands between, or no schema of the search path exists.
    """
    settings = {**_SETTINGS, "search_path": search_path}
    values = ", ".join(f"set_config('{name}', %({name})s, false)" for name in settings)

    def prepare(connection: Any, _: Any) -> None:
        later = {name: value for name, (since, value) in _SETTINGS_SINCE.items() if _version(connection) >= since}
        more = "".join(f", set_config('{name}', %({name})s, false)" for name in later)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {values}{more}", {**settings, **later})
                cursor.execute(_LOOK)
                encoding, is_standby, schema, backend_pid = cursor.fetchone()
        finally:
            connection.autocommit = False
        fault = _fault(encoding, is_standby, schema, search_path)
        # A pooler gives its clients numbers of its own.
        if backend_pid != connection.info.backend_pid:
            fault = POOLER_REFUSED
        if fault is not None:
            connection.close()
            raise StoreUnavailable(fault)

    return prepare


def _version(connection: Any) -> int:
    version: int = connection.info.server_version
    return version


def _fault(encoding: str, is_standby: bool, schema: str | None, search_path: str) -> str | None:
    if encoding != _ENCODING:
        return f"the database has the encoding {encoding}; create one with ENCODING '{_ENCODING}'"
    if is_standby:
        return "the server is a standby, which only reads; connect to the primary"
    if schema is None:
        return f"no schema of the search path '{search_path}' exists for this role; create it, or grant its use"
    return None


def session_facts(database: "Database") -> SessionFacts | None:
    """The settings in force in the sessions of this process; None on SQLite.

    Raises:
        StoreUnavailable: The database is unreachable, or the session cannot be prepared.
    """
    if database.is_sqlite:
        return None
    with database.read() as connection:
        facts = connection.execute(_FACTS).one()
        rows = connection.execute(_OVERRIDDEN, {"names": [*_SETTINGS, *_SETTINGS_SINCE, "search_path"]}).all()
    return SessionFacts(
        isolation=facts.isolation,
        encoding=facts.encoding,
        schema=facts.schema,
        overridden={name: value for name, value in rows if not _is_harmless(name, value)},
        is_commit_durable=facts.synchronous_commit != "off",
    )


def _is_harmless(name: str, value: str) -> bool:
    """Whether an unconfigured PostgreSQL has this default, so that reporting the override would be noise."""
    if name == "search_path":
        return value in ('"$user", public', SCHEMA)
    return name in ("datestyle", "client_encoding", "extra_float_digits")


def schema_elsewhere(database: "Database") -> str | None:
    """A schema with Mainspring's tables outside the current schema; None = no other schema has them, or SQLite."""
    if database.is_sqlite:
        return None
    with database.read() as connection:
        schema: str | None = connection.scalar(_ELSEWHERE)
    return schema


_LOOK = "SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_schema(), pg_backend_pid()"
_FACTS = text("""
    SELECT current_setting('transaction_isolation') AS isolation, current_setting('server_encoding') AS encoding,
        current_schema() AS schema, current_setting('synchronous_commit') AS synchronous_commit
""")
_OVERRIDDEN = text("""
    SELECT name, reset_val FROM pg_settings
    WHERE lower(name) IN :names AND lower(setting) <> lower(reset_val) ORDER BY name
""").bindparams(bindparam("names", expanding=True))
_ELSEWHERE = text("""
    SELECT nspname FROM pg_class AS revision JOIN pg_namespace ON pg_namespace.oid = revision.relnamespace
    WHERE revision.relname = 'alembic_version' AND nspname <> current_schema() AND EXISTS (
        SELECT FROM pg_class AS runs WHERE runs.relname = 'dag_run' AND runs.relnamespace = revision.relnamespace
    )
    ORDER BY nspname LIMIT 1
""")
