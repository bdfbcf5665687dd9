"""The statements of a pass. On PostgreSQL they travel in flights: many statements, one round trip.

A statement without a result waits for the next statement that needs one. A guarded write can wait too: the caller
goes on with the rows that the write returns without interference, and the flight compares them with the rows
that PostgreSQL returned. On a difference the whole transaction is rolled back, and the caller repeats the work without
predictions. So a prediction saves a round trip, and never decides. A write with a `Check` can even travel with the
COMMIT: PostgreSQL itself compares, and a difference is an error that ends the transaction before the COMMIT.

The statements are those of SQLAlchemy, compiled once; psycopg gets them without SQLAlchemy's work for each execution.
"""

import select
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlalchemy import Connection, Dialect, Executable, UpdateBase
from sqlalchemy.exc import DBAPIError

from mainspring.errors import Conflict
from mainspring_store.database.batches import Batch, inlined, spelled

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Transformer
    from psycopg.pq.abc import PGresult

__all__ = [
    "Check",
    "DirectStatements",
    "Mispredicted",
    "PipelineSession",
    "PipelinedStatements",
    "Rows",
    "Statements",
    "Written",
]

INLINED_ROWS_MAX = 4
"""Batches of at most so many rows have a parameter for each value."""

Rows = Sequence[Any]
"""Rows with their columns as attributes."""
Read = tuple[Executable, Mapping[str, Any]]
"""A query and its parameters."""
Written = frozenset[tuple[Any, ...]]
"""The rows of a guarded write."""


@dataclass(frozen=True, slots=True)
class Check:
    """How PostgreSQL verifies a write: so many of the returned rows fulfil the condition, else the statement fails."""

    condition: str
    """SQL over the returned columns."""
    count: int


class Mispredicted(Conflict):
    """A guarded write changed other rows than predicted. The caller rolls back and repeats without predictions."""


class Statements(Protocol):
    """The way from a pass to its database."""

    @property
    def is_sqlite(self) -> bool: ...

    @property
    def connection(self) -> Connection:
        """For further statements of the transaction. Statements that wait are sent first. Ask again for each
        statement."""
        ...

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Rows:
        """Run a statement and return its rows."""
        ...

    def write(self, statement: Executable, parameters: Mapping[str, Any]) -> None:
        """Run a statement without a result. It may wait for the next statement."""
        ...

    def read_ahead(self, reads: "Sequence[Read]") -> None:
        """Run queries at once, and keep their rows until `rows` gets the same statement and parameters. A write drops
        the rows. A database without flights reads nothing ahead."""
        ...

    def read_along(self, read: "Read", receive: Callable[[Rows], None]) -> None:
        """Let a query travel with the next statement. `receive` gets its rows; a database without flights never calls
        it."""
        ...

    @property
    def has_confirmed(self) -> bool:
        """Whether the database has confirmed a predicted write."""
        ...

    @property
    def predicts(self) -> bool:
        """Whether `guarded` returns the prediction, so that the rows of the write are not known yet."""
        ...

    @property
    def can_check(self) -> bool:
        """Whether `checked` is available."""
        ...

    def checked(
        self, statement: Executable, parameters: Mapping[str, Any], check: Check, failure: Callable[[], Exception]
    ) -> None:
        """Run a write as `write`. When the check fails, the transaction cannot commit, and the call that sends the
        statement raises the exception made by `failure`."""
        ...

    def guarded(
        self,
        statement: Executable,
        parameters: Mapping[str, Any],
        predicted: Iterable[tuple[Any, ...]],
        confirms: Callable[[Written], bool] = lambda _: False,
        check: Check | None = None,
    ) -> Written:
        """Run a guarded write and return its rows.

        predicted: the rows that it returns without interference.
        confirms: called with the rows of the write before the commit; returns whether rows that differ are as good as
            the predicted rows.
        check: fails whenever the rows are not as good as the predicted rows; None = PostgreSQL cannot tell. With a
            check the write may travel with the COMMIT; `confirms` is then called with the prediction.
        """
        ...

    def savepoint(self) -> AbstractContextManager[object]:
        """Roll back only the statements inside the block when the block fails."""
        ...


