"""The state of the services, as far as work waits for them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select

from mainspring.blockers import BlockCode, Blocker, Satisfied
from mainspring.instants import format_instant, parse_instant
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.services import CLOCK_OFFSET_MAX, SILENT_AFTER
from mainspring_store.tables import service

__all__ = ["Services", "clock_blockers", "read_services", "service_blockers", "service_satisfied"]

OUTAGE_SHOWN = timedelta(minutes=1)
"""How long after its end an outage of the database counts as present: a scheduler writes it with a later heartbeat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The live schedulers and workers."""

    schedulers: Mapping[str, Mapping[str, Any]]
    """Instance id -> `details` of each live scheduler."""
    wrong_clocks: Mapping[str, float]
    """Instance id -> offset in seconds, of the schedulers whose clock guard makes no runs."""
    silent_since: datetime | None
    """The latest sign of life of a scheduler; None = there never was one."""
    workers: Mapping[str, Collection[Mapping[str, Any]]]
    """Queue -> `details` of its live workers."""

    @property
    def outages(self) -> Mapping[str, tuple[datetime, datetime]]:
        """Instance id -> begin and end of an outage of the database, of the schedulers that had one lately."""
        return {
            name: (parse_instant(details["outage"]["from"]), parse_instant(details["outage"]["to"]))
            for name, details in self.schedulers.items()
            if "outage" in details
        }

    @property
    def executors(self) -> frozenset[str]:
        """The executors of all live schedulers."""
        return frozenset(name for details in self.schedulers.values() for name in details.get("executors", ()))

    @property
    def default_executor(self) -> str | None:
        """The executor of tasks that name none; None = no scheduler is alive."""
        return next((details["executors"][0] for details in self.schedulers.values() if details.get("executors")), None)

    def is_remote(self, executor: str) -> bool:
        """Whether workers take the attempts of an executor from a queue."""
        return any(executor in details.get("remote", ()) for details in self.schedulers.values())

    def is_full(self, executor: str) -> bool:
        """Whether every scheduler with the executor has no place for another attempt."""
        places = [details["room"][executor] for details in self.schedulers.values() if executor in details["room"]]
        return bool(places) and max(places) < 1

    def refusal(self, executor: str) -> str | None:
        """Why the machine of a scheduler cannot start a task of an executor now; None = the machine can."""
        causes = (details.get("refused_for", {}).get(executor) for details in self.schedulers.values())
        return next(filter(None, causes), None)


def read_services(connection: Connection, now: datetime) -> Services:
    """The services with a recent heartbeat."""
    schedulers, wrong_clocks, workers = {}, {}, dict[str, list[Mapping[str, Any]]]()
    for row in connection.execute(_ALIVE, {"since": now - SILENT_AFTER}):
        details = row.details or {}
        if row.kind == "scheduler":
            # An entry of the outage stays in the row until the next heartbeat replaces the details.
            outage = details.get("outage")
            if outage is not None and parse_instant(outage["to"]) < now - OUTAGE_SHOWN:
                details = {name: value for name, value in details.items() if name != "outage"}
            schedulers[row.incarnation] = {"room": {}, **details}
            if abs(row.clock_offset_seconds or 0.0) >= CLOCK_OFFSET_MAX.total_seconds():
                wrong_clocks[row.incarnation] = row.clock_offset_seconds
        elif row.kind == "worker" and row.heartbeat_at > now - timedelta(seconds=details["lease_seconds"]):
            workers.setdefault(details["queue"], []).append(details)
    return Services(
        schedulers=schedulers,
        wrong_clocks=wrong_clocks,
        silent_since=connection.scalar(_LAST_SIGN),
        workers=workers,
    )


def service_blockers(services: Services) -> Iterator[Blocker]:
    """What keeps the scheduler from all its work."""
    if not services.schedulers:
        since = services.silent_since
        text = "No scheduler runs" if since is None else f"No scheduler has been alive since {format_instant(since)}"
        yield Blocker(code=BlockCode.SCHEDULER_DOWN, text=text, since=since)
    outages = services.outages
    if outages and len(outages) == len(services.schedulers):
        begin, end = min(outages.values())
        text = f"The scheduler could not use its database from {format_instant(begin)} to {format_instant(end)}"
        yield Blocker(code=BlockCode.DATABASE_DEGRADED, text=text, since=begin, ids=tuple(sorted(outages)))


def service_satisfied(services: Services) -> Iterator[Satisfied]:
    if services.schedulers:
        yield Satisfied(code=BlockCode.SCHEDULER_DOWN, text=f"Schedulers alive: {len(services.schedulers)}")


def clock_blockers(services: Services) -> Iterator[Blocker]:
    """What keeps all schedulers from making runs of schedules and backfills: a hold, or their clocks."""
    holding = [name for name, details in services.schedulers.items() if details.get("schedules_held")]
    if holding:
        text = "The instance was restored from a backup; `mainspring restore --resume` lets schedules make runs again"
        yield Blocker(code=BlockCode.RESTORE_HOLD, text=text, ids=tuple(sorted(holding)))
    wrong = services.wrong_clocks
    if wrong and len(wrong) == len(services.schedulers):
        offset = max(wrong.values(), key=abs)
        text = f"The clock of the scheduler is off by {offset:.1f} seconds, so it makes no runs; set the clock"
        yield Blocker(code=BlockCode.CLOCK_GUARD, text=text, ids=tuple(sorted(wrong)))


_ALIVE = (
    select(
        service.c.incarnation, service.c.kind, service.c.heartbeat_at, service.c.clock_offset_seconds, service.c.details
    )
    .where(
        service.c.kind.in_(["scheduler", "worker"]),
        service.c.stopped_at.is_(None),
        service.c.heartbeat_at >= bindparam("since", type_=UtcDateTime),
    )
    .order_by(service.c.started_at, service.c.incarnation)
)
_LAST_SIGN = select(
    func.max(
        case((service.c.stopped_at.is_(None), service.c.heartbeat_at), else_=service.c.stopped_at), type_=UtcDateTime
    )
).where(service.c.kind == "scheduler")
