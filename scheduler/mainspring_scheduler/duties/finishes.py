"""Ends runs whose last instance has ended: writes their result and their declared outputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from mainspring.errors import ExpressionError
from mainspring.run_ends import MARKED_SUCCESS, blame, is_from_outside, run_result
from mainspring.states import RunState, StateReason, TaskState
from mainspring_scheduler.decisions.lookups import read_variables
from mainspring_scheduler.decisions.run_context import RunContexts, expression_context
from mainspring_scheduler.duties.handlers import begin_handlers, stopping_runs
from mainspring_scheduler.versions import Version, Versions
from mainspring_store.scheduling import Pass, RunFacts
from mainspring_store.state.effects import RunCounters

__all__ = ["Finishes", "finish_runs"]


@dataclass(frozen=True, slots=True)
class Finishes:
    """The result of one round."""

    count: int = 0
    begun: int = 0
    """Handlers and tear-downs that begin after the tasks of their runs."""
    has_woken: bool = False
    """Whether a `dag` task waited for an ended run and is due now."""


def finish_runs(
    scheduling: Pass,
    counters: Iterable[RunCounters],
    *,
    versions: Versions,
    contexts: RunContexts,
    now: datetime,
) -> Finishes:
    """End the runs without an unfinished instance, or begin their handlers. Collects their events in the effects.

    A run with handlers or tear-downs that was ended from outside goes on only after its processes have stopped.
    """
    complete = {counter.dag_run_id: counter for counter in counters if counter.tasks_unfinished == 0}
    if not complete:
        return Finishes()
    # A run that was ended from outside in this pass has no task to do either.
    run_facts = scheduling.runs.run_facts(list(complete))
    facts = {fact.id: fact for fact in run_facts if fact.state == RunState.RUNNING}
    of_runs = {id_: versions.get(fact.version_id, scheduling.runs.version_document) for id_, fact in facts.items()}
    handling = {id_: (facts[id_], version) for id_, version in of_runs.items() if _may_go_on(facts[id_], version)}
    stopping = stopping_runs(scheduling, handling)
    # Before the states: a large run may stop for many passes.
    of_runs = {id_: version for id_, version in of_runs.items() if id_ not in stopping}
    looked_at = [id_ for id_ in of_runs if complete[id_].tasks_failed or id_ in handling]
    states = scheduling.runs.instance_states(looked_at) if looked_at else {}
    handling = {id_: handling[id_] for id_ in handling.keys() - stopping}
    handled, begun = begin_handlers(scheduling, handling, states, now)
    of_runs = {id_: version for id_, version in of_runs.items() if id_ not in handled}
    if not of_runs:
        return Finishes(begun=begun)
    runs = contexts.get({id_: facts[id_].version_id for id_ in of_runs}, scheduling)
    variables = read_variables(scheduling, _variable_keys(of_runs.values()))
    ends = {}
    for run_id, version in of_runs.items():
        state, culprits = run_result(version.graph, version.tasks, states.get(run_id, ()), version.definition.run_state)
        ends[run_id] = _end(scheduling, version, facts[run_id], runs[run_id], state, culprits, variables)
    followed = {run_id for run_id in ends if facts[run_id].has_followers}
    parents = {run_id: facts[run_id].parent_attempt_id for run_id in ends}
    finished, has_woken = scheduling.runs.finish_runs(
        [{"id": run_id, **end} for run_id, end in ends.items()], parents=parents, followed=followed, now=now
    )
    for run_id in finished:
        scheduling.effects.event(run_id, ends[run_id]["state"], at=now, reason=ends[run_id]["reason"])
    contexts.forget(finished)
    return Finishes(len(finished), begun, has_woken)


def _may_go_on(facts: RunFacts, version: Version) -> bool:
    """Whether the run may have handlers or tear-downs to run."""
    return bool(version.handlers or (version.teardowns and is_from_outside(facts.ending)))


def _variable_keys(versions: Iterable[Version]) -> frozenset[str]:
    outputs = (template for version in versions for template in version.definition.outputs.values())
    return frozenset().union(*(template.variable_references for template in outputs))


def _end(
    scheduling: Pass,
    version: Version,
    facts: RunFacts,
    run: Mapping[str, Any],
    state: RunState,
    culprits: Sequence[str],
    variables: Mapping[str, Any],
) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    errors: list[ExpressionError] = []
    templates = version.definition.outputs
    paths = frozenset(path for template in templates.values() for path in template.paths)
    context = _with_nulls(version, expression_context(scheduling, version, facts.id, run, paths, {"vars": variables}))
    for name, template in templates.items():
        try:
            outputs[name] = template.render(context)
        except ExpressionError as exc:
            outputs[name] = None
            errors.append(exc)
    text = orjson.dumps(outputs).decode() if outputs else None
    if facts.ending == MARKED_SUCCESS and state is RunState.SUCCESS:
        return {"state": state, "reason": StateReason.MARKED, "message": facts.message, "outputs": text}
    if is_from_outside(facts.ending) and facts.ending != MARKED_SUCCESS:
        return {"state": RunState.FAILED, "reason": facts.ending, "message": facts.message, "outputs": text}
    if state is RunState.FAILED:
        return {"state": state, "reason": StateReason.TASK_FAILED, "message": blame(culprits), "outputs": text}
    if errors:
        message = f"its declared outputs could not be evaluated: {errors[0]}"
        reason = StateReason.EXPRESSION_ERROR
        return {"state": RunState.FAILED, "reason": reason, "message": message, "outputs": text}
    return {"state": state, "reason": None, "message": None, "outputs": text}


def _with_nulls(version: Version, context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context, in which a skipped task has null for each output that its declared type lets be null."""
    tasks = {
        task_id: _skipped_with_nulls(version, task_id, task) if task["state"] == TaskState.SKIPPED else task
        for task_id, task in context.get("tasks", {}).items()
    }
    return {**context, "tasks": tasks}


def _skipped_with_nulls(version: Version, task_id: str, task: Mapping[str, Any]) -> Mapping[str, Any]:
    types = version.output_types.get(version.graph.index[task_id])
    return task if types is None else {**task, "outputs": dict.fromkeys(types.nullable()) | task["outputs"]}
