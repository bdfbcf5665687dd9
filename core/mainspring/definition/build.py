"""From a normalised document to the model. Cheap and without any check but those the types make: the scheduler does
this once per version."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from mainspring.definition.fields import COMMON_TASK_FIELDS
from mainspring.definition.flat_tasks import OF_MAPPING, FlatTasks
from mainspring.definition.groups import flatten
from mainspring.definition.model import (
    Catchup,
    Concurrency,
    ConcurrencyStrategy,
    Deadline,
    DeadlineAction,
    DeadlineAnchor,
    Debounce,
    Definition,
    GapRule,
    MatchRule,
    OverlapRule,
    Repeat,
    RetryRule,
    RunHandler,
    RunStateRule,
    Schedule,
    ScheduleAlias,
    Task,
    TaskType,
    Teardown,
    UpstreamDag,
    UpstreamEnd,
    WeightRule,
)
from mainspring.definition.schedules import names_date, spread_line
from mainspring.durations import parse_duration
from mainspring.errors import Conflict
from mainspring.expressions import ANSWER_ROOTS, HANDLER_ROOTS, REPEAT_ROOTS, ROOTS, Expression, Template
from mainspring.instants import parse_instant
from mainspring.trigger_rules import TriggerRule

__all__ = [
    "NOT_OF_HANDLERS",
    "condition_of",
    "content_hash",
    "load_stored",
    "payload_of",
    "regrouped",
    "roots_before",
    "roots_of",
    "ungrouped",
]

TEARDOWN_TIMEOUT = timedelta(minutes=30)
"""Limit of a try of a tear-down without an `execution_timeout`, so that a run whose end has begun comes to its end."""
NOT_OF_HANDLERS = frozenset(
    {"depends_on_past", "expand", "key", "deadline", "max_active_tis", "max_active_tis_per_dag", "repeat"}
)
"""Fields of a task that a handler of the run and a tear-down cannot have."""


def load_stored(document: Mapping[str, Any]) -> Definition:
    """The definition whose `document` was stored. Only for documents that `parse_definition` returned.

    Raises:
        Conflict: A field has a value that only a later version knows. Such a version has saved the document.
    """
    try:
        return _definition(document)
    except ValueError as exc:
        raise Conflict(
            f"this version of Mainspring cannot read the definition of dag '{document.get('dag_id')}': {exc};"
            " run the later version that saved the definition"
        ) from exc


def _definition(document: Mapping[str, Any]) -> Definition:
    defaults, flat = document.get("default_args", {}), flatten(document)
    members = _members(document, _DAG_MEMBERS)
    schedule: Schedule | None = members.get("schedule")
    if schedule is not None and schedule.crons:
        members["schedule"] = replace(
            schedule, crons=tuple(spread_line(line, document["dag_id"]) for line in schedule.crons)
        )
    if schedule is not None and schedule.alias is ScheduleAlias.CONTINUOUS:
        members["max_active_runs"] = 1
    return Definition(
        **members,
        tasks={
            task_id: _task(
                task_id,
                index,
                {**_defaults({**defaults, **flat.defaults.get(task_id, {})}, task), **task},
                flat.map_groups.get(task_id),
            )
            for index, (task_id, task) in enumerate(flat.tasks.items())
        },
        flat=flat,
        document=document,
        content_hash=content_hash(document),
    )


def ungrouped(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document of the same meaning without groups: their tasks have full ids and the defaults of their groups."""
    if "groups" not in document:
        return document
    flat = flatten(document)
    tasks = {
        task_id: {**_defaults(flat.defaults.get(task_id, {}), task), **task} for task_id, task in flat.tasks.items()
    }
    return {**{name: value for name, value in document.items() if name != "groups"}, "tasks": tasks}


def regrouped(tasks: Mapping[str, Any], flat: FlatTasks) -> Mapping[str, Any]:
    """`tasks` and `groups` of a document with the tasks of an ungrouped one: only the mapped groups, which mean more
    than names, stand around their tasks again.

    flat: the tasks and groups of the document before; it may have further tasks.
    """
    groups: dict[str, Any] = {}
    for task_id, task in tasks.items():
        if task_id in flat.map_groups:
            scope, *path = groups, *flat.map_groups[task_id].split(".")
            for name in path[:-1]:
                scope = scope.setdefault(name, {}).setdefault("groups", {})
            of_group = {name: task[name] for name in OF_MAPPING if name in task}
            group = scope.setdefault(path[-1], {"prefix_group_id": False, **of_group, "tasks": {}})
            group["tasks"][task_id] = {name: value for name, value in task.items() if name not in OF_MAPPING}
    plain = {task_id: task for task_id, task in tasks.items() if task_id not in flat.map_groups}
    return {name: value for name, value in (("tasks", plain), ("groups", groups)) if value}


