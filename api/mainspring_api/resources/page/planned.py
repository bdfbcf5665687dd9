"""Runs that schedules plan in a range of the future, for many DAGs at once."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from threading import Lock
from typing import Any, NamedTuple

from mainspring.timetables import Slot, next_slot, slots_after, timetable_of
from mainspring_api.http.context import Context

__all__ = ["PlannedSlots", "planned_slots", "planned_until"]

SLOTS_OF_DAG_MAX = 1_000
"""A schedule with more slots in the range shows its first ones."""
_STEP = timedelta(minutes=15)
"""Slots are computed up to the next multiple, so that answers of some minutes share them."""
_KEPT_MAX = 2_000

_Key = tuple[int, datetime, datetime, int]
"""Key of the version, planned logical date, end of the range, number of slots."""
_kept: OrderedDict[_Key, tuple[Slot, ...]] = OrderedDict()
_lock = Lock()


class PlannedSlots(NamedTuple):
    """Slots of many DAGs."""

    slots: list[tuple[str, Slot]]
    """DAG ids and slots, soonest first."""
    complete_until: datetime | None
    """Later than this instant, slots may be missing; None = all slots are there."""


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
    return planned_until(ctx, dags, until=until, now=now, slots_max=slots_max, of_dag_max=of_dag_max).slots


def planned_until(
    ctx: Context,
    dags: Iterable[Mapping[str, Any]],
    *,
    until: datetime,
    now: datetime,
    slots_max: int,
    of_dag_max: int = SLOTS_OF_DAG_MAX,
) -> PlannedSlots:
    """As `planned_slots`, with the instant up to which no slot is missing."""
    planned: list[tuple[str, Slot]] = []
    ends: list[datetime] = []
    count = min(of_dag_max, slots_max)
    for dag in dags:
        # Soonest first: no later DAG plans a run that early.
        if dag["next_run_after"] > until:
            break
        if len(planned) >= 10 * slots_max:
            ends.append(dag["next_run_after"])
            break
        slots = _slots(ctx, dag, until=until, now=now, count=count)
        due = [(dag["dag_id"], slot) for slot in takewhile(lambda slot: slot.run_after <= until, slots)]
        planned += due
        if len(due) == count:
            ends.append(slots[-1].run_after)
    planned.sort(key=lambda entry: (entry[1].run_after, entry[0]))
    if len(planned) > slots_max:
        ends.append(planned[slots_max - 1][1].run_after)
    return PlannedSlots(planned[:slots_max], min(ends, default=None))


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
        with _lock:
            _kept[key] = slots
            while len(_kept) > _KEPT_MAX:
                _kept.popitem(last=False)
    return slots


def _computed(ctx: Context, dag: Mapping[str, Any], *, until: datetime, now: datetime) -> Iterator[Slot]:
    definition = ctx.versions.definition(dag["version_id"])
    if definition.schedule is None:
        return
    timetable = timetable_of(definition.schedule, dag["dag_id"])
    start = max(filter(None, (definition.start_date, dag["next_logical_date"])), default=None)
    first = next_slot(timetable, after=None, start=start, end=definition.end_date, catchup_max=1, now=now)
    if first is None or first.run_after > until:
        return
    yield first
    for slot in slots_after(timetable, max(now, first.run_after), start=start, end=definition.end_date):
        if slot.run_after > until:
            return
        if slot.logical_date > first.logical_date:
            yield slot
