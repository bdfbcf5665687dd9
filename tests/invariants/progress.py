"""Runs and their task instances: nobody waits for ever, and all ends as it must."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from tests.invariants.facts import ACTIVE, FROM_OUTSIDE, STOP_REASONS, Check, Facts, Line
from tests.simulation.oracle import FINISHED, PREVENTING, decision, run_result

__all__ = ["CHECKS"]

BLOCK_REASONS = frozenset({"depends_on_past", "max_active_tis"})


def only_running_runs_have_ready_instances(facts: Facts) -> Line:
    for instance in facts.all_instances:
        run = facts.runs[instance.dag_run_id]
        if instance.state == "scheduled" and instance.ready and run.state != "running":
            yield f"{facts.name(instance)} is ready, its run is {run.state}"


def unstarted_runs_are_untouched(facts: Facts) -> Line:
    for run in facts.runs.values():
        if run.state == "queued":
            for one in facts.instances[run.id]:
                if one.state not in ("scheduled", *FINISHED):
                    yield f"{facts.name(one)} is {one.state}, its run has not started"


def what_can_be_decided_is_ready_or_blocked(facts: Facts) -> Line:
    """I20, as rows: whatever its trigger rule has decided on will be asked, and nothing else is ready."""
    for instance in facts.all_instances:
        if instance.state != "scheduled" or facts.runs[instance.dag_run_id].state != "running":
            continue
        rule = facts.task(instance).trigger_rule
        said = decision(rule, facts.upstream_states(instance))
        is_blocked = not instance.ready and instance.state_reason in BLOCK_REASONS
        if said != "wait" and not instance.ready and not is_blocked:
            yield f"{facts.name(instance)} is neither ready nor parked, though {rule} says {said}: it is stuck"
        if said == "wait" and instance.ready:
            yield f"{facts.name(instance)} is ready, though {rule} says wait"


def blocked_instances_have_a_waker(facts: Facts) -> Line:
    for instance in facts.all_instances:
        is_blocked = instance.state == "scheduled" and not instance.ready and instance.state_reason in BLOCK_REASONS
        if not is_blocked or facts.runs[instance.dag_run_id].state != "running":
            continue
        if instance.state_reason == "depends_on_past" and not _past_holds_back(facts, instance):
            yield f"{facts.name(instance)} waits for the run before, which holds nothing back: it is stuck"
        if instance.state_reason == "max_active_tis" and not _is_full(facts, instance):
            yield f"{facts.name(instance)} waits for room for its task, and there is room: it is stuck"


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
    return any(one.state not in ("success", "skipped") or _was_prevented(facts, one) for one in same)


def _was_prevented(facts: Facts, instance: Row[Any]) -> bool:
    """Whether the end of its run kept it from running, and no user has said that this is a success."""
    is_prevented = instance.state == "skipped" and instance.state_reason in PREVENTING
    return is_prevented and facts.runs[instance.dag_run_id].state != "success"


def runs_that_go_on_or_succeed_have_run_what_a_stop_prevented(facts: Facts) -> Line:
    """What a cancel, a time limit or a mark of the run kept from running is unfinished work. Only a user may say that
    the run is a success without it, and that is written down with the instance."""
    for instance in facts.all_instances:
        run = facts.runs[instance.dag_run_id]
        if instance.state != "skipped" or instance.state_reason not in PREVENTING or run.state == "failed":
            continue
        if run.ending in FROM_OUTSIDE:
            continue
        if run.state != "success" or instance.state_reason != "run_marked":
            yield f"{facts.name(instance)} did not run, because of {instance.state_reason}; its run is {run.state}"


def _is_full(facts: Facts, instance: Row[Any]) -> bool:
    task, mine = facts.task(instance), facts.runs[instance.dag_run_id]
    in_run = sum(one.state in ACTIVE or facts.is_call(one) for one in facts.by_task[mine.id, task.task_id])
    in_dag = sum(
        one.state in ACTIVE or facts.is_call(one)
        for one in facts.all_instances
        if one.task_id == task.task_id and facts.runs[one.dag_run_id].dag_id == mine.dag_id
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
            # One that was ended from outside waits until its processes have stopped, and then for its handlers.
            if is_over and run.state == "running" and run.ending is None:
                yield f"run {run.run_id} is running, though all its instances are over"
            continue
        if not is_over:
            yield f"run {run.run_id} is {run.state}, though it has unfinished instances: {dict(states)}"
            continue
        expected = "failed" if run.state_reason in STOP_REASONS else run_result(facts.definition(run), states)
        if run.state != expected and run.state_reason not in ("expression_error", "marked"):
            yield f"run {run.run_id} ended {run.state}, its states say {expected}: {dict(states)}"


def handlers_run_after_the_tasks_and_by_the_end(facts: Facts) -> Line:
    """A handler is present only when all tasks have ended, and only one that the end of its run asks for."""
    for run in facts.runs.values():
        tasks = facts.definition(run).tasks
        present = [one for one in facts.instances[run.id] if one.task_id in tasks and one.state != "removed"]
        handlers = [one for one in present if tasks[one.task_id].handler is not None]
        others = [one for one in present if tasks[one.task_id].handler is None]
        if handlers and not all(one.state in FINISHED for one in others):
            yield f"run {run.run_id} has the handlers {[one.task_id for one in handlers]} beside unfinished tasks"
        kinds = {tasks[one.task_id].handler.value for one in handlers} - {"finally"}
        if len(kinds) > 1:
            yield f"run {run.run_id} has handlers of several ends: {sorted(kinds)}"
        if run.ending is not None and kinds - {_kind_after(run.ending)}:
            yield f"run {run.run_id} has handlers {sorted(kinds)}, its coming end is {run.ending}"
        if (run.state_reason == "cancelling") != (run.ending in FROM_OUTSIDE):
            yield f"run {run.run_id} is {run.state_reason}, its coming end is {run.ending}"
        if run.ending is not None and run.state != "running":
            yield f"run {run.run_id} is {run.state}, and has still the coming end {run.ending}"


def teardowns_run_after_their_setups(facts: Facts) -> Line:
    """No ended run leaves a tear-down undone whose set-up succeeded, unless the run had not started or is broken."""
    for run in facts.runs.values():
        if run.state not in ("success", "failed") or run.start_date is None or run.state_reason == "quarantined":
            continue
        for one in facts.instances[run.id]:
            teardown = facts.task(one).teardown if facts.has_task(one) else None
            setups = [facts.by_task[run.id, name][0] for name in teardown.of] if teardown is not None else []
            succeeded = [setup for setup in setups if setup.state == "success"]
            # A mark of the run calls set-ups a success that were not.
            is_by_mark = one.state_reason == "run_marked" and all(setup.state_reason == "marked" for setup in succeeded)
            if not succeeded or is_by_mark:
                continue
            if one.end_date is not None and one.end_date < facts.version_dates[run.dag_version_id]:
                continue  # decided by the version that the run had before
            is_prevented = one.state == "skipped" and one.state_reason in (*PREVENTING, "trigger_rule", "branch")
            if is_prevented or one.state in ("upstream_failed", "removed"):
                yield f"{facts.name(one)} is {one.state} ({one.state_reason}), though a set-up of it succeeded"


def _kind_after(ending: str) -> str:
    return {"success": "on_success", "marked_success": "on_success", "cancelled": "on_cancel"}.get(ending, "on_failure")


def runs_have_the_tasks_of_their_version(facts: Facts) -> Line:
    """I23: those and no others, but for what was removed when a clear had the run go on with another version."""
    for run in facts.runs.values():
        index = {task_id: place for place, task_id in enumerate(facts.definition(run).tasks)}
        missing = index.keys() - {one.task_id for one in facts.instances[run.id]}
        if missing and not facts.is_being_pruned(run):
            yield f"run {run.run_id} has no instance of {sorted(missing)}, which its version has"
        for one in facts.instances[run.id]:
            if one.task_id not in index and one.state != "removed":
                yield f"{facts.name(one)} is {one.state}, its run's version has no such task"
            if one.task_index != index.get(one.task_id, max(one.task_index, len(index))):
                yield f"{facts.name(one)} has task_index {one.task_index}, its version has {index.get(one.task_id)}"


CHECKS: Sequence[Check] = (
    only_running_runs_have_ready_instances,
    unstarted_runs_are_untouched,
    what_can_be_decided_is_ready_or_blocked,
    blocked_instances_have_a_waker,
    runs_end_when_and_as_they_must,
    runs_that_go_on_or_succeed_have_run_what_a_stop_prevented,
    handlers_run_after_the_tasks_and_by_the_end,
    teardowns_run_after_their_setups,
    runs_have_the_tasks_of_their_version,
)
