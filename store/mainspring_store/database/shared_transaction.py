"""Databases that join the write transactions of one request. Functions of the store run on them unchanged."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from mainspring_store.database.transactions import Database

__all__ = ["AuditedTransaction", "SharedTransaction"]


class AuditedTransaction(Database):
    """The same database; the first write transaction of a request also writes an audit event. For one thread."""

    def __init__(self, database: Database, write_audit: Callable[[Connection], None]) -> None:
        """`write_audit` runs just before the commit. If the transaction fails, the next transaction calls it again."""
        super().__init__(database.engine, database._write_queue, database._reading)
        self.log_store = database.log_store
        self._write_audit: Callable[[Connection], None] | None = write_audit

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            if self._write_audit is not None:
                self._write_audit(connection)
        self._write_audit = None


class SharedTransaction(Database):
    """The same database; all writes of a request share one transaction, which commits at the end of `with`.

    The transaction begins with the first write; later reads run inside the transaction. A write that fails rolls back
    to its savepoint only. An exception that leaves `with` rolls back the whole transaction. For one thread.

    Raises at the end:
        StoreUnavailable: The commit failed, and the outcome is unknown.
    """

    def __init__(self, database: Database, *, at_begin: Callable[[Connection], None]) -> None:
        """The transaction calls `at_begin` when it begins; without a write there is no transaction and no call."""
        super().__init__(database.engine, database._write_queue, database._reading)
        self.log_store = database.log_store
        self._database = database
        self._at_begin = at_begin
        self._stack = ExitStack()
        self.connection: Connection | None = None
        """The connection of the transaction; `None` = no write yet."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.connection is None:
            connection = self._stack.enter_context(self._database.write())
            self._at_begin(connection)
            self.connection = connection
        with self.connection.begin_nested():
            yield self.connection

    @contextmanager
    def read(self, *, is_long: bool = False) -> Iterator[Connection]:
        if self.connection is None:
            with super().read(is_long=is_long) as connection:
                yield connection
        else:
            yield self.connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)
