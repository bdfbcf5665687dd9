"""What must hold in a database at every commit, whatever happened before: I1-I30 of the design, as far as rows tell.

`read_facts` takes one consistent picture; each check is a pure function over it and returns a line for each violation,
naming the rows. They are written from the design, not from the engine, and share no code with it. Also for databases
that real processes wrote: `assert_sound` after a trial.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, Table, select

from mainspring.definition import load_stored
from mainspring.definition.model import Definition, Task
from mainspring.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState
from mainspring_store.database import Database
from mainspring_store.tables import (
    backfill,
    dag,
    dag_run,
    dag_version,
    pool,
    run_event,
    task_instance,
    task_log,
    task_try,
)
from tests.reference import FINISHED, decision, run_result

__all__ = ["CHECKS", "Facts", "assert_sound", "read_facts", "violations"]

ACTIVE = frozenset({"queued", "running"})
PARK_REASONS = frozenset({"depends_on_past", "max_active_tis"})
STOP_REASONS = frozenset({"cancelled", "timed_out", "quarantined"})
"""Reasons of runs that were ended from outside, at once."""

Line = Iterator[str]


@dataclass(frozen=True)
class Facts:
    """All rows that the checks look at, as of one instant."""

    dags: Mapping[str, Row[Any]]
    definitions: Mapping[int, Definition]
    """By version id."""
    version_dates: Mapping[int, datetime]
    """Version id -> when it was saved."""
    runs: Mapping[int, Row[Any]]
    instances: Mapping[int, Sequence[Row[Any]]]
    """By run id; in order of task and map index."""
    tries: Mapping[int, Sequence[Row[Any]]]
    """By instance id, in order of their numbers."""
    events: Mapping[int, Sequence[Row[Any]]]
    """By run id, in order."""
    pools: Sequence[Row[Any]]
    backfills: Mapping[int, Row[Any]]
    """By id."""
    log_chunks: Sequence[tuple[str, int, int]]
    """Attempt id, offset, length; in order."""

    def definition(self, run: Row[Any]) -> Definition:
        return self.definitions[run.dag_version_id]

    def task(self, instance: Row[Any]) -> Task:
        return self.definition(self.runs[instance.dag_run_id]).tasks[instance.task_id]

    def has_task(self, instance: Row[Any]) -> bool:
        """Whether the version of the run has its task still."""
        return instance.task_id in self.definition(self.runs[instance.dag_run_id]).tasks

    @cached_property
    def by_task(self) -> Mapping[tuple[int, str], Sequence[Row[Any]]]:
        """Run id and task id -> instances."""
        found: dict[tuple[int, str], list[Row[Any]]] = defaultdict(list)
        for instance in self.all_instances:
            found[instance.dag_run_id, instance.task_id].append(instance)
        return found

    @property
    def all_instances(self) -> Iterator[Row[Any]]:
        for instances in self.instances.values():
            yield from instances

    def upstream(self, instance: Row[Any]) -> list[Row[Any]]:
        """All instances of the tasks directly upstream."""
        names = self.task(instance).depends_on
        return [one for name in names for one in self.by_task[instance.dag_run_id, name]]


Check = Callable[[Facts], Line]


def read_facts(database: Database) -> Facts:
    """One consistent picture of the database."""
    level = "SERIALIZABLE" if database.is_sqlite else "REPEATABLE READ"
    with database.engine.connect() as connection:
        if not database.is_sqlite:  # on SQLite every read transaction is one snapshot
            connection.execution_options(isolation_level=level)

        def rows(table: Table, *order: str) -> Sequence[Row[Any]]:
            return connection.execute(select(table).order_by(*(table.c[name] for name in order))).all()

        versions = connection.execute(select(dag_version.c.id, dag_version.c.document, dag_version.c.created_at)).all()
        chunks = connection.execute(
            select(task_log.c.attempt_id, task_log.c.offset, task_log.c.data).order_by(
                task_log.c.attempt_id, task_log.c.offset
            )
        ).all()
        return Facts(
            dags={row.dag_id: row for row in rows(dag, "dag_id")},
            definitions={row.id: _definition(row.document) for row in versions},
            version_dates={row.id: row.created_at for row in versions},
            runs={row.id: row for row in rows(dag_run, "id")},
            instances=_grouped(rows(task_instance, "dag_run_id", "task_index", "map_index"), "dag_run_id"),
            tries=_grouped(rows(task_try, "task_instance_id", "try_number"), "task_instance_id"),
            events=_grouped(rows(run_event, "dag_run_id", "seq"), "dag_run_id"),
            pools=rows(pool, "name"),
            backfills={row.id: row for row in rows(backfill, "id")},
            log_chunks=[(row.attempt_id, row.offset, len(row.data)) for row in chunks],
        )


_definitions: dict[str, Definition] = {}


def _definition(document: Mapping[str, Any]) -> Definition:
    key = repr(document)
    if key not in _definitions:
        _definitions[key] = load_stored(document)
    return _definitions[key]


class _Groups(dict[int, list[Row[Any]]]):
    def __missing__(self, key: int) -> list[Row[Any]]:
        return []


def _grouped(rows: Sequence[Row[Any]], name: str) -> Mapping[int, Sequence[Row[Any]]]:
    groups = _Groups()
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups


def violations(facts: Facts, *, without: Set[Check] = frozenset()) -> list[str]:
    """Every violation of every check but some, each with the name of its check."""
    return [f"{check.__name__}: {line}" for check in CHECKS if check not in without for line in check(facts)]


def assert_sound(database: Database) -> None:
    """Fail with every violation that the database shows."""
    found = violations(read_facts(database))
    assert not found, "\n".join(["the database breaks what must always hold:", *found])


# --- counters ---------------------------------------------------------------------------------------------------


def run_counters_follow_from_states(facts: Facts) -> Line:
    """I30: total, unfinished, active and failed of each run."""
    for run in facts.runs.values():
        states = [one.state for one in facts.instances[run.id]]
        expected = {
            "tasks_total": len(states),
            "tasks_unfinished": sum(state not in FINISHED for state in states),
            "tasks_active": sum(state in ACTIVE for state in states),
            "tasks_failed": sum(state in ("failed", "upstream_failed") for state in states),
        }
        for name, value in expected.items():
            if getattr(run, name) != value:
                yield f"run {run.run_id} has {name} {getattr(run, name)}, its states say {value}: {Counter(states)}"


def upstream_counters_follow_from_states(facts: Facts) -> Line:
    """All upstream instances, and by their states. Where a run was ended at once, nobody counted the ends."""
    stopped = {run_id for run_id, events in facts.events.items() if any(map(_is_stop, events))}
    for instance in facts.all_instances:
        run = facts.runs[instance.dag_run_id]
        if not facts.has_task(instance):
            continue
        if run.id in stopped and (instance.state in FINISHED or run.state in ("success", "failed")):
            continue
        states = Counter(one.state for one in facts.upstream(instance))
        expected = {"up_total": states.total()} | {f"up_{state}": states[state] for state in FINISHED}
        for name, value in expected.items():
            if getattr(instance, name) != value:
                yield f"{_name(facts, instance)} has {name} {getattr(instance, name)}, upstream says {value}: {states}"


def _is_stop(event: Row[Any]) -> bool:
    return event.task_instance_id is None and event.state_reason in STOP_REASONS


def pools_count_the_slots_of_active_instances(facts: Facts) -> Line:
    """I11, first half."""
    used: Counter[str] = Counter()
    deferred: Counter[str] = Counter()
    for instance in facts.all_instances:
        used[instance.pool] += instance.pool_slots * (instance.state in ACTIVE)
        deferred[instance.pool] += instance.pool_slots * (instance.state == "deferred")
    for pool_ in facts.pools:
        expected = used[pool_.name] + (deferred[pool_.name] if pool_.include_deferred else 0)
        if pool_.used != expected:
            yield f"pool {pool_.name} says {pool_.used} slots are used, its active instances hold {expected}"


def pools_are_never_overdrawn(facts: Facts) -> Line:
    """I11, second half. For databases in which no pool was made smaller while it was in use."""
    for pool_ in facts.pools:
        if 0 <= pool_.slots < pool_.used:
            yield f"pool {pool_.name} has {pool_.slots} slots, {pool_.used} are used"


def limits_of_one_version_hold(facts: Facts) -> Line:
    """I12, for the limits that a run is pinned to: `max_active_tasks` and `max_active_tis`."""
    for run in facts.runs.values():
        active = [one for one in facts.instances[run.id] if one.state in ACTIVE]
        if len(active) > run.max_active_tasks:
            yield f"run {run.run_id} has {len(active)} active tasks, max_active_tasks is {run.max_active_tasks}"
        for task_id, count in Counter(one.task_id for one in active).items():
            limit = facts.definition(run).tasks[task_id].max_active_tis
            if limit is not None and count > limit:
                yield f"run {run.run_id}: {count} instances of {task_id} are active, max_active_tis is {limit}"


# --- states -----------------------------------------------------------------------------------------------------


def only_running_runs_have_ready_instances(facts: Facts) -> Line:
    for instance in facts.all_instances:
        run = facts.runs[instance.dag_run_id]
        if instance.state == "scheduled" and instance.ready and run.state != "running":
            yield f"{_name(facts, instance)} is ready, its run is {run.state}"


def unstarted_runs_are_untouched(facts: Facts) -> Line:
    for run in facts.runs.values():
        if run.state == "queued":
            for one in facts.instances[run.id]:
                if one.state not in ("scheduled", *FINISHED):
                    yield f"{_name(facts, one)} is {one.state}, its run has not started"


def what_can_be_decided_is_ready_or_parked(facts: Facts) -> Line:
    """I20, as rows: whatever its trigger rule has decided on will be asked, and nothing else is ready."""
    for instance in facts.all_instances:
        if instance.state != "scheduled" or facts.runs[instance.dag_run_id].state != "running":
            continue
        rule = facts.task(instance).trigger_rule
        said = decision(rule, [one.state for one in facts.upstream(instance)])
        is_parked = not instance.ready and instance.state_reason in PARK_REASONS
        if said != "wait" and not instance.ready and not is_parked:
            yield f"{_name(facts, instance)} is neither ready nor parked, though {rule} says {said}: it is stuck"
        if said == "wait" and instance.ready:
            yield f"{_name(facts, instance)} is ready, though {rule} says wait"


def parked_instances_have_somebody_to_wake_them(facts: Facts) -> Line:
    for instance in facts.all_instances:
        is_parked = instance.state == "scheduled" and not instance.ready and instance.state_reason in PARK_REASONS
        if not is_parked or facts.runs[instance.dag_run_id].state != "running":
            continue
        if instance.state_reason == "depends_on_past" and not _past_holds_back(facts, instance):
            yield f"{_name(facts, instance)} waits for the run before, which holds nothing back: it is stuck"
        if instance.state_reason == "max_active_tis" and not _is_full(facts, instance):
            yield f"{_name(facts, instance)} waits for room for its task, and there is room: it is stuck"


def _past_holds_back(facts: Facts, instance: Row[Any]) -> bool:
    mine = facts.runs[instance.dag_run_id]

    def moment(run: Row[Any]) -> tuple[Any, int]:
        return (run.logical_date or run.run_after, run.id)

    earlier = [run for run in facts.runs.values() if run.dag_id == mine.dag_id and moment(run) < moment(mine)]
    if not earlier:
        return False
    past = facts.by_task[max(earlier, key=moment).id, instance.task_id]
    # A mapped task that is not expanded yet stands for all of its items.
    same = [one for one in past if one.map_index in (instance.map_index, -1) and one.state != "removed"]
    return any(one.state not in ("success", "skipped") for one in same)


def _is_full(facts: Facts, instance: Row[Any]) -> bool:
    task, mine = facts.task(instance), facts.runs[instance.dag_run_id]
    in_run = sum(one.state in ACTIVE for one in facts.by_task[mine.id, task.task_id])
    in_dag = sum(
        one.state in ACTIVE and one.task_id == task.task_id and facts.runs[one.dag_run_id].dag_id == mine.dag_id
        for one in facts.all_instances
    )
    return (task.max_active_tis is not None and in_run >= task.max_active_tis) or (
        task.max_active_tis_per_dag is not None and in_dag >= task.max_active_tis_per_dag
    )


def runs_end_when_and_as_they_must(facts: Facts) -> Line:
    """I10: a run is over exactly when all of its instances are, with the result that their states make."""
    for run in facts.runs.values():
        states: dict[str, list[str]] = defaultdict(list)
        for one in facts.instances[run.id]:
            states[one.task_id].append(one.state)
        is_over = all(state in FINISHED for found in states.values() for state in found)
        if run.state in ("queued", "running"):
            if is_over and run.state == "running":
                yield f"run {run.run_id} is running, though all its instances are over"
            continue
        if not is_over:
            yield f"run {run.run_id} is {run.state}, though it has unfinished instances: {dict(states)}"
            continue
        expected = "failed" if run.state_reason in STOP_REASONS else run_result(facts.definition(run), states)
        if run.state != expected and run.state_reason not in ("expression_error", "marked"):
            yield f"run {run.run_id} ended {run.state}, its states say {expected}: {dict(states)}"


def runs_have_the_tasks_of_their_version(facts: Facts) -> Line:
    """I23: those and no others, but for what was removed when a clear had the run go on with another version."""
    for run in facts.runs.values():
        index = {task_id: place for place, task_id in enumerate(facts.definition(run).tasks)}
        missing = index.keys() - {one.task_id for one in facts.instances[run.id]}
        if missing:
            yield f"run {run.run_id} has no instance of {sorted(missing)}, which its version has"
        for one in facts.instances[run.id]:
            if one.task_id not in index and one.state != "removed":
                yield f"{_name(facts, one)} is {one.state}, its run's version has no such task"
            if one.task_index != index.get(one.task_id, max(one.task_index, len(index))):
                yield f"{_name(facts, one)} has task_index {one.task_index}, its version has {index.get(one.task_id)}"


# --- time -------------------------------------------------------------------------------------------------------


def no_two_runs_stand_for_one_date(facts: Facts) -> Line:
    """I2."""
    dates = Counter((run.dag_id, run.logical_date) for run in facts.runs.values() if run.logical_date is not None)
    for (dag_id, date), count in dates.items():
        if count > 1:
            yield f"dag {dag_id} has {count} runs of {date}"


def slots_of_a_schedule_rise(facts: Facts) -> Line:
    """I24: each scheduled run is later than those that were made before it, and none starts before its time."""
    latest: dict[str, Row[Any]] = {}
    for run in facts.runs.values():
        if run.run_type != "scheduled":
            continue
        earlier = latest.get(run.dag_id)
        if earlier is not None and earlier.logical_date >= run.logical_date:
            yield f"run {run.run_id} was made after {earlier.run_id}"
        if run.start_date is not None and run.start_date < run.run_after:
            yield f"run {run.run_id} started at {run.start_date}, before {run.run_after}"
        latest[run.dag_id] = run


def backfills_stay_within_their_bounds(facts: Facts) -> Line:
    """Their dates, their `max_active_runs` among what runs, and their count of slots."""
    for one in facts.backfills.values():
        mine = [run for run in facts.runs.values() if run.backfill_id == one.id]
        running = sum(run.state == "running" for run in mine)
        if running > one.max_active_runs:
            yield f"backfill {one.id} has {running} running runs, its max_active_runs is {one.max_active_runs}"
        if one.slots_done > one.slots_total:
            yield f"backfill {one.id} did {one.slots_done} of {one.slots_total} slots"
        for run in mine:
            if not one.from_date <= run.logical_date <= one.to_date:
                yield f"run {run.run_id} of {run.logical_date} is not of backfill {one.id}"


# --- attempts ---------------------------------------------------------------------------------------------------


def attempts_are_numbered_from_one_and_charged(facts: Facts) -> Line:
    """I5: 1..n without gaps, n as the instance says and at most its first try and its retries."""
    for instance in facts.all_instances:
        numbers = [one.try_number for one in facts.tries[instance.id]]
        if numbers != list(range(1, instance.try_number + 1)):
            yield f"{_name(facts, instance)} has try_number {instance.try_number} and tries {numbers}"
        if instance.try_number > instance.max_tries + 1:
            yield f"{_name(facts, instance)} had {instance.try_number} tries, {instance.max_tries + 1} are allowed"


def live_attempts_are_those_of_active_instances(facts: Facts) -> Line:
    """I6: an active instance has one live attempt, its latest, in the same state; any other instance has none."""
    for instance in facts.all_instances:
        live = [one for one in facts.tries[instance.id] if one.state in ACTIVE]
        expected = [(instance.attempt_id, instance.state)] if instance.state in ACTIVE else []
        if [(one.attempt_id, one.state) for one in live] != expected:
            found = [(one.try_number, one.state) for one in facts.tries[instance.id]]
            yield f"{_name(facts, instance)} is {instance.state} with tries {found}"
        if facts.tries[instance.id] and facts.tries[instance.id][-1].attempt_id != instance.attempt_id:
            yield f"{_name(facts, instance)} names attempt {instance.attempt_id}, which is not its latest"


def waiting_retries_have_a_due_time(facts: Facts) -> Line:
    for instance in facts.all_instances:
        if instance.state == "up_for_retry" and instance.not_before is None:
            yield f"{_name(facts, instance)} waits for a retry that is never due"
        if instance.state not in ("up_for_retry", "deferred") and instance.not_before is not None:
            yield f"{_name(facts, instance)} is {instance.state} and still due at {instance.not_before}"


def log_chunks_are_contiguous(facts: Facts) -> Line:
    """I18."""
    ends: dict[str, int] = defaultdict(int)
    for attempt_id, offset, length in facts.log_chunks:
        if offset != ends[attempt_id]:
            yield f"log of attempt {attempt_id} has a chunk at {offset}, the one before ends at {ends[attempt_id]}"
        ends[attempt_id] = offset + length


# --- the history, replayed --------------------------------------------------------------------------------------


def events_are_numbered_without_gaps(facts: Facts) -> Line:
    for run in facts.runs.values():
        numbers = [event.seq for event in facts.events[run.id]]
        if numbers != list(range(1, run.event_seq + 1)):
            yield f"run {run.run_id} has event_seq {run.event_seq} and events {numbers}"


def every_recorded_move_is_allowed_and_leads_to_the_present(facts: Facts) -> Line:
    """I3, I4: a terminal state is left by a clear (`scheduled`, or an item's removal) or a mark only."""
    for run in facts.runs.values():
        states = {one.id: "scheduled" for one in facts.instances[run.id]}
        run_state = "queued"
        for event in facts.events[run.id]:
            what = f"run {run.run_id}, event {event.seq}"
            if event.task_instance_id is None:
                if event.state not in RUN_TRANSITIONS[RunState(run_state)]:
                    yield f"{what}: the run went from {run_state} to {event.state}"
                run_state = event.state
                continue
            old = states.get(event.task_instance_id)
            if old is None:
                yield f"{what} is about instance {event.task_instance_id}, which is not of this run"
                continue
            if event.state not in TASK_TRANSITIONS[TaskState(old)]:
                yield f"{what}: instance {event.task_instance_id} went from {old} to {event.state}"
            by_hand = event.state == "scheduled" or event.state_reason in ("marked", "cleared")
            if old in FINISHED and not by_hand:
                yield f"{what}: instance {event.task_instance_id} was {old} and became {event.state} without a clear"
            if run_state in ("success", "failed") and not by_hand:
                yield f"{what}: instance {event.task_instance_id} became {event.state} after the run had ended"
            states[event.task_instance_id] = event.state
        if run_state != run.state:
            yield f"run {run.run_id} is {run.state}, its events lead to {run_state}"
        for one in facts.instances[run.id]:
            # A retry that came due waits again, without an event of its own.
            is_due_retry = states[one.id] == "up_for_retry" and one.state == "scheduled"
            # Neither have the requests of a wait.
            is_poke = states[one.id] == "deferred" and one.state in ("scheduled", *ACTIVE) and one.waits_for is not None
            if states[one.id] != one.state and not is_due_retry and not is_poke:
                yield f"{_name(facts, one)} is {one.state}, its events lead to {states[one.id]}"


def tasks_start_and_end_early_only_as_their_rule_says(facts: Facts) -> Line:
    """I9: at every recorded start, skip and doom the trigger rule said just that, on the states recorded before.

    What was skipped or doomed at the same instant, right before, may have been decided in the same round.
    """
    remade = _remade(facts)
    for run in facts.runs.values():
        definition = facts.definition(run)
        rows = {one.id: one for one in facts.instances[run.id]}
        states = dict.fromkeys(rows, "scheduled")
        round_: list[tuple[Row[Any], str]] = []
        for event in facts.events[run.id]:
            instance = rows.get(event.task_instance_id)
            if instance is None:
                continue
            if not facts.has_task(instance) or event.at < facts.version_dates[run.dag_version_id]:
                states[instance.id] = event.state  # decided by the version that the run had before
                continue
            round_ = [one for one in round_ if one[0].at == event.at]
            task = definition.tasks[instance.task_id]
            # Rows tell how many items there are, not how many there were.
            is_known = not (any(definition.tasks[name].is_mapped for name in task.depends_on) and run.id in remade)
            upstream = [one.id for one in rows.values() if one.task_id in task.depends_on]
            said = list(_answers(task, upstream, states, round_))
            expected = _presumed(event)
            if is_known and expected is not None and expected not in said:
                what = f"run {run.run_id}, event {event.seq}: {instance.task_id}"
                found = [states[id_] for id_ in upstream]
                yield f"{what} became {event.state}, its rule says {said[0]} on {found}"
            is_quiet = event.state in ("skipped", "upstream_failed")
            round_ = [*round_, (event, states[instance.id])] if is_quiet else []
            states[instance.id] = event.state


def _answers(
    task: Task, upstream: Sequence[int], states: Mapping[int, str], round_: Sequence[tuple[Row[Any], str]]
) -> Iterator[str]:
    """What the rule says on these states, and on those before each event of the round, latest first."""
    then = dict(states)
    yield decision(task.trigger_rule, [then[id_] for id_ in upstream])
    for event, state in reversed(round_):
        then[event.task_instance_id] = state
        yield decision(task.trigger_rule, [then[id_] for id_ in upstream])


def _remade(facts: Facts) -> set[int]:
    """Runs in which the items of a mapped task were found more than once."""
    return {
        one.dag_run_id
        for one in facts.all_instances
        if facts.has_task(one) and facts.task(one).is_mapped and one.generation > 1
    }


def _presumed(event: Row[Any]) -> str | None:
    """What a trigger rule must have said for this event to happen; None = the event does not depend on it."""
    if event.state == "queued":
        return "run"
    if event.state_reason == "trigger_rule":
        return "skip" if event.state == "skipped" else "upstream_failed"
    return None


def _name(facts: Facts, instance: Row[Any]) -> str:
    index = "" if instance.map_index < 0 else f"[{instance.map_index}]"
    return f"{instance.task_id}{index} of run {facts.runs[instance.dag_run_id].run_id}"


CHECKS: Sequence[Check] = (
    run_counters_follow_from_states,
    upstream_counters_follow_from_states,
    pools_count_the_slots_of_active_instances,
    pools_are_never_overdrawn,
    limits_of_one_version_hold,
    only_running_runs_have_ready_instances,
    unstarted_runs_are_untouched,
    what_can_be_decided_is_ready_or_parked,
    parked_instances_have_somebody_to_wake_them,
    runs_end_when_and_as_they_must,
    runs_have_the_tasks_of_their_version,
    no_two_runs_stand_for_one_date,
    slots_of_a_schedule_rise,
    backfills_stay_within_their_bounds,
    attempts_are_numbered_from_one_and_charged,
    live_attempts_are_those_of_active_instances,
    waiting_retries_have_a_due_time,
    log_chunks_are_contiguous,
    events_are_numbered_without_gaps,
    every_recorded_move_is_allowed_and_leads_to_the_present,
    tasks_start_and_end_early_only_as_their_rule_says,
)
