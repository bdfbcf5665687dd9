"""Runs that schedules plan in a range of the future, for many DAGs at once."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from threading import Lock
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from mainspring.timetables import ContinuousTimetable, OnceTimetable, Slot, next_slot, slots_after, timetable_of
from mainspring_api.http.context import Context

__all__ = ["PlannedDays", "planned_days", "planned_slots"]

SLOTS_OF_DAG_MAX = 1_000
"""A schedule with more slots in the range shows its first ones."""
_STEP = timedelta(minutes=15)
"""Slots are computed up to the next multiple, so that answers of some minutes share them."""
_KEPT_MAX = 2_000

_Key = tuple[int, datetime, datetime, int]
"""Key of the version, planned logical date, end of the range, number of slots."""
_kept: OrderedDict[_Key, tuple[Slot, ...]] = OrderedDict()
_lock = Lock()
_AnyKey = TypeVar("_AnyKey")
_Value = TypeVar("_Value")


class _DaysOfDag(NamedTuple):
    """Slots of one DAG by day of a zone."""

    slots: Mapping[date, int]
    complete_until: datetime | None


_days_kept: OrderedDict[tuple[int, datetime, datetime, str, int], _DaysOfDag] = OrderedDict()
"""By version, planned logical date, end of the range, zone and bound. A plan changes at each run, so none grows old."""


class PlannedDays(NamedTuple):
    """Slots of many DAGs by day of a zone."""

    slots: Counter[date]
    complete_until: datetime | None
    """Later than this instant, slots may be missing; None = all slots are counted."""


def planned_days(
    ctx: Context,
    dags: Iterable[Mapping[str, Any]],
    *,
    zone: ZoneInfo,
    until: datetime,
    now: datetime,
    slots_max: int,
    of_dag_max: int,
) -> PlannedDays:
    """Count the slots that are due until `until` by day.

    The counts of a DAG are kept while its plan stays. slots_max: slots to compute for what is not kept; the DAGs beyond
    are counted by a later call.
    """
    planned = PlannedDays(Counter(), None)
    ends: list[datetime] = []
    for dag in dags:
        if dag["next_run_after"] > until:
            break
        key = (dag["version_id"], dag["next_logical_date"] or now, until, zone.key, of_dag_max)
        with _lock:
            days = _days_kept.get(key)
        if days is None:
            if slots_max <= 0:
                ends.append(dag["next_run_after"])
                continue
            days = _counted(ctx, dag, zone=zone, until=until, now=now, of_dag_max=of_dag_max)
            slots_max -= sum(days.slots.values())
            if dag["next_logical_date"] is not None:
                _keep(_days_kept, key, days)
        planned.slots.update(days.slots)
        if days.complete_until is not None:
            ends.append(days.complete_until)
    return planned._replace(complete_until=min(ends, default=None))


def _counted(
    ctx: Context, dag: Mapping[str, Any], *, zone: ZoneInfo, until: datetime, now: datetime, of_dag_max: int
) -> _DaysOfDag:
    slots: Counter[date] = Counter()
    last = now
    for slot in islice(_computed(ctx, dag, until=until, now=now), of_dag_max):
        last = max(slot.run_after, now)
        slots[last.astimezone(zone).date()] += 1
    return _DaysOfDag(slots, last if slots.total() == of_dag_max else None)


def _keep(kept: OrderedDict[_AnyKey, _Value], key: _AnyKey, value: _Value) -> None:
    with _lock:
        kept[key] = value
        while len(kept) > _KEPT_MAX:
            kept.popitem(last=False)


def planned_slots(
    ctx: Context,
    dags: Iterable[Mapping[str, Any]],
    *,
    until: datetime,
    now: datetime,
    slots_max: int,
    of_dag_max: int = SLOTS_OF_DAG_MAX,
) -> list[tuple[str, Slot]]:
    """DAG ids and slots that are due until `until`, soonest first, at most `slots_max`.

    dags: rows of `planned_dags`. of_dag_max: slots of one DAG.
    """
    planned: list[tuple[str, Slot]] = []
    for dag in dags:
        # Soonest first: no later DAG plans a run that early.
        if dag["next_run_after"] > until or len(planned) >= 10 * slots_max:
            break
        slots = _slots(ctx, dag, until=until, now=now, count=min(of_dag_max, slots_max))
        planned += [(dag["dag_id"], slot) for slot in takewhile(lambda slot: slot.run_after <= until, slots)]
    planned.sort(key=lambda entry: (entry[1].run_after, entry[0]))
    return planned[:slots_max]


def _slots(ctx: Context, dag: Mapping[str, Any], *, until: datetime, now: datetime, count: int) -> tuple[Slot, ...]:
    """The planned slot and the slots after it, kept while the plan of the DAG stays."""
    if dag["next_logical_date"] is None:
        return tuple(islice(_computed(ctx, dag, until=until, now=now), count))
    steps = -(-(until - datetime.min.replace(tzinfo=UTC)) // _STEP)
    key = (dag["version_id"], dag["next_logical_date"], datetime.min.replace(tzinfo=UTC) + steps * _STEP, count)
    with _lock:
        slots = _kept.get(key)
    if slots is None:
        slots = tuple(islice(_computed(ctx, dag, until=key[2], now=now), count))
        _keep(_kept, key, slots)
    return slots


def _computed(ctx: Context, dag: Mapping[str, Any], *, until: datetime, now: datetime) -> Iterator[Slot]:
    definition = ctx.versions.definition(dag["version_id"])
    if definition.schedule is None:
        return
    timetable = timetable_of(definition.schedule, dag["dag_id"])
    start = max(filter(None, (definition.start_date, dag["next_logical_date"])), default=None)
    first = next_slot(
        timetable,
        after=None,
        start=start,
        end=definition.end_date,
        catchup_max=min(definition.made_up_for, 1),
        now=now,
        renewed_at=dag["next_run_after"] if dag["next_logical_date"] is None else None,
    )
    if first is None or first.run_after > until:
        return
    yield first
    if isinstance(timetable, (OnceTimetable, ContinuousTimetable)):
        return
    for slot in slots_after(timetable, max(now, first.run_after), start=start, end=definition.end_date):
        if slot.run_after > until:
            return
        if slot.logical_date > first.logical_date:
            yield slot