class DirectStatements:
    """Runs each statement at once, by SQLAlchemy."""

    predicts = can_check = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self.has_confirmed = False

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Rows:
        return self.connection.execute(statement, _dumped(parameters)).all()

    def read_ahead(self, reads: Sequence[Read]) -> None:
        pass

    def read_along(self, read: Read, receive: Callable[[Rows], None]) -> None:
        pass

    def write(self, statement: Executable, parameters: Mapping[str, Any]) -> None:
        self.connection.execute(statement, _dumped(parameters))

    def checked(
        self, statement: Executable, parameters: Mapping[str, Any], check: Check, failure: Callable[[], Exception]
    ) -> None:
        raise NotImplementedError("see `can_check`")

    def guarded(
        self,
        statement: Executable,
        parameters: Mapping[str, Any],
        predicted: Iterable[tuple[Any, ...]],
        confirms: Callable[[Written], bool] = lambda _: False,
        check: Check | None = None,
    ) -> Written:
        rows = frozenset(map(tuple, self.connection.execute(statement, _dumped(parameters))))
        confirms(rows)
        return rows

    def savepoint(self) -> AbstractContextManager[object]:
        return self.connection.begin_nested()


class _Waiting(NamedTuple):
    """A statement that waits for its flight."""

    statement: "_DriverStatement"
    parameters: Mapping[str, Any]
    predicted: Written | None = None
    """None = the rows are not compared."""
    confirms: Callable[[Written], bool] = lambda _: False
    """See `Statements.guarded`."""
    with_check: "_Waiting | None" = None
    """The same write with its check, for the flight of the COMMIT."""
    failure: Callable[[], Exception] | None = None
    """Makes the exception of a failed check; None = a failed check is a wrong prediction."""
    receive: Callable[[Rows], None] | None = None
    """Gets the rows; None = nobody reads them, or the sender of the flight does."""

    def is_right(self, rows: Rows) -> bool:
        """Whether the caller may go on with the prediction."""
        if self.predicted is None:
            return True
        written = frozenset(map(tuple, rows))
        # The call comes first, because `confirms` also learns from predicted rows.
        return self.confirms(written) or written == self.predicted


class PipelineSession:
    """A PostgreSQL session for passes, with the statements that it has prepared. For one transaction at a time.

    The session is no part of a pool, which would reset it after each pass.
    """

    def __init__(self, connection: Connection) -> None:
        """connection: detached from its pool, in autocommit mode; the flights begin and end transactions."""
        from psycopg.adapt import Transformer

        self.core = connection
        self.driver: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
        # psycopg drops all prepared statements after a rollback, unless it prepares none itself.
        self.driver.prepare_threshold = None
        self._values = Transformer.from_context(self.driver)
        self._names: dict[_DriverStatement, bytes] = {}
        self._prepared = 0
        self._poll = select.poll()
        self._poll.register(self.driver.pgconn.socket, select.POLLIN)

    @property
    def is_usable(self) -> bool:
        """Whether the session is connected and outside a transaction."""
        from psycopg.pq import TransactionStatus

        return not self.driver.closed and self.driver.pgconn.transaction_status == TransactionStatus.IDLE

    def run(self, flight: "Sequence[_Waiting]") -> list[Rows]:
        """Send the statements at once, and return the rows of each.

        Raises:
            _StatementFailed: The first statement that failed. The later statements did not run.
            psycopg.Error: The connection broke.
        """
        pgconn = self.driver.pgconn
        unconfirmed: list[_DriverStatement] = []
        parameters = [waiting.statement.parameters(waiting.parameters) for waiting in flight]
        pgconn.enter_pipeline_mode()
        try:
            new = [waiting.statement for waiting in flight if waiting.statement not in self._names]
            for statement in dict.fromkeys(new):
                self._prepared += 1
                name = self._names[statement] = b"mainspring_%d" % self._prepared
                pgconn.send_prepare(name, statement.text.encode())
                unconfirmed.append(statement)
            for waiting, values in zip(flight, parameters, strict=True):
                pgconn.send_query_prepared(self._names[waiting.statement], values)
            pgconn.pipeline_sync()
            self._flush()
            results = self._results()
        except BaseException:
            # The server may have more to say. A session in doubt is not used again.
            self.driver.close()
            raise
        pgconn.exit_pipeline_mode()
        self._check(results, unconfirmed)
        return [
            waiting.statement.rows(self._values, result)
            for waiting, result in zip(flight, results[-len(flight) :], strict=True)
        ]

    def roll_back(self) -> None:
        """End the transaction, if there is one."""
        if not self.driver.closed and not self.is_usable:
            self.run([_Waiting(_ROLLBACK, {})])
        self.core.rollback()

    def close(self) -> None:
        self.driver.close()
        self.core.invalidate()
        self.core.close()

    def _flush(self) -> None:
        pgconn = self.driver.pgconn
        while pgconn.flush():
            self._poll.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
            self._poll.poll()
            self._poll.modify(pgconn.socket, select.POLLIN)
            # A server that cannot send its answers reads no more statements.
            pgconn.consume_input()

    def _results(self) -> "list[PGresult]":
        """The result of each statement up to the end of the flight."""
        from psycopg.pq import ExecStatus

        pgconn = self.driver.pgconn
        results: list[PGresult] = []
        while True:
            while pgconn.is_busy():
                self._poll.poll()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)

    def _check(self, results: "Sequence[PGresult]", unconfirmed: "Sequence[_DriverStatement]") -> None:
        from psycopg.errors import error_from_result
        from psycopg.pq import ExecStatus

        for number, result in enumerate(results):
            if result.status == ExecStatus.FATAL_ERROR:
                # The statements behind a failed one were not prepared.
                for statement in unconfirmed:
                    del self._names[statement]
                raise _StatementFailed(number - len(unconfirmed), error_from_result(result))


