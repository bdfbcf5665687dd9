"""What must hold in a database at every commit, whatever happened before: I1-I30 of the design, as far as rows tell.

`read_facts` takes one consistent picture; each check is a pure function over it and returns a line for each violation,
naming the rows. They are written from the design, not from the engine, and share no code with it. Also for databases
that real processes wrote: `assert_sound` after a trial.
"""

from collections.abc import Sequence, Set

from mainspring_store.database.transactions import Database
from tests.invariants import attempts, counters, history, progress, schedules
from tests.invariants.counters import pools_are_never_overdrawn
from tests.invariants.facts import ACTIVE, FROM_OUTSIDE, STOP_REASONS, Check, Facts, read_facts

__all__ = [
    "ACTIVE",
    "CHECKS",
    "FROM_OUTSIDE",
    "STOP_REASONS",
    "Facts",
    "assert_sound",
    "pools_are_never_overdrawn",
    "read_facts",
    "violations",
]

CHECKS: Sequence[Check] = (
    *counters.CHECKS,
    *progress.CHECKS,
    *schedules.CHECKS,
    *attempts.CHECKS,
    *history.CHECKS,
)


def violations(facts: Facts, *, without: Set[Check] = frozenset()) -> list[str]:
    """Every violation of every check but some, each with the name of its check."""
    return [f"{check.__name__}: {line}" for check in CHECKS if check not in without for line in check(facts)]


def assert_sound(database: Database) -> None:
    """Fail with every violation that the database shows."""
    found = violations(read_facts(database))
    assert not found, "\n".join(["the database breaks what must always hold:", *found])
