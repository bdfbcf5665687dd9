"""The effects of saving or removing a definition: broken callers, next runs, runs in flight. Nothing is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from flask import g

from mainspring.definition import Definition, load_stored
from mainspring.definition.groups import flatten
from mainspring.definition.model import TaskType
from mainspring.errors import InvalidParams, NotFound, PreconditionFailed
from mainspring.expressions import Template
from mainspring.params import resolve_params
from mainspring.timetables import Slot, timetable_of
from mainspring_api.http.context import context
from mainspring_api.resources.definitions.schedules import COUNT_MAX, next_slots
from mainspring_store.queries.plans import calling_dags, runs_in_flight, sent_confs
from mainspring_store.queries.schedules import SchedulePlan, schedule_plan

__all__ = [
    "Callers",
    "DueSlots",
    "broken_callers",
    "due_slots",
    "foresee_due_slots",
    "in_flight",
    "planned_runs",
    "stored_definition",
]

NEXT_RUNS = 5
IN_FLIGHT_MAX = 20
CLIENTS_SINCE = timedelta(days=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Callers:
    """The callers of a DAG that a change breaks."""

    named: list[dict[str, Any]]
    """Callers that the sender of the current request may see."""
    hidden: int
    """Number of further callers."""


def broken_callers(dag_id: str, old: Definition | None, new: Definition | None, now: datetime) -> Callers:
    """Parent DAGs and clients of the last 30 days whose `conf` the old definition takes and the new one refuses.

    new: `None` = the DAG is removed, so every parent DAG breaks.
    """
    if old is None or (new is not None and old.params == new.params):
        return Callers(named=[], hidden=0)
    parents = list(_broken_parents(dag_id, old, new))
    named = [parent for parent in parents if g.user.role_on(parent["caller"]) is not None]
    clients = [] if new is None else _broken_clients(dag_id, old, new, now)
    return Callers(named=[*named, *clients], hidden=len(parents) - len(named))


def _broken_parents(dag_id: str, old: Definition, new: Definition | None) -> Iterator[dict[str, Any]]:
    for parent_id, document in calling_dags(context().database, dag_id).items():
        reasons = [
            reason
            for task in flatten(document).tasks.values()
            if task["type"] == TaskType.DAG and task["dag_id"] == dag_id
            for reason in _refusals(task.get("conf", {}), old, new)
        ]
        if reasons:
            yield {"kind": "dag", "caller": parent_id, "last_seen": None, "count": len(reasons), "why": reasons[0]}


def _refusals(conf: Mapping[str, Any], old: Definition, new: Definition | None) -> Iterator[str]:
    if new is None:
        yield "the DAG that it runs is removed"
    elif Template(conf).is_constant:
        reason = _refusal(conf, old, new)
        if reason is not None:
            yield reason
    elif new.params.get("additionalProperties") is False and isinstance(new.params.get("properties"), Mapping):
        unknown = sorted(conf.keys() - new.params["properties"].keys())
        if unknown and not conf.keys() - (old.params.get("properties") or conf).keys():
            yield f"it sends {', '.join(unknown)}, which the params no longer have"


def _refusal(conf: Mapping[str, Any], old: Definition, new: Definition) -> str | None:
    """The reason for which the new params refuse a `conf` that the old params take; `None` = no such reason."""
    try:
        resolve_params(old.params, conf)
    except InvalidParams:
        return None
    try:
        resolve_params(new.params, conf)
    except InvalidParams as exc:
        return str(exc)[:300]
    return None


def _broken_clients(dag_id: str, old: Definition, new: Definition, now: datetime) -> list[dict[str, Any]]:
    clients: dict[str, dict[str, Any]] = {}
    for sent in sent_confs(context().database, dag_id, since=now - CLIENTS_SINCE):
        reason = _refusal(sent.conf, old, new)
        if reason is not None:
            name = sent.caller or "unknown"
            client = clients.setdefault(
                name, {"kind": "client", "caller": name, "last_seen": sent.at, "count": 0, "why": reason}
            )
            client["count"] += 1
    return list(clients.values())


def planned_runs(dag_id: str, old: Definition | None, new: Definition | None, now: datetime) -> dict[str, Any]:
    """`next_runs`, `catchup_runs` and `due_slots` of a `DagPlan`."""
    stored = _schedule_plan(dag_id)
    old_slots = _slots(old, stored, now)
    is_same = old is not None and new is not None and old.content_hash == new.content_hash
    # A save of another definition makes the scheduler plan again.
    new_slots = _due_and_next(_slots(new, stored if is_same else _renewed(stored, now), now), now)
    due = [slot for slot in new_slots if slot.run_after <= now]
    is_paused = stored.is_paused if old is not None or new is None else new.is_paused_upon_creation
    return {
        "next_runs": {
            "before": [slot.run_after for slot in islice(old_slots, NEXT_RUNS)],
            "after": [slot.run_after for slot in new_slots[:NEXT_RUNS]],
        },
        "catchup_runs": len(due),
        "due_slots": [] if is_paused else [slot.logical_date for slot in due],
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSlots:
    """The slots of a definition that are due with one progress of its schedule."""

    definition: Definition
    planned_at: datetime | None
    """Instant of the plan that the save carries out; `None` = no plan."""
    now: datetime
    stored: SchedulePlan
    """The progress, without what no slot depends on."""
    logical_dates: Sequence[datetime]
    """Logical dates, ascending, at most `COUNT_MAX`."""
    lost: Sequence[datetime]
    """Logical dates of the plan that give no run, because later slots came due since."""


def foresee_due_slots(
    definition: Definition, version: Mapping[str, Any] | None, *, planned_at: datetime | None, now: datetime
) -> DueSlots:
    """The slots that will be due when a definition is saved. Slots are costly, so they are computed before the
    transaction of the save, which other writers wait for.

    version: row of `current_versions`; `None` = the DAG has no saved version.
    """
    stored = _schedule_plan(definition.dag_id)
    if version is None:
        stored = _renewed(replace(stored, is_paused=definition.is_paused_upon_creation), now)
    elif version["content_hash"] != definition.content_hash:
        stored = _renewed(stored, now)
    return _due_slots(definition, stored, planned_at, now)


def due_slots(foreseen: DueSlots) -> Sequence[datetime]:
    """Logical dates of the runs that the scheduler creates at once for a saved DAG, ascending, at most `COUNT_MAX`.

    Computed again only where the schedule of the saved DAG is not where it was foreseen.

    Raises:
        PreconditionFailed: A slot of the plan gives no run, because later slots came due since.
    """
    definition, slots = foreseen.definition, foreseen
    if definition.schedule is None:
        return []
    stored = _schedule_plan(definition.dag_id)
    if _progress(stored) != foreseen.stored:
        slots = _due_slots(definition, stored, foreseen.planned_at, foreseen.now)
    if slots.lost:
        raise PreconditionFailed(
            f"dag '{definition.dag_id}' would no longer make up for its slot {slots.lost[0].isoformat()}, because "
            "later slots came due since the plan; nothing was saved, make a new plan"
        )
    return slots.logical_dates


def _due_slots(definition: Definition, stored: SchedulePlan, planned_at: datetime | None, now: datetime) -> DueSlots:
    logical_dates = [] if stored.is_paused else _due(definition, stored, now)
    planned = [] if stored.is_paused or planned_at is None else _due(definition, stored, planned_at)
    return DueSlots(
        definition=definition,
        planned_at=planned_at,
        now=now,
        stored=_progress(stored),
        logical_dates=logical_dates,
        lost=sorted(set(planned) - set(logical_dates)),
    )


def _progress(stored: SchedulePlan) -> SchedulePlan:
    return replace(stored, version_id=0, error=None, next_run_after=None)


def _renewed(stored: SchedulePlan, now: datetime) -> SchedulePlan:
    """The progress after a save drops the plan."""
    return replace(stored, next_logical_date=None, next_run_after=now)


def _due(definition: Definition, stored: SchedulePlan, now: datetime) -> list[datetime]:
    slots = takewhile(lambda slot: slot.run_after <= now, _slots(definition, stored, now))
    return [slot.logical_date for slot in slots]


def _schedule_plan(dag_id: str) -> SchedulePlan:
    try:
        return schedule_plan(context().database, dag_id)
    except NotFound:
        return SchedulePlan(0, False, None, None, None)


def _due_and_next(slots: Iterator[Slot], now: datetime) -> list[Slot]:
    """The slots that are due, at most `COUNT_MAX`, and as many more as `next_runs` shows.

    A slot is costly to compute, and a plan has hundreds of definitions.
    """
    chosen: list[Slot] = []
    for slot in islice(slots, COUNT_MAX):
        chosen.append(slot)
        if slot.run_after > now and len(chosen) >= NEXT_RUNS:
            break
    return chosen


def _slots(definition: Definition | None, stored: SchedulePlan, now: datetime) -> Iterator[Slot]:
    if definition is None or definition.schedule is None:
        return iter(())
    return next_slots(timetable_of(definition.schedule, definition.dag_id), definition, stored, now)


def in_flight(dag_id: str) -> dict[str, Any]:
    """`in_flight` and `in_flight_total` of a `DagPlan`."""
    runs, total = runs_in_flight(context().database, dag_id, limit=IN_FLIGHT_MAX)
    return {
        "in_flight": [{"dag_run_id": run.run_id, "version_number": run.version_number} for run in runs],
        "in_flight_total": total,
    }


def stored_definition(version: Mapping[str, Any] | None) -> Definition | None:
    """The definition of a row of `current_versions`."""
    return None if version is None else load_stored(version["document"])