class _StatementFailed(Exception):
    def __init__(self, index: int, error: "psycopg.Error") -> None:
        """index: of the statement in its flight; negative = it could not be prepared."""
        super().__init__(str(error))
        self.index = index
        self.error = error


class PipelinedStatements:
    """Sends statements of one transaction on PostgreSQL in flights. For one thread."""

    is_sqlite = False
    can_check = True

    before_flight: Callable[[Sequence[str]], object] = staticmethod(lambda _: None)
    """Called with the texts of the statements before each flight: for tests."""

    def __init__(self, session: PipelineSession, *, predicts: bool) -> None:
        """predicts: whether `guarded` returns the prediction and lets the write wait."""
        self._session = session
        self.predicts = predicts
        self._waiting = [_Waiting(_BEGIN, {})]
        self._ahead: list[tuple[Read, Rows]] = []
        """Rows of queries that nobody has asked for yet."""
        self.has_confirmed = False
        self._mispredicted: Mispredicted | None = None
        """The wrong prediction that this transaction has met. Code between may have caught it."""

    @property
    def connection(self) -> Connection:
        self._ahead.clear()
        self.send()
        return self._session.core

    def rows(self, statement: Executable, parameters: Mapping[str, Any]) -> Rows:
        for number, (read, rows) in enumerate(self._ahead):
            if read[0] is statement and read[1] == parameters:
                del self._ahead[number]
                return rows
        if isinstance(statement, UpdateBase):
            self._ahead.clear()
        compiled = self._compiled(statement, parameters)
        if compiled is None:
            return self.connection.execute(statement, _dumped(parameters)).all()
        self._waiting.append(_Waiting(compiled, parameters))
        return self._fly()[-1]

    def read_ahead(self, reads: Sequence[Read]) -> None:
        compiled = [(read, self._compiled(*read)) for read in reads]
        flying = [(read, statement) for read, statement in compiled if statement is not None]
        self._waiting += (_Waiting(statement, read[1]) for read, statement in flying)
        results = self._fly()[-len(flying) :]
        self._ahead = [(read, rows) for (read, _), rows in zip(flying, results, strict=True)]

    def read_along(self, read: Read, receive: Callable[[Rows], None]) -> None:
        compiled = self._compiled(*read)
        if compiled is not None:
            self._waiting.append(_Waiting(compiled, read[1], receive=receive))

    def write(self, statement: Executable, parameters: Mapping[str, Any]) -> None:
        self._ahead.clear()
        compiled = self._compiled(statement, parameters)
        if compiled is None:
            self.connection.execute(statement, _dumped(parameters))
        else:
            self._waiting.append(_Waiting(compiled, parameters))

    def checked(
        self, statement: Executable, parameters: Mapping[str, Any], check: Check, failure: Callable[[], Exception]
    ) -> None:
        self._ahead.clear()
        self._waiting.append(self._with_check(statement, parameters, check, failure))

    def _with_check(
        self,
        statement: Executable,
        parameters: Mapping[str, Any],
        check: Check,
        failure: Callable[[], Exception] | None = None,
    ) -> _Waiting:
        compiled = self._compiled(statement, parameters, check.condition)
        assert compiled is not None, "the statement has a parameter that only SQLAlchemy can fill"
        return _Waiting(compiled, {**parameters, _CHECKED_COUNT: check.count}, failure=failure)

    def guarded(
        self,
        statement: Executable,
        parameters: Mapping[str, Any],
        predicted: Iterable[tuple[Any, ...]],
        confirms: Callable[[Written], bool] = lambda _: False,
        check: Check | None = None,
    ) -> Written:
        self._ahead.clear()
        compiled = self._compiled(statement, parameters)
        if compiled is None or not self.predicts:
            rows = frozenset(map(tuple, self.rows(statement, parameters)))
            confirms(rows)
            return rows
        prediction = frozenset(predicted)
        with_check = None if check is None else self._with_check(statement, parameters, check)
        self._waiting.append(_Waiting(compiled, parameters, prediction, confirms, with_check))
        return prediction

    def send(self) -> None:
        """Run all statements that wait."""
        if self._waiting:
            self._fly()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self.connection.begin_nested():
            try:
                yield
                self.send()
            except BaseException:
                self._waiting.clear()
                raise

    def commit(self) -> None:
        """Send what waits together with the COMMIT. Without any statement there is no transaction.

        Every prediction must be confirmed before the COMMIT, by the caller or by the check of its write.

        Raises:
            Mispredicted: A prediction was wrong, even if the caller caught the first exception that said so.
        """
        self._check_predictions()
        if any(waiting.predicted is not None and waiting.with_check is None for waiting in self._waiting):
            self.send()
        if [waiting.statement for waiting in self._waiting] == [_BEGIN]:
            return
        predictions = [waiting for waiting in self._waiting if waiting.predicted is not None]
        self._waiting = [*(waiting.with_check or waiting for waiting in self._waiting), _Waiting(_COMMIT, {})]
        self._fly()
        for waiting in predictions:
            self.has_confirmed = True
            waiting.confirms(waiting.predicted or frozenset())

    def _compiled(
        self, statement: Executable, parameters: Mapping[str, Any], condition: str | None = None
    ) -> "_DriverStatement | None":
        return _compiled(statement, parameters, condition, self._session.core.dialect)

    def _check_predictions(self) -> None:
        """Raise a wrong prediction again: rows that do not exist may have been used since."""
        if self._mispredicted is not None:
            raise self._mispredicted

    def _fly(self) -> list[Rows]:
        """Send what waits; returns the rows of each statement."""
        self._check_predictions()
        flight, self._waiting = self._waiting, []
        self.before_flight([waiting.statement.text for waiting in flight])
        try:
            results = self._session.run(flight)
        except _StatementFailed as exc:
            raise self._explained(exc, flight) from exc.error
        except Exception as exc:
            raise self._translated(exc, flight) from exc
        for waiting, rows in zip(flight, results, strict=True):
            if not waiting.is_right(rows):
                self._mispredicted = Mispredicted("a guarded write changed other rows than predicted")
                raise self._mispredicted
            self.has_confirmed |= waiting.predicted is not None
            if waiting.receive is not None:
                waiting.receive(rows)
        return results

    def _explained(self, failed: "_StatementFailed", flight: Sequence[_Waiting]) -> Exception:
        """Why a statement failed: by its check, by a wrong prediction before it, or as SQLAlchemy says it."""
        from psycopg.errors import DivisionByZero, OperationalError

        waiting = flight[max(failed.index, 0)]
        is_check = isinstance(failed.error, DivisionByZero) and _CHECKED_COUNT in waiting.parameters
        if is_check and waiting.failure is not None:
            return waiting.failure()
        is_statement = not isinstance(failed.error, OperationalError)
        if is_check or (is_statement and any(statement.predicted is not None for statement in flight)):
            self._mispredicted = Mispredicted(f"a prediction was wrong: {failed}")
            return self._mispredicted
        return self._translated(failed.error, flight)

    def _translated(self, error: Exception, flight: Sequence[_Waiting]) -> Exception:
        """The error as SQLAlchemy raises it."""
        import psycopg

        if not isinstance(error, psycopg.Error):
            return error
        return DBAPIError.instance(
            "; ".join(waiting.statement.text for waiting in flight),
            {},
            error,
            psycopg.Error,
            connection_invalidated=self._session.driver.closed,
            dialect=self._session.core.dialect,
            hide_parameters=True,
        )


