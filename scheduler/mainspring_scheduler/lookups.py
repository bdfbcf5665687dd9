"""What the candidates of one round need beyond their runs: asked for in one question each, and only where needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mainspring_scheduler.versions import Version
from mainspring_store.scheduling import Candidate, Pass

__all__ = ["Lookups", "look_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """Answers for one round."""

    first_starts: Mapping[int, datetime]
    """Instance id -> when its first try started; of those that were tried and have a `retry_deadline`."""


def look_up(scheduling: Pass, candidates: Sequence[tuple[Candidate, Version]]) -> Lookups:
    """Ask for what these candidates need."""
    tried = [
        candidate.id
        for candidate, version in candidates
        if candidate.try_number and version.tasks[candidate.task_index].retry_deadline is not None
    ]
    return Lookups(first_starts=scheduling.reports.first_starts(tried) if tried else {})
