"""Migrated PostgreSQL databases that tests use one after another.

A new database costs 0.3 s, an emptied one 0.01 s. A database is used again only when its schema, its settings and its
rights are those of a new one; any other database is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from mainspring_store import open_database
from mainspring_store.schema.migrate import migrate
from tests.services.postgres import PostgresServer

__all__ = ["DatabasePool"]

_SIZE_MAX = 24 * 1024 * 1024
"""Bytes. A database beyond it has tables full of dead rows, which would make later tests slow."""
_LOCK_SECONDS = 5

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
_CUT_OTHERS = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_RESTART_SEQUENCES = """SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"""
_FINGERPRINT = """SELECT md5(concat(
    (SELECT string_agg(concat_ws('|', relname, relkind, relnatts, relacl, reloptions, relchecks), ',' ORDER BY relname)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace),
    (SELECT string_agg(concat_ws('|', attrelid::regclass, attname, atttypid, atttypmod, attnotnull), ',' ORDER BY
        attrelid::regclass::text, attnum) FROM pg_attribute WHERE attnum > 0
        AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)),
    (SELECT string_agg(nspname || nspacl::text, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'),
    (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()),
    (SELECT concat(datacl, datconnlimit, datallowconn) FROM pg_database WHERE datname = current_database())))"""


class DatabasePool:
    """Migrated, empty databases of one server."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        url = server.create_database()
        database = open_database(url)
        migrate(database)
        database.close()
        self.template = urlsplit(url).path.lstrip("/")
        with psycopg.connect(url) as connection:
            self._tables = [name for (name,) in connection.execute(_TABLES)]
            self._seeds = {table: rows for table in self._tables if (rows := _rows(connection, table))}
            self._fingerprint = _value(connection, _FINGERPRINT)
        self._free: list[str] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of a migrated database that holds what a new one holds."""
        url = self._free.pop() if self._free else self._server.create_database(template=self.template)
        yield url
        if self._empty(url):
            self._free.append(url)
        else:
            self._server.drop_database(url)

    def _empty(self, url: str) -> bool:
        """Whether the database is like a new one now."""
        try:
            with psycopg.connect(url) as connection:
                connection.execute(_CUT_OTHERS)
                if _value(connection, "SELECT pg_database_size(current_database())") > _SIZE_MAX:
                    return False
                if _value(connection, _FINGERPRINT) != self._fingerprint:
                    return False
                connection.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
                # No triggers, so that the order of the tables does not matter to foreign keys.
                connection.execute("SET session_replication_role = replica")
                for table in self._tables:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                for table, rows in self._seeds.items():
                    connection.execute(
                        sql.SQL("INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s)").format(
                            sql.Identifier(table)
                        ),
                        [Jsonb(rows)],
                    )
                connection.execute(_RESTART_SEQUENCES)
        except psycopg.Error:
            return False
        return True


def _rows(connection: psycopg.Connection[Any], table: str) -> list[Any]:
    query = sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table))
    return [row for (row,) in connection.execute(query)]


def _value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
