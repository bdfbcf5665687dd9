"""Why a schedule makes no run now, and why it made none for slots of the past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, func, literal_column, null, select

from mainspring.blockers import BlockCode, Blocker, Explanation, Satisfied
from mainspring.definition.model import Catchup, Definition
from mainspring.instants import format_instant
from mainspring.states import RunType
from mainspring.timetables import Slot, Timetable, next_slot, slots_between, timetable_of
from mainspring_store.database.transactions import Database
from mainspring_store.database.types import UtcDateTime
from mainspring_store.queries.dags import dag_not_found
from mainspring_store.queries.explain.awaited_dags import awaited_blocker
from mainspring_store.queries.explain.outages import Outage, read_outages
from mainspring_store.queries.explain.pauses import Pauses, read_pauses
from mainspring_store.queries.explain.question import Question
from mainspring_store.queries.explain.service_facts import (
    clock_blockers,
    read_services,
    service_blockers,
    service_satisfied,
)
from mainspring_store.queries.listing import Seen
from mainspring_store.tables import dag, dag_run, dag_version

__all__ = ["explain_schedule"]

SLOTS_MAX = 300
"""Slots of the past that one explanation examines, the latest first."""
IDS_MAX = 20
"""Slots that one blocker names."""
_DROPPED_MAX = 10_000
_VERSIONS_MAX = 20


def explain_schedule(
    database: Database, definition: Definition, dag_id: str, *, after: datetime, seen: Seen | None, now: datetime
) -> Explanation:
    """Explain the schedule of a DAG: first what keeps the next run, then the missed slots of the past.

    definition: the current one.
    after: the explanation tells of the slots that were due later than this.
    seen: the DAGs that the caller sees, as in `ListQuery`.

    Raises:
        NotFound: There is no such DAG.
    """
    with database.read() as connection:
        row = connection.execute(_DAG, {"dag_id": dag_id}).one_or_none()
        if row is None:
            raise dag_not_found(dag_id)
        question = Question(connection, read_services(connection, now), seen, now)
        if definition.schedule is None:
            text = "The DAG has no schedule: only triggers make runs"
            return Explanation(
                state="unscheduled", blockers=(Blocker(code=BlockCode.NO_SCHEDULE, text=text, ids=(dag_id,)),)
            )
        timetable = timetable_of(definition.schedule, dag_id)
        pauses = read_pauses(connection, dag_id, is_paused=row.is_paused)
        schedule = _Schedule(question, definition, timetable, row, pauses)
        state, blockers = schedule.next_run()
        past = schedule.missed(max(after, _since(question, definition, row)))
        return Explanation(state=state, blockers=(*blockers, *past), satisfied=tuple(schedule.satisfied()))


def _since(question: Question, definition: Definition, row: Any) -> datetime:
    """Since when the DAG has its schedule: the first of the latest versions with the same schedule."""
    since: datetime = row.created_at
    document = definition.document
    for version in question.connection.execute(_VERSIONS, {"dag_id": row.dag_id}):
        if any(version.document.get(name) != document.get(name) for name in ("schedule", "start_date", "end_date")):
            return since
        since = version.created_at
    return since


@dataclass(frozen=True, slots=True)
class _Schedule:
    """The schedule of one DAG."""

    question: Question
    definition: Definition
    timetable: Timetable
    row: Any
    pauses: Pauses

    def next_run(self) -> tuple[str, list[Blocker]]:
        """The state of the schedule, and what keeps it from making its next run now."""
        row, now = self.row, self.question.now
        blockers = [*service_blockers(self.question.services), *clock_blockers(self.question.services)]
        if row.schedule_error is not None:
            text = f"The next run cannot be planned: {row.schedule_error}"
            return "error", [*blockers, Blocker(code=BlockCode.SCHEDULE_ERROR, text=text, ids=(row.dag_id,))]
        if self.definition.schedule is not None and self.definition.schedule.upstream:
            return self._after_other_dags(blockers)
        slot = self._next_slot()
        if slot is None:
            return "ended", [*blockers, *self._paused(), self._ended()]
        if row.is_paused:
            return "paused", [*blockers, *self._paused()]
        if slot.run_after > now:
            return "waiting", [*blockers, *self._not_due(slot)]
        limits = list(self._max_active_runs())
        if not (blockers or limits):
            text = f"The next pass of the scheduler makes the run of {format_instant(slot.logical_date)}"
            ids = (format_instant(slot.logical_date),)
            limits = [Blocker(code=BlockCode.DECISION_PENDING, text=text, since=slot.run_after, ids=ids)]
        return "due", [*blockers, *limits]

    def _after_other_dags(self, blockers: Sequence[Blocker]) -> tuple[str, list[Blocker]]:
        """`next_run` of a schedule that waits for the ends of other DAGs."""
        end, now = self.definition.end_date, self.question.now
        if end is not None and end < now:
            return "ended", [*blockers, *self._paused(), self._ended()]
        if self.row.is_paused:
            return "paused", [*blockers, *self._paused()]
        return "waiting", [*blockers, *self._not_begun(), awaited_blocker(self.question, self.definition)]

    def satisfied(self) -> Iterator[Satisfied]:
        yield from service_satisfied(self.question.services)
        if not self.row.is_paused:
            yield Satisfied(code=BlockCode.DAG_PAUSED, text="The DAG is not paused")
        if not self.question.services.wrong_clocks:
            yield Satisfied(code=BlockCode.CLOCK_GUARD, text="The clocks of the schedulers are right")

    def missed(self, after: datetime) -> Iterator[Blocker]:
        """The causes for the missing runs of slots that were due later than `after`, the latest first."""
        slots = self._missing_slots(after)
        outages = read_outages(self.question.connection, after)
        of_outages: dict[Outage, list[Slot]] = {}
        while_paused: list[Slot] = []
        of_rule: list[Slot] = []
        for slot in slots:
            outage = next((outage for outage in outages if outage.covers(slot.run_after)), None)
            if outage is not None:
                of_outages.setdefault(outage, []).append(slot)
            elif self.pauses.covers(slot.run_after):
                while_paused.append(slot)
            else:
                of_rule.append(slot)
        rule = self._rule()
        for outage, missed in of_outages.items():
            text = (
                f"No scheduler was alive from {format_instant(outage.began_at)} to {format_instant(outage.ended_at)}: "
                f"{_count(missed)} missed; {rule}"
            )
            yield Blocker(code=BlockCode.SCHEDULER_DOWN, text=text, since=outage.began_at, ids=_ids(missed))
        if while_paused:
            text = f"The DAG was paused: {_count(while_paused)} missed; {rule}"
            yield Blocker(
                code=BlockCode.DAG_PAUSED, text=text, since=while_paused[-1].run_after, ids=_ids(while_paused)
            )
        if of_rule:
            text = f"{_count(of_rule)} not made up for: {rule}"
            yield Blocker(code=BlockCode.CATCHUP, text=text, since=of_rule[-1].run_after, ids=_ids(of_rule))
        yield from self._excluded(after)

    def _rule(self) -> str:
        if self.definition.catchup is Catchup.NONE:
            return "`catchup` is none, so that no missed slot is made up for"
        if self.definition.catchup is Catchup.LATEST:
            return "`catchup` is off, so that only the latest missed slot is made up for"
        return f"`catchup_max` makes up for the latest {self.definition.catchup_max} missed slots only"

    def _next_slot(self) -> Slot | None:
        """The slot that the scheduler makes a run of next, as in its duty for due runs."""
        row, definition = self.row, self.definition
        return next_slot(
            self.timetable,
            after=row.latest,
            start=max(filter(None, (definition.start_date, row.next_logical_date)), default=None),
            end=definition.end_date,
            catchup_max=definition.made_up_for,
            now=self.question.now,
            renewed_at=row.next_run_after if row.next_logical_date is None else None,
        )

    def _missing_slots(self, after: datetime) -> list[Slot]:
        """The slots without a run that the scheduler will not make any more, latest first."""
        now, definition, following = self.question.now, self.definition, self._next_slot()
        first = max(after - timedelta(days=366), definition.start_date or after - timedelta(days=366))
        last = definition.end_date or now
        slots = []
        for slot in islice(slots_between(self.timetable, first, last, due_by=now, is_backwards=True), SLOTS_MAX):
            if slot.run_after <= after:
                break
            if following is None or slot.logical_date < following.logical_date:
                slots.append(slot)
        if not slots:
            return []
        params = {"dag_id": self.row.dag_id, "first": slots[-1].logical_date}
        made = frozenset(self.question.connection.scalars(_LOGICAL_DATES, params))
        return [slot for slot in slots if slot.logical_date not in made]

    def _paused(self) -> Iterator[Blocker]:
        if self.row.is_paused:
            text = "The DAG is paused: no run of the schedule is made"
            yield Blocker(code=BlockCode.DAG_PAUSED, text=text, since=self.pauses.since, ids=(self.row.dag_id,))

    def _ended(self) -> Blocker:
        end = self.definition.end_date
        text = "The schedule has no further time" if end is None else f"The end_date {format_instant(end)} has passed"
        return Blocker(code=BlockCode.END_DATE, text=text, since=end, ids=() if end is None else (format_instant(end),))

    def _not_begun(self) -> Iterator[Blocker]:
        start = self.definition.start_date
        if start is not None and start > self.question.now:
            text = f"The start_date {format_instant(start)} is ahead"
            yield Blocker(code=BlockCode.START_DATE, text=text, until=start, ids=(format_instant(start),))

    def _not_due(self, slot: Slot) -> Iterator[Blocker]:
        yield from self._not_begun()
        text = f"The next run is due at {format_instant(slot.run_after)}"
        yield Blocker(code=BlockCode.NOT_DUE, text=text, until=slot.run_after, ids=(format_instant(slot.logical_date),))

    def _max_active_runs(self) -> Iterator[Blocker]:
        """The limit as the scheduler applies it to a schedule: queued scheduled runs count too."""
        active = self.question.holders(_UNFINISHED.where(dag_run.c.dag_id == self.row.dag_id))
        limit = self.row.max_active_runs
        if active["holders_total"] >= limit:
            text = f"{active['holders_total']} scheduled runs have not ended; max_active_runs is {limit}"
            yield Blocker(code=BlockCode.MAX_ACTIVE_RUNS, text=text, ids=(self.row.dag_id,), **active)

    def _excluded(self, after: datetime) -> Iterator[Blocker]:
        dropped = sorted(islice(self.timetable.dropped(after, self.question.now), _DROPPED_MAX), reverse=True)
        reasons: dict[str, list[str]] = {}
        for time in dropped[:IDS_MAX]:
            reasons.setdefault(time.reason, []).append(time.local_time.isoformat())
        for reason, times in reasons.items():
            yield Blocker(code=BlockCode.EXCLUDED_DAY, text=f"No run is due: {reason}", ids=tuple(times))


def _count(slots: Sequence[Slot]) -> str:
    return "1 slot was" if len(slots) == 1 else f"{len(slots)} slots were"


def _ids(slots: Sequence[Slot]) -> tuple[str, ...]:
    return tuple(format_instant(slot.logical_date) for slot in slots[:IDS_MAX])


_LATEST = (
    select(func.max(dag_run.c.logical_date, type_=UtcDateTime))
    .where(dag_run.c.dag_id == dag.c.dag_id, dag_run.c.run_type == RunType.SCHEDULED)
    .scalar_subquery()
)
_DAG = select(
    dag.c.dag_id,
    dag.c.is_paused,
    dag.c.created_at,
    dag.c.max_active_runs,
    dag.c.next_logical_date,
    dag.c.next_run_after,
    dag.c.schedule_error,
    _LATEST.label("latest"),
).where(dag.c.dag_id == bindparam("dag_id"))
_VERSIONS = (
    select(dag_version.c.created_at, dag_version.c.document)
    .where(dag_version.c.dag_id == bindparam("dag_id"))
    .order_by(dag_version.c.version_number.desc())
    .limit(_VERSIONS_MAX)
)
_LOGICAL_DATES = select(dag_run.c.logical_date).where(
    dag_run.c.dag_id == bindparam("dag_id"), dag_run.c.logical_date >= bindparam("first", type_=UtcDateTime)
)
_UNFINISHED = (
    select(dag_run.c.dag_id, dag_run.c.run_id, null().label("task_id"), null().label("map_index"))
    .where(
        dag_run.c.run_type == literal_column(f"'{RunType.SCHEDULED}'"),
        dag_run.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
    )
    .order_by(dag_run.c.id)
)
