"""Attempts, and the log that they leave."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from tests.invariants.facts import ACTIVE, Check, Facts, Line
from tests.simulation.oracle import FINISHED

__all__ = ["CHECKS"]


def attempts_are_numbered_from_one_and_charged(facts: Facts) -> Line:
    """I5: 1..n without gaps, n as the instance says and at most its first try and its retries."""
    for instance in facts.all_instances:
        numbers = [one.try_number for one in facts.tries[instance.id]]
        if numbers != list(range(1, instance.try_number + 1)):
            yield f"{facts.name(instance)} has try_number {instance.try_number} and tries {numbers}"
        if instance.try_number > instance.max_tries + 1:
            yield f"{facts.name(instance)} had {instance.try_number} tries, {instance.max_tries + 1} are allowed"


def tries_that_cost_nothing_are_given_back(facts: Facts) -> Line:
    """A try that was interrupted, or whose host may have died because of another task, leaves the retries as they were:
    an innocent neighbour of a task that kills its host is never charged."""
    for instance in facts.all_instances:
        free = [
            one for one in facts.tries[instance.id] if one.state == "interrupted" or one.state_reason == "host_lost"
        ]
        if len(free) > instance.max_tries:
            yield f"{facts.name(instance)} may have {instance.max_tries} tries beyond its first; {len(free)} cost none"
        if free and free[-1].attempt_id == instance.attempt_id and instance.state == "failed":
            yield f"{facts.name(instance)} failed with a try that costs nothing ({free[-1].state_reason})"


def a_turn_follows_a_success_within_its_bound(facts: Facts) -> Line:
    """Turns count from 0 in each generation. One begins right after a success, and ends with the next success."""
    for instance in facts.all_instances:
        tries = [one for one in facts.tries[instance.id] if one.turn is not None]
        for generation in {one.generation for one in tries}:
            present = [one for one in tries if one.generation == generation]
            if present[0].turn != 0:
                yield f"{facts.name(instance)} begins generation {generation} at turn {present[0].turn}"
            for before, one in pairwise(present):
                if one.turn != before.turn + (before.state == "success"):
                    yield f"{facts.name(instance)} has turn {one.turn} after turn {before.turn}, {before.state}"
        repeat = facts.task(instance).repeat if facts.has_task(instance) else None
        version_date = facts.version_dates[facts.runs[instance.dag_run_id].dag_version_id]
        for one in tries:
            if repeat is not None and one.turn >= repeat.max and one.queued_at >= version_date:
                yield f"{facts.name(instance)} had turn {one.turn}, {repeat.max} are allowed"


def live_attempts_are_those_of_active_instances(facts: Facts) -> Line:
    """I6: an active instance has one live attempt, its latest, in the same state; any other instance has none."""
    for instance in facts.all_instances:
        live = [one for one in facts.tries[instance.id] if one.state in ACTIVE]
        expected = [(instance.attempt_id, instance.state)] if instance.state in ACTIVE else []
        if [(one.attempt_id, one.state) for one in live] != expected:
            found = [(one.try_number, one.state) for one in facts.tries[instance.id]]
            yield f"{facts.name(instance)} is {instance.state} with tries {found}"
        if facts.tries[instance.id] and facts.tries[instance.id][-1].attempt_id != instance.attempt_id:
            yield f"{facts.name(instance)} names attempt {instance.attempt_id}, which is not its latest"


def checks_have_places_and_come_again(facts: Facts) -> Line:
    """Each executor runs at most 16 checks of waits at once. A wait that is not checked now has an instant for its next
    check, or its check is about to start."""
    live: Counter[str] = Counter()
    for instance in facts.all_instances:
        wait = instance.waits_for
        if wait is None or wait["kind"] not in ("http", "shell", "python", "file"):
            continue
        if instance.state not in ("deferred", "scheduled", *ACTIVE):
            yield f"{facts.name(instance)} is {instance.state}, and has still a wait: {wait}"
        if instance.state == "deferred" and instance.not_before is None:
            yield f"{facts.name(instance)} waits for a check that is never due"
        live.update(one.executor for one in facts.tries[instance.id] if one.state in ACTIVE)
    for executor, count in live.items():
        if count > 16:
            yield f"{count} checks run at once on {executor}"


def waiting_retries_have_a_due_time(facts: Facts) -> Line:
    for instance in facts.all_instances:
        if instance.state == "up_for_retry" and instance.not_before is None:
            yield f"{facts.name(instance)} waits for a retry that is never due"
        if instance.state not in ("up_for_retry", "deferred") and instance.not_before is not None:
            yield f"{facts.name(instance)} is {instance.state} and still due at {instance.not_before}"


def missed_deadlines_have_failed_what_they_must(facts: Facts) -> Line:
    """What a deadline failed is marked as late, and nothing goes on whose deadline has come and wants it failed."""
    for run in facts.runs.values():
        if run.state_reason == "deadline_missed" and run.state == "failed" and run.late_since is None:
            yield f"run {run.run_id} was failed by its deadline, and is not late"
        # The deadline of a run fails its tasks with the same reason. They stay so when the run goes on after a clear.
        of_run = facts.definition(run).deadline
        may_fail_by_run = of_run is not None and of_run.action == "fail"
        come = {(one.task_id, one.map_index): one for one in facts.deadlines[run.id] if one.kind == "end"}
        for instance in facts.instances[run.id]:
            is_failed = instance.state == "failed" and instance.state_reason == "deadline_missed"
            if is_failed and instance.late_since is None and not may_fail_by_run:
                yield f"{facts.name(instance)} was failed by its deadline, and is not late"
            row = come.get((instance.task_id, instance.map_index))
            rule = facts.task(instance).deadline if facts.has_task(instance) else None
            has_come = row is not None and row.due_at is None and row.generation == instance.generation
            if has_come and rule is not None and rule.action == "fail" and instance.state not in FINISHED:
                yield f"{facts.name(instance)} is {instance.state}, though its deadline has come"


def log_chunks_are_contiguous(facts: Facts) -> Line:
    """I18."""
    ends: dict[str, int] = defaultdict(int)
    for attempt_id, offset, length in facts.log_chunks:
        if offset != ends[attempt_id]:
            yield f"log of attempt {attempt_id} has a chunk at {offset}, the one before ends at {ends[attempt_id]}"
        ends[attempt_id] = offset + length


def references_have_whole_values(facts: Facts) -> Line:
    """An output that is kept by reference has every byte of its value, as long as its row exists."""
    for instance_id, name, value_id in facts.references:
        size, stored = facts.values.get(value_id, (-1, 0))
        if size != stored:
            yield f"output {name} of instance {instance_id} refers to value {value_id} with {stored} of {size} bytes"


CHECKS: Sequence[Check] = (
    attempts_are_numbered_from_one_and_charged,
    tries_that_cost_nothing_are_given_back,
    a_turn_follows_a_success_within_its_bound,
    live_attempts_are_those_of_active_instances,
    waiting_retries_have_a_due_time,
    checks_have_places_and_come_again,
    missed_deadlines_have_failed_what_they_must,
    log_chunks_are_contiguous,
    references_have_whole_values,
)
