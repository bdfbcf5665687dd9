"""The place of a new run under the concurrency key of its DAG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal, select, text, union_all

from mainspring.concurrency_keys import key_of_run
from mainspring.definition.model import ConcurrencyStrategy, Definition
from mainspring.errors import Conflict
from mainspring_store.tables import dag_run

__all__ = ["KEYLESS", "ConcurrencyKeyTaken", "KeyClaim", "claim_of", "failed_claim", "take_key"]

HOLDERS_SHOWN_MAX = 3


class ConcurrencyKeyTaken(Conflict):
    """As many unfinished runs as allowed have the concurrency key, and the strategy is `reject`."""


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """The concurrency key of a run, as the row of the run keeps it."""

    key: str | None
    """None = the definition limits no key. Empty = the expression failed: no other run has the empty key."""
    max: int | None
    strategy: ConcurrencyStrategy | None

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "concurrency_key": self.key,
            "concurrency_max": self.max,
            "concurrency_strategy": self.strategy,
        }


KEYLESS = KeyClaim(None, None, None)


def claim_of(definition: Definition, names: Mapping[str, Any]) -> KeyClaim:
    """The claim of a run that is made now.

    names: see `mainspring.run_names.run_names`.

    Raises:
        ConcurrencyKeyInvalid: See `key_of_run`.
    """
    rule = definition.concurrency
    return KEYLESS if rule is None else KeyClaim(key_of_run(rule, names), rule.max, rule.strategy)


def failed_claim(definition: Definition) -> KeyClaim:
    """The claim of a run whose key could not be evaluated: these runs share the empty key, also after a clear."""
    assert definition.concurrency is not None
    return KeyClaim("", definition.concurrency.max, definition.concurrency.strategy)


def take_key(connection: Connection, dag_id: str, claim: KeyClaim) -> None:
    """Refuse a run whose strategy is `reject` while its key has no room; two clients take turns until they commit.

    Raises:
        ConcurrencyKeyTaken: Names the holders.
    """
    if claim.strategy is not ConcurrencyStrategy.REJECT:
        return
    assert claim.key is not None
    assert claim.max is not None
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE_TURN, {"name": f"{dag_id} {claim.key}"})
    holders = connection.execute(_HOLDERS, {"dag": dag_id, "key": claim.key}).all()
    if len(holders) < claim.max:
        return
    shown = ", ".join(f"'{row.run_id}' ({row.state})" for row in holders[:HOLDERS_SHOWN_MAX])
    more = f" and {len(holders) - HOLDERS_SHOWN_MAX} more" if len(holders) > HOLDERS_SHOWN_MAX else ""
    raise ConcurrencyKeyTaken(
        f"dag '{dag_id}': the concurrency key '{claim.key}' is held by {shown}{more}; "
        f"max is {claim.max}; wait for its end, or cancel it"
    )


_TAKE_TURN = select(
    func.pg_advisory_xact_lock(func.hashtextextended(literal("concurrency ") + bindparam("name"), literal(0)))
)
_run = dag_run.c
_of_key = (_run.dag_id == bindparam("dag"), _run.concurrency_key == bindparam("key"))
# Two branches, so that each uses its partial index.
_HOLDERS = union_all(
    select(_run.id, _run.run_id, _run.state).where(
        text("dag_run.state = 'running' AND dag_run.concurrency_key IS NOT NULL"), *_of_key
    ),
    select(_run.id, _run.run_id, _run.state).where(
        text("dag_run.state = 'queued' AND dag_run.concurrency_key IS NOT NULL"), *_of_key
    ),
).order_by("id")
