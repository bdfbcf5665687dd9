"""What the parts of a pass have in common: their way to the database."""

from sqlalchemy import Connection

from mainspring_store.database.pipeline import Statements

__all__ = ["PassPart"]


class PassPart:
    """A part of a pass. Its statements run in the transaction of the pass."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._is_sqlite = statements.is_sqlite

    @property
    def _connection(self) -> Connection:
        return self._statements.connection
