"""What the candidates of one round need beyond their runs: asked for in one question each, and only where needed."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from mainspring_scheduler.versions import Version
from mainspring_store.key_ring import CannotOpen, KeyRing
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Lookups", "look_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """Answers for one round."""

    first_starts: Mapping[int, datetime]
    """Instance id -> when its first try started; of those that were tried and have a `retry_deadline`."""
    secrets: Mapping[str, str] = field(repr=False)
    """Name -> value, of the secrets that the candidates name and that could be opened."""
    locked: Mapping[str, str]
    """Name -> what to do, of the secrets that they name and that are absent or cannot be opened."""


def look_up(scheduling: Pass, candidates: Sequence[tuple[Candidate, Version]], key_ring: KeyRing | None) -> Lookups:
    """Ask for what these candidates need."""
    tried: list[int] = []
    names: set[str] = set()
    for candidate, version in candidates:
        if candidate.try_number and version.tasks[candidate.task_index].retry_deadline is not None:
            tried.append(candidate.id)
        names |= version.secret_names.get(candidate.task_index, frozenset())
    secrets, locked = _open_secrets(scheduling, names, key_ring) if names else ({}, {})
    return Lookups(first_starts=scheduling.reports.first_starts(tried) if tried else {}, secrets=secrets, locked=locked)


def _open_secrets(
    scheduling: Pass, names: Set[str], key_ring: KeyRing | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    found = scheduling.resources.secrets(names)
    secrets, locked = {}, {}
    for name in names:
        if name not in found:
            locked[name] = f"there is no secret '{name}'; create it by PUT /api/v2/secrets/{name}"
        elif key_ring is None:
            locked[name] = f"secret '{name}' cannot be opened: this scheduler has no keys; give it the API's"
        else:
            try:
                secrets[name] = key_ring.decrypt(name, found[name])
            except CannotOpen as exc:
                locked[name] = str(exc)
    return secrets, locked