class _DriverStatement:
    """A compiled statement for psycopg: positional parameters, and values converted as SQLAlchemy does."""

    def __init__(
        self, text: str, parameters: Callable[[Mapping[str, Any]], list[bytes | None]], columns: Sequence[Any]
    ) -> None:
        """columns: (name, function that converts a value; None = as the driver returns it)."""
        self.text = text
        self.parameters = parameters
        self._row = _row_type(tuple(name for name, _ in columns))
        names = self._row._fields
        self._converted = [(name, convert) for name, (_, convert) in zip(names, columns, strict=True) if convert]
        self._has_rows = bool(columns)

    def rows(self, values: "Transformer", result: "PGresult") -> Rows:
        """The rows of a result. values: converts the texts of PostgreSQL."""
        if not self._has_rows:
            return ()
        values.set_pgresult(result)
        rows: list[Any] = values.load_rows(0, result.ntuples, self._row._make)
        if not self._converted:
            return rows
        return [self._convert(row) for row in rows]

    def _convert(self, row: Any) -> Any:
        # Most of these values are NULL, which every type leaves as it is.
        values = {
            name: convert(value) for name, convert in self._converted if (value := getattr(row, name)) is not None
        }
        return row._replace(**values) if values else row


def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


def _dumped(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value.text if isinstance(value, Batch) else value for name, value in parameters.items()}


