"""The decision on one ready instance.

In this order: trigger rule, pool, retry deadline, limits of the task, `when`, expansion, and then the rules of the task
type. Reads the values that the expressions name. Writes nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from mainspring.definition.model import KEY_BYTES_MAX, TaskType
from mainspring.errors import ExpressionError
from mainspring.expressions import Expression, Template
from mainspring.run_ends import teardown_result
from mainspring.states import StateReason, TaskState
from mainspring.trigger_rules import RuleResult, evaluate
from mainspring_scheduler.decisions.decision_context import DecisionContext
from mainspring_scheduler.decisions.decision_types import Block, Decision, Expand, Fail, Queue, Resolve
from mainspring_scheduler.decisions.deferring import begin_approval, begin_run, begin_wait, next_poke
from mainspring_scheduler.progress.branching import chosen_tasks
from mainspring_scheduler.progress.outcomes import is_past_deadline

__all__ = ["decide"]

MAPPED_MAX = 10_000
_KEY = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def decide(context: DecisionContext) -> Decision:
    """Decide on the instance of `context`.

    Raises:
        ExpressionError: An expression of the task fails on the outputs of its upstream tasks.
    """
    task, candidate = context.task, context.candidate
    if candidate.waits_for is not None:  # the checks below passed when the wait began
        return next_poke(context)
    is_placeholder = task.is_mapped and candidate.map_value is None
    match _rule_result(context):
        case RuleResult.WAIT:
            # Too early: the next result of an upstream task makes the instance ready again.
            return Block(None)
        case RuleResult.SKIP:
            return Resolve(TaskState.SKIPPED, StateReason.TRIGGER_RULE)
        case RuleResult.UPSTREAM_FAILED:
            return Resolve(TaskState.UPSTREAM_FAILED, StateReason.TRIGGER_RULE)
    if candidate.pool_slots_free is None:
        return Fail(StateReason.POOL_MISSING, f"there is no pool '{candidate.pool}'; create it, then clear this task")
    if _is_too_late(context):
        return Fail(StateReason.DEADLINE, "its retry_deadline had passed before another try could start")
    blocked = None if is_placeholder else context.capacity.blocked(candidate, task)
    if blocked is not None:
        return Block(blocked)
    if _is_left_out(context, is_placeholder=is_placeholder):
        return Resolve(TaskState.SKIPPED, StateReason.WHEN)
    if is_placeholder:
        return _expanded(context)
    return _BY_TYPE.get(task.type, _queued)(context)


def _rule_result(context: DecisionContext) -> RuleResult:
    result = evaluate(context.task.trigger_rule, context.candidate.counts)
    if context.task.teardown is None or result is not RuleResult.RUN:
        return result
    run_id = context.candidate.dag_run_id
    states = context.lookups.setups
    return teardown_result(states[run_id, index] for index in context.version.setups_of(context.task))


def _is_too_late(context: DecisionContext) -> bool:
    first_started_at = context.lookups.first_starts.get(context.candidate.id)
    return first_started_at is not None and is_past_deadline(context.task, first_started_at, context.now)


def _is_left_out(context: DecisionContext, *, is_placeholder: bool) -> bool:
    """Whether `when` is false. A later turn of the task does not ask again, nor a placeholder without the item."""
    when = context.task.when
    # Each item of a mapped group has a condition of its own.
    is_later = is_placeholder and (context.task.map_group is not None or (when is not None and "map" in when.names))
    if when is None or context.turn or is_later:
        return False
    return not _holds(context, when)


def _holds(context: DecisionContext, when: Expression) -> bool:
    result = context.evaluate(when)
    if not isinstance(result, bool):
        raise ExpressionError(
            f"when: {when.source} gave {result!r}; it must give true or false. Compare it, as in `... == 'x'`"
        )
    return result


def _expanded(context: DecisionContext) -> Decision:
    lists = {name: _list_of(context, name, template) for name, template in context.task.expand.items()}
    count = 1
    for items in lists.values():
        count *= len(items)
    members = len(context.version.graph.mapped_with(context.task.index))
    if count * members > MAPPED_MAX:
        instances = str(count) if members == 1 else f"{count} items, and {count * members}"
        raise ExpressionError(
            f"expand gives {instances} instances; at most {MAPPED_MAX} are possible. Expand over a shorter list"
        )
    if count == 0:
        return Resolve(TaskState.SKIPPED, StateReason.EXPAND_EMPTY)
    items = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    return Expand(items, _keys(context, items))


def _keys(context: DecisionContext, items: Sequence[Mapping[str, Any]]) -> Sequence[str | None]:
    template = context.task.key
    if template is None:
        return [None] * len(items)
    return [_key(template, value) for value in context.render_for_items(template, items)]


def _key(template: Template, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ExpressionError(f"key: {template.source} gave {value!r}; it must give a text or a number")
    text = str(value)
    if len(text.encode("utf-8", "surrogatepass")) > KEY_BYTES_MAX:
        raise ExpressionError(
            f"key: {template.source} gave a text of more than {KEY_BYTES_MAX} bytes. Name a shorter part of the item"
        )
    if not _KEY.fullmatch(text):
        raise ExpressionError(
            f"key: {template.source} gave {text!r}; a key has at least one character and no control character"
        )
    return text


def _list_of(context: DecisionContext, name: str, template: Template) -> Sequence[Any]:
    """The items of one list. Empty when the expression fails because a task that it names was skipped."""
    try:
        value = context.render(template)
    except ExpressionError:
        if context.names_skipped(template):
            return ()
        raise
    return _items(name, value)


def _items(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    if isinstance(value, list | tuple):
        return value
    raise ExpressionError(f"expand: {name} gave {type(value).__name__} {value!r}; it must give a list or a map")


def _queued(context: DecisionContext) -> Decision:
    template = context.task.payload
    payload, values = context.render_payload(template)
    return context.with_secrets(Queue(payload, values=values), template.source)


def _noop(_: DecisionContext) -> Decision:
    return Resolve(TaskState.SUCCESS)


def _branch(context: DecisionContext) -> Decision:
    payload = context.task.payload
    if "choose" not in payload.source:
        return _queued(context)
    value = context.render(payload)["choose"]
    chosen_ids = chosen_tasks(context.version, context.candidate.task_index, value)
    return Resolve(TaskState.SUCCESS, outputs={"return_value": value}, branch=chosen_ids)


_BY_TYPE: Mapping[str, Callable[[DecisionContext], Decision]] = {
    TaskType.NOOP: _noop,
    TaskType.BRANCH: _branch,
    TaskType.WAIT: begin_wait,
    TaskType.APPROVAL: begin_approval,
    TaskType.DAG: begin_run,
}
"""Task types that the scheduler decides by itself. An executor runs every other type."""