def _defaults(defaults: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of `default_args` that hold for a task: a handler or a tear-down takes only those that it may have."""
    if "teardown" in task:
        excluded = NOT_OF_HANDLERS | {"trigger_rule"}
    elif "handler" in task:
        excluded = NOT_OF_HANDLERS
    else:
        return defaults
    return {name: value for name, value in defaults.items() if name not in excluded}


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the document's canonical JSON: keys sorted, no spaces."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def payload_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a task that belong to its type alone, without the condition on an answer that comes later."""
    payload = {name: value for name, value in fields.items() if name not in _NOT_PAYLOAD and name[:2] != "x-"}
    if condition_of(fields) is not None:
        payload["http"] = {name: value for name, value in fields["http"].items() if name != "until"}
    return payload


def condition_of(fields: Mapping[str, Any]) -> str | None:
    """The condition of an HTTP wait on the answer; None = the task has none."""
    request = fields.get("http") if fields.get("type") == TaskType.WAIT else None
    return request.get("until") if isinstance(request, Mapping) else None


def _task(task_id: str, index: int, fields: Mapping[str, Any], map_group: str | None) -> Task:
    members = _members({name: value for name, value in fields.items() if name != "when"}, _TASK_MEMBERS)
    if "when" in fields:
        members["when"] = Expression(fields["when"], roots=roots_before(fields))
    if (condition := condition_of(fields)) is not None:
        members["answer_until"] = Expression(condition, roots=ANSWER_ROOTS)
    if "teardown" in fields:
        members.setdefault("trigger_rule", TriggerRule.ALL_DONE_SETUP_SUCCESS)
        members.setdefault("execution_timeout", TEARDOWN_TIMEOUT)
        # As in Airflow: so a tear-down also waits for a set-up that a user has cleared alone.
        upstream = (*fields.get("depends_on", ()), *fields["teardown"]["of"])
        members["depends_on"] = tuple(dict.fromkeys(upstream))
    return Task(
        task_id=task_id,
        index=index,
        type=fields["type"],
        payload=Template(payload_of(fields), roots=roots_of(fields)),
        map_group=map_group,
        **members,
    )


def roots_of(fields: Mapping[str, Any]) -> frozenset[str]:
    """The names that the expressions may begin with in the fields of a task's type, and in `repeat`."""
    return REPEAT_ROOTS if "repeat" in fields else roots_before(fields)


def roots_before(fields: Mapping[str, Any]) -> frozenset[str]:
    """The same for the other fields, which are evaluated before the first turn of the task."""
    return HANDLER_ROOTS if "handler" in fields else ROOTS


def _members(fields: Mapping[str, Any], table: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    """Model attribute -> typed value, for each field of the table that is given; the others keep their defaults."""
    members = {}
    for name, value in fields.items():
        if name in table:
            attribute, convert = table[name]
            members[attribute] = convert(value)
    return members


def _as_is(value: Any) -> Any:
    return value


def _schedule(value: Any) -> Schedule:
    if isinstance(value, str):
        return Schedule(alias=ScheduleAlias(value)) if value in tuple(ScheduleAlias) else Schedule(crons=(value,))
    crons, dst = value.get("cron", ()), value.get("dst", {})
    excluded = value.get("calendar", {}).get("exclude", ())
    return Schedule(
        crons=(crons,) if isinstance(crons, str) else tuple(crons),
        timezone=value.get("timezone", "UTC"),
        gap=GapRule(dst.get("gap", GapRule.SHIFT)),
        overlap=OverlapRule(dst.get("overlap", OverlapRule.FIRST)),
        excluded_dates=tuple(date.fromisoformat(item) for item in excluded if names_date(item)),
        excluded_calendars=tuple(item for item in excluded if not names_date(item)),
        interval=parse_duration(value["interval"]) if "interval" in value else None,
        anchor=parse_instant(value["anchor"]) if "anchor" in value else None,
        at=tuple(map(parse_instant, value.get("at", ()))),
        jitter=parse_duration(value.get("jitter", "PT0S")),
        upstream=tuple(map(_upstream_dag, value.get("after", ()))),
        match=MatchRule(value.get("match", MatchRule.ALL)),
        within=parse_duration(value["within"]) if "within" in value else None,
    )


def _upstream_dag(item: Mapping[str, Any]) -> UpstreamDag:
    return UpstreamDag(
        dag_id=item["dag"],
        state=UpstreamEnd(item.get("state", UpstreamEnd.SUCCESS)),
        again=item.get("again", False),
    )


def _retry_policy(rules: list[Mapping[str, Any]]) -> tuple[RetryRule, ...]:
    return tuple(
        RetryRule(
            action=rule["action"],
            exit_codes=frozenset(rule.get("exit_code", ())),
            reasons=frozenset(rule.get("reason", ())),
            error_pattern=rule.get("error"),
        )
        for rule in rules
    )


def _teardown(value: Mapping[str, Any]) -> Teardown:
    return Teardown(of=tuple(value["of"]), fails_run=value.get("fails_run", False))


def _repeat(value: Mapping[str, Any]) -> Repeat:
    return Repeat(
        until=Expression(value["until"], roots=REPEAT_ROOTS),
        max=value["max"],
        delay=parse_duration(value.get("delay", "PT0S")),
    )


def _concurrency(value: Mapping[str, Any]) -> Concurrency:
    return Concurrency(
        key=Template(value["key"]),
        max=value.get("max", 1),
        strategy=ConcurrencyStrategy(value.get("strategy", ConcurrencyStrategy.QUEUE)),
    )


def _debounce(value: Mapping[str, Any]) -> Debounce:
    return Debounce(
        key=Template(value["key"]), wait=parse_duration(value["for"]), max_wait=parse_duration(value["max_wait"])
    )


def _deadline(value: Mapping[str, Any]) -> Deadline:
    return Deadline(
        after=DeadlineAnchor(value["after"]),
        within=parse_duration(value["within"]),
        action=DeadlineAction(value.get("action", DeadlineAction.NOTIFY)),
    )


def _catchup(value: bool | str) -> Catchup:
    return Catchup(value) if isinstance(value, str) else Catchup.ALL if value else Catchup.LATEST


def _templates(values: Mapping[str, Any]) -> dict[str, Template]:
    return {name: Template(value) for name, value in values.items()}


_DAG_MEMBERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "dag_id": ("dag_id", _as_is),
    "dag_display_name": ("display_name", _as_is),
    "description": ("description", _as_is),
    "doc_md": ("doc_md", _as_is),
    "tags": ("tags", tuple),
    "owners": ("owners", tuple),
    "params": ("params", _as_is),
    "schedule": ("schedule", _schedule),
    "start_date": ("start_date", parse_instant),
    "end_date": ("end_date", parse_instant),
    "catchup": ("catchup", _catchup),
    "catchup_max": ("catchup_max", _as_is),
    "max_active_runs": ("max_active_runs", _as_is),
    "priority": ("priority", _as_is),
    "concurrency": ("concurrency", _concurrency),
    "debounce": ("debounce", _debounce),
    "max_active_tasks": ("max_active_tasks", _as_is),
    "dagrun_timeout": ("dagrun_timeout", parse_duration),
    "fail_fast": ("fail_fast", _as_is),
    "run_state": ("run_state", RunStateRule),
    "deadline": ("deadline", _deadline),
    "is_paused_upon_creation": ("is_paused_upon_creation", _as_is),
    "retention": ("retention", _as_is),
    "notify": ("notify", tuple),
    "outputs": ("outputs", _templates),
}
_TASK_MEMBERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "depends_on": ("depends_on", tuple),
    "trigger_rule": ("trigger_rule", TriggerRule),
    "task_display_name": ("display_name", _as_is),
    "description": ("description", _as_is),
    "doc_md": ("doc_md", _as_is),
    "owner": ("owner", _as_is),
    "retries": ("retries", _as_is),
    "retry_delay": ("retry_delay", parse_duration),
    "retry_backoff": ("retry_backoff", _as_is),
    "max_retry_delay": ("max_retry_delay", parse_duration),
    "retry_jitter": ("retry_jitter", _as_is),
    "retry_deadline": ("retry_deadline", parse_duration),
    "retry_policy": ("retry_policy", _retry_policy),
    "execution_timeout": ("execution_timeout", parse_duration),
    "queue_timeout": ("queue_timeout", parse_duration),
    "deadline": ("deadline", _deadline),
    "cancel_grace": ("cancel_grace", parse_duration),
    "expand": ("expand", _templates),
    "key": ("key", Template),
    "max_active_tis": ("max_active_tis", _as_is),
    "max_active_tis_per_dag": ("max_active_tis_per_dag", _as_is),
    "pool": ("pool", _as_is),
    "pool_slots": ("pool_slots", _as_is),
    "priority_weight": ("priority_weight", _as_is),
    "weight_rule": ("weight_rule", WeightRule),
    "queue": ("queue", _as_is),
    "executor": ("executor", _as_is),
    "depends_on_past": ("depends_on_past", _as_is),
    "allow_failure": ("allow_failure", _as_is),
    "handler": ("handler", RunHandler),
    "setup": ("is_setup", _as_is),
    "teardown": ("teardown", _teardown),
    "repeat": ("repeat", _repeat),
    "outputs": ("output_types", _as_is),
}
"""Field -> (attribute of the model, from the stored value to the model's)."""

_NOT_PAYLOAD = frozenset({"type", *(field.name for field in COMMON_TASK_FIELDS)})
