"""Two ways to make one piece of work, like a request, one transaction without the functions it calls knowing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from mainspring_store.database.transactions import Database

__all__ = ["AuditedTransaction", "SharedTransaction"]


class AuditedTransaction(Database):
    """The same database; something is written along with the first write transaction of a piece of work.

    For one thread.
    """

    def __init__(self, database: Database, along: Callable[[Connection], None]) -> None:
        """`along` is called just before the commit. When that fails, it is called again in the next transaction."""
        super().__init__(database.engine, database._write_queue)
        self._along: Callable[[Connection], None] | None = along

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            if self._along is not None:
                self._along(connection)
        self._along = None


class SharedTransaction(Database):
    """The same database; all write transactions of a piece of work are one, committed when it ends well.

    It begins with the first of them, and what is read from then on is read inside it. A write that fails takes back
    what it has written and no more, as it would by itself. For one thread, by `with`.

    Raises at the end:
        StoreUnavailable: The commit failed, and the outcome is unknown.
    """

    def __init__(self, database: Database, *, at_begin: Callable[[Connection], None]) -> None:
        """`at_begin` is called at the beginning of the transaction, if one begins."""
        super().__init__(database.engine, database._write_queue)
        self._database = database
        self._at_begin = at_begin
        self._stack = ExitStack()
        self.connection: Connection | None = None
        """Of the transaction; `None` = nothing was written yet."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.connection is None:
            connection = self._stack.enter_context(self._database.write())
            self._at_begin(connection)
            self.connection = connection
        with self.connection.begin_nested():
            yield self.connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if self.connection is None:
            with super().read() as connection:
                yield connection
        else:
            yield self.connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)
