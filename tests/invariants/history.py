"""The history of a run, replayed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from mainspring.definition.model import Definition, Task
from mainspring.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState
from tests.invariants.facts import ACTIVE, Check, Facts, Line
from tests.simulation.oracle import FINISHED, after_setups, before, decision, taken_as

__all__ = ["CHECKS"]


def events_are_numbered_without_gaps(facts: Facts) -> Line:
    for run in facts.runs.values():
        numbers = [event.seq for event in facts.events[run.id]]
        if numbers != list(range(run.event_seq + 1)) and not facts.is_being_pruned(run):
            yield f"run {run.run_id} has event_seq {run.event_seq} and events {numbers}"


def _first_states(facts: Facts, run: Row[Any]) -> dict[int, str]:
    """Instance -> its state before all events: a handler of the run begins as removed, all others wait."""
    firsts: dict[int, str] = {}
    for event in facts.events[run.id]:
        if event.task_instance_id is not None and event.state_reason != "late":
            firsts.setdefault(event.task_instance_id, event.state)
    return {
        one.id: "removed" if firsts.get(one.id, one.state_reason) in ("scheduled", "handler") else "scheduled"
        for one in facts.instances[run.id]
    }


def every_recorded_move_is_allowed_and_leads_to_the_present(facts: Facts) -> Line:
    """I3, I4: a terminal state is left by a clear (`scheduled`, or an item's removal) or a mark only."""
    for run in facts.runs.values():
        states = _first_states(facts, run)
        creation, *changes = facts.events[run.id]
        run_state = creation.state
        if run_state != "queued" or creation.task_instance_id is not None:
            yield f"run {run.run_id} begins with the event {creation}"
        for event in changes:
            what = f"run {run.run_id}, event {event.seq}"
            if event.state_reason == "late":
                state = run_state if event.task_instance_id is None else states.get(event.task_instance_id)
                # Neither a due retry nor a request of a wait has an event of its own.
                is_quiet = state in ("up_for_retry", "deferred") and event.state in ("scheduled", *ACTIVE)
                if event.state != state and not is_quiet:
                    yield f"{what} says late and {event.state}, the state is {state}"
                continue
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
            by_hand = event.state == "scheduled" or event.state_reason in ("marked", "run_marked", "cleared", "handler")
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
                yield f"{facts.name(one)} is {one.state}, its events lead to {states[one.id]}"


def tasks_start_and_end_early_only_as_their_rule_says(facts: Facts) -> Line:
    """I9: at every recorded start, skip and doom the trigger rule said just that, on the states recorded before.

    What was skipped or doomed at the same instant, right before, may have been decided in the same round.
    """
    remade = _remade(facts)
    for run in facts.runs.values():
        definition = facts.definition(run)
        rows = {one.id: one for one in facts.instances[run.id]}
        states = _first_states(facts, run)
        round_: list[tuple[Row[Any], str]] = []
        for event in facts.events[run.id]:
            instance = rows.get(event.task_instance_id)
            if instance is None or event.state_reason == "late":
                continue
            if not facts.has_task(instance) or event.at < facts.version_dates[run.dag_version_id]:
                states[instance.id] = event.state  # decided by the version that the run had before
                continue
            round_ = [one for one in round_ if one[0].at == event.at]
            task = definition.tasks[instance.task_id]
            # Rows tell how many items there are, not how many there were.
            is_known = not (any(definition.tasks[name].is_mapped for name in task.depends_on) and run.id in remade)
            by_name = {name: [one for one in rows.values() if one.task_id == name] for name in task.depends_on}
            upstream = [
                one for name in by_name for one in before(task, instance, definition.tasks[name], by_name[name])
            ]
            setups = [one for one in rows.values() if task.teardown and one.task_id in task.teardown.of]
            said = list(_answers(definition, task, upstream, setups, states, round_))
            expected = _presumed(event)
            if is_known and expected is not None and expected not in said:
                what = f"run {run.run_id}, event {event.seq}: {instance.task_id}"
                found = [states[one.id] for one in upstream]
                yield f"{what} became {event.state}, its rule says {said[0]} on {found}"
            is_quiet = event.state in ("skipped", "upstream_failed")
            round_ = [*round_, (event, states[instance.id])] if is_quiet else []
            states[instance.id] = event.state


def _answers(
    definition: Definition,
    task: Task,
    upstream: Sequence[Row[Any]],
    setups: Sequence[Row[Any]],
    states: Mapping[int, str],
    round_: Sequence[tuple[Row[Any], str]],
) -> Iterator[str]:
    """What the rule says on these states, and on those before each event of the round, latest first."""
    then = dict(states)

    def answer() -> str:
        found = [taken_as(definition.tasks[one.task_id], then[one.id]) for one in upstream]
        said = decision(task.trigger_rule, found)
        return after_setups(said, [then[one.id] for one in setups]) if task.teardown else said

    yield answer()
    for event, state in reversed(round_):
        then[event.task_instance_id] = state
        yield answer()


def a_failure_ends_a_run_with_fail_fast(facts: Facts) -> Line:
    """A run goes on with no failure of its own that came since it was queued or started, and succeeds with none."""
    for run in facts.runs.values():
        definition = facts.definition(run)
        # A run whose handlers run after a failure has not ended yet.
        is_ending = run.ending not in (None, "success")
        if not definition.fail_fast or run.state == "failed" or is_ending:
            continue
        rows = {one.id: one for one in facts.instances[run.id]}
        failed: set[int] = set()
        for event in facts.events[run.id]:
            if event.task_instance_id is None and event.state in ("queued", "running"):
                failed.clear()
            elif event.task_instance_id in rows and event.state_reason not in ("late", "marked"):
                failed.discard(event.task_instance_id)
                if event.state == "failed" and event.at >= facts.version_dates[run.dag_version_id]:
                    failed.add(event.task_instance_id)
        for id_ in failed:
            task = facts.task(rows[id_]) if facts.has_task(rows[id_]) else None
            if task is None or rows[id_].state != "failed":
                continue
            if not task.allow_failure and (task.teardown is None or task.teardown.fails_run):
                yield f"run {run.run_id} is {run.state}, though {facts.name(rows[id_])} failed and it has fail_fast"


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


CHECKS: Sequence[Check] = (
    events_are_numbered_without_gaps,
    every_recorded_move_is_allowed_and_leads_to_the_present,
    tasks_start_and_end_early_only_as_their_rule_says,
    a_failure_ends_a_run_with_fail_fast,
)
