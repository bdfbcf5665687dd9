"""Which ends of runs of other DAGs make a run of a DAG whose schedule waits for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainspring.definition.model import MatchRule, Schedule
from mainspring.instants import format_instant

__all__ = ["Gathered", "RunEnd", "gather_ends"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """An end of a run that counts for a schedule."""

    id: int
    """The order of the ends."""
    dag_id: str
    run_id: str
    state: str
    """`success` or `failed`."""
    ended_at: datetime
    logical_date: datetime | None = None
    data_interval: tuple[datetime, datetime] | None = None
    depth: int = 0
    """Number of `dag` tasks above the run."""

    @property
    def source(self) -> dict[str, Any]:
        """The end as an entry of `sources` of the new run."""
        return {
            "dag_id": self.dag_id,
            "dag_run_id": self.run_id,
            "state": self.state,
            "logical_date": None if self.logical_date is None else format_instant(self.logical_date),
            "end_date": format_instant(self.ended_at),
        }


@dataclass(frozen=True, slots=True)
class Gathered:
    """What ends make."""

    runs: Sequence[Sequence[RunEnd]]
    """The ends that make each run, in the order of the ends."""
    waiting: Sequence[RunEnd]
    """The ends that wait for an end of another DAG."""


def gather_ends(schedule: Schedule, ends: Iterable[RunEnd]) -> Gathered:
    """Take ends one by one, ascending. The result does not depend on how many ends are taken at a time: the ends that
    wait are the first of the next call.

    With `match: all`, the latest end of each DAG and state counts. An end that is older than the latest end by more
    than `within` counts no more.
    """
    pairs = {(item.dag_id, item.state.value) for item in schedule.upstream}
    runs: list[Sequence[RunEnd]] = []
    waiting: dict[tuple[str, str], RunEnd] = {}
    for end in ends:
        key = (end.dag_id, end.state)
        if key not in pairs:
            continue
        if schedule.match is MatchRule.ANY:
            runs.append([end])
            continue
        waiting[key] = end
        if schedule.within is not None:
            earliest = end.ended_at - schedule.within
            waiting = {other: kept for other, kept in waiting.items() if kept.ended_at >= earliest}
        if waiting.keys() == pairs:
            runs.append(sorted(waiting.values(), key=lambda kept: kept.id))
            waiting = {}
    return Gathered(runs, sorted(waiting.values(), key=lambda kept: kept.id))