def _compiled(
    statement: Executable, parameters: Mapping[str, Any], condition: str | None, dialect: Dialect
) -> _DriverStatement | None:
    """condition: of the check; None = without a check. None is returned when SQLAlchemy alone can run the statement."""
    batch = parameters.get("rows")
    count = len(batch.rows) if isinstance(batch, Batch) and len(batch.rows) <= INLINED_ROWS_MAX else 0
    key = (statement, count, condition)
    if key not in _STATEMENTS:
        _STATEMENTS[key] = _compile(statement, count, condition, dialect)
    return _STATEMENTS[key]


_STATEMENTS: dict[tuple[Any, int, str | None], _DriverStatement | None] = {}
"""By statement, number of inlined rows, and condition of the check. Statements are built once and live as long as the
process. Their text does not depend on the server."""


def _compile(statement: Any, count: int, condition: str | None, dialect: Dialect) -> _DriverStatement | None:
    """count: rows of the batch with parameters of their own; 0 = the batch is one text, or the statement has none.
    condition: of the check; None = without a check."""
    compiled = statement.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
        return None
    binds = {name: bind for bind, name in compiled.bind_names.items() if not (count and name == "rows")}
    names = list(binds)
    processors = [bind.type.dialect_impl(dialect).bind_processor(dialect) for bind in binds.values()]
    constants = compiled.construct_params(_check=False)
    text, fields = inlined(compiled.string, count, len(names) + 1) if count else (compiled.string, [])

    def parameters(values: Mapping[str, Any]) -> list[bytes | None]:
        arguments = [values.get(name, constants[name]) for name in names]
        converted = [
            value.text if isinstance(value, Batch) else value if process is None else process(value)
            for process, value in zip(processors, arguments, strict=True)
        ]
        if count:
            converted += values["rows"].values(fields)
        if condition is not None:
            converted.append(values[_CHECKED_COUNT])
        return [None if value is None else spelled(value).encode() for value in converted]

    columns = [
        (getattr(column, "name", ""), column.type.dialect_impl(dialect).result_processor(dialect, None))
        for column in statement.exported_columns
    ]
    text %= {name: f"${number}" for number, name in enumerate(names, start=1)}
    if condition is not None:
        return _DriverStatement(_checked(text, condition, len(names) + len(fields) * count + 1), parameters, ())
    return _DriverStatement(text, parameters, columns)


def _checked(text: str, condition: str, number: int) -> str:
    """A write that fails by a division by zero, unless as many returned rows fulfil the condition as parameter `number`
    says. No other statement of a pass divides."""
    is_right = f"count(*) FILTER (WHERE {condition}) = ${number}::bigint"
    verdict = f"SELECT 1 / CASE WHEN {is_right} THEN 1 ELSE 0 END FROM written"  # noqa: S608  no text of a user
    return f"WITH written AS ({text}) {verdict}"


_CHECKED_COUNT = "checked_count"


def _plain(text: str) -> _DriverStatement:
    return _DriverStatement(text, lambda _: [], ())


_BEGIN, _COMMIT, _ROLLBACK = _plain("BEGIN"), _plain("COMMIT"), _plain("ROLLBACK")
