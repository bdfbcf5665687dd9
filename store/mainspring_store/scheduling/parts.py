"""What the parts of a pass have in common: their way to the database, and what they see of blocked instances."""

from collections.abc import Sequence

from sqlalchemy import Connection, Executable

from mainspring_store.database.pipeline import Check, Statements, Written
from mainspring_store.state.conditions import decide_rows
from mainspring_store.state.records import StateUpdate

__all__ = ["MovingPart", "PassPart", "SeenBlocked"]


class PassPart:
    """A part of a pass. Its statements run in the transaction of the pass."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._is_sqlite = statements.is_sqlite

    @property
    def _connection(self) -> Connection:
        return self._statements.connection


class SeenBlocked:
    """Whether a blocked instance exists anywhere, as the statements of a pass see it (see `state.blocking`)."""

    def __init__(self, *, is_expected: bool) -> None:
        """is_expected: what guarded writes predict until a statement has seen a blocked instance."""
        self._is_expected = is_expected
        self.is_any = False
        """Whether a statement of the pass saw or predicted a blocked instance."""
        self.is_last: bool | None = None
        """What the database returned last; None = nothing yet. A prediction changes nothing here."""

    @property
    def is_expected(self) -> bool:
        return self._is_expected or self.is_any

    def note(self, is_any: bool) -> None:
        """Note what the database returned."""
        self.is_any |= is_any
        self.is_last = is_any


class MovingPart(PassPart):
    """A part of a pass that moves instances. The end of an instance unblocks others, so each write looks for them."""

    def __init__(self, statements: Statements, blocked: SeenBlocked) -> None:
        super().__init__(statements)
        self._blocked = blocked

    def _move(self, statement: Executable, updates: Sequence[StateUpdate], *, blocks: bool = False) -> frozenset[int]:
        """Run a guarded write of `updates` that returns (instance id, whether a blocked instance exists); returns the
        ids of the moved instances.

        blocks: whether the updates themselves block an instance.

        A prediction with a blocked instance holds also when there is none: then `Pass.unblock` changes nothing.
        """
        ids, is_expected = frozenset(update.id for update in updates), self._blocked.is_expected

        def confirms(written: Written) -> bool:
            is_any = any(is_any_blocked for _, is_any_blocked in written)
            if written:
                self._blocked.note(blocks or is_any)
            return frozenset(instance_id for instance_id, _ in written) == ids and (is_expected or not is_any)

        predicted = ((instance_id, is_expected) for instance_id in ids)
        # Where a blocked instance is expected, only the rows show whether there is one.
        check = None if is_expected else Check("NOT any_blocked", len(ids))
        moved = self._statements.guarded(statement, {"rows": decide_rows(updates)}, predicted, confirms, check)
        self._blocked.is_any |= blocks or any(is_any_blocked for _, is_any_blocked in moved)
        return frozenset(instance_id for instance_id, _ in moved)
