"""What no field can tell by itself: unknown names, impossible orders, and expressions that cannot be evaluated at their
place. The checks work on a normalised document with faults too, so that one answer reports all faults."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mainspring.definition.approvals import check_approval
from mainspring.definition.build import NOT_OF_HANDLERS, condition_of, payload_of, roots_before, roots_of
from mainspring.definition.fields import TASKS_MAX
from mainspring.definition.flat_tasks import OF_MAPPING, FlatTasks
from mainspring.definition.groups import MovedReport, flatten
from mainspring.definition.model import KEY_BYTES_MAX, ConcurrencyStrategy, ScheduleAlias, TaskType
from mainspring.definition.references import missing_param, readable_outputs, undeclared_output
from mainspring.definition.report import Report, show
from mainspring.definition.schedules import schedule_problems
from mainspring.durations import parse_duration
from mainspring.errors import InvalidInput, Problem
from mainspring.expressions import ANSWER_ROOTS, ROOTS, RUN_END_NAMES, TURN_NAMES, Expression, Template
from mainspring.graph import ancestors, find_cycle
from mainspring.instants import SCHEDULES_BEGIN, parse_instant
from mainspring.params import check_output_schema, check_schema
from mainspring.patterns import is_linear_pattern
from mainspring.pointers import join_pointer
from mainspring.trigger_rules import TriggerRule, may_run_after_failure

__all__ = ["check_document", "check_executors"]

_CLEANS_UP = frozenset({"handler", "teardown"})
_CONDITIONS = frozenset({"/when", "/repeat/until", "/http/until"})
_ANSWER_NAMES = frozenset({"body", "headers", "status"})
_WITHOUT_TURNS: Mapping[Any, str] = {
    TaskType.NOOP: "repeat a task that gives outputs: shell, python, http or dag",
    TaskType.BRANCH: "repeat a task before the branch",
    TaskType.WAIT: "a wait checks its condition again by itself: give it an interval",
    TaskType.APPROVAL: "a person answers once; repeat a task before the approval",
}
"""Type of a task that cannot have turns -> what to do instead."""
_RUN_ONLY = frozenset({"map", "task_id", "try_number"})
"""Names with a value for a task instance and no value for a run."""
_NOT_IN_KEYS = frozenset({"tasks", "vars"}) | _RUN_ONLY
"""Names without a value when the run is made, and variables, which would make the key depend on their changes."""


def check_document(document: Mapping[str, Any], report: Report) -> None:
    """Report what is wrong across the fields of a normalised document."""
    flat = flatten(document, report)
    if flat.groups:
        report = MovedReport(report, flat)
        document = {**document, "tasks": flat.tasks}
    _check_groups(flat, report)
    tasks: Mapping[str, Mapping[str, Any]] = document.get("tasks", {})
    _check_dates(document, report)
    _check_continuous(document, report)
    _check_retention(document.get("retention", {}), report)
    for problem in schedule_problems(document.get("schedule"), document.get("dag_id")):
        _pass_on(problem, "/schedule", report)
    for problem in check_schema(document.get("params", {})):
        _pass_on(problem, "/params", report)
    _check_ids([*tasks, *flat.groups], report)
    _check_retry_policy(document.get("default_args", {}), "/default_args", report)
    for task_id, task in tasks.items():
        _check_output_types(task, join_pointer("/tasks", task_id), report)
        _check_retry_policy(task, join_pointer("/tasks", task_id), report)
        if "key" in task and not task.keys() & {"expand", "handler"}:
            at = join_pointer("/tasks", task_id, "key")
            report.add("exclusive_fields", at, "'key' means something only beside 'expand'", "leave it out")
    _check_branches(tasks, flat, report)
    for task_id, task in tasks.items():
        if task.get("type") == TaskType.APPROVAL:
            check_approval(task, join_pointer("/tasks", task_id), report)
    _check_repeats(tasks, report)
    if document.get("fail_fast"):
        _check_fail_fast(tasks, {"/default_args": document.get("default_args", {}), **flat.default_places}, report)
    _check_handlers(tasks, report)
    upstream = _check_dependencies(tasks, report)
    cycle = find_cycle(upstream)
    _check_teardowns(document, upstream if cycle is None else None, report)
    if cycle is not None:
        ids = list(tasks)
        path = " -> ".join(ids[index] for index in [*cycle, cycle[0]])
        report.add(
            "cycle", join_pointer("/tasks", ids[cycle[0]], "depends_on"), f"the tasks wait for each other: {path}"
        )
    _check_expressions(document, flat.map_groups, upstream if cycle is None else None, report)
    _check_mapped_groups(document, flat, upstream if cycle is None else None, report)
    _check_outputs(document, report)
    _check_key(document, "concurrency", report)
    _check_key(document, "debounce", report)
    _check_debounce(document.get("debounce"), document.get("concurrency", {}), report)


def _check_groups(flat: FlatTasks, report: Report) -> None:
    if len(flat.tasks) > TASKS_MAX:
        message = f"the DAG has {len(flat.tasks)} tasks; allowed are 1 to {TASKS_MAX}"
        report.add("out_of_range", "/groups", message)
    for at, fields in flat.default_places.items():
        _check_retry_policy(fields, at, report)
        _check_teardown_fields(fields, at, report)


def check_executors(document: Mapping[str, Any], offered: Collection[str], report: Report) -> None:
    """Report tasks of a normalised document that ask for an executor which is not offered."""
    flat = flatten(document)
    places = {"/default_args": document.get("default_args", {}), **flat.default_places}
    places |= {flat.place(task_id): task for task_id, task in flat.tasks.items()}
    for at, fields in places.items():
        name = fields.get("executor")
        if name is not None and name not in offered:
            report.add_unknown("unknown_executor", f"{at}/executor", "there is no executor", name, offered)


def _check_continuous(document: Mapping[str, Any], report: Report) -> None:
    if document.get("schedule") != ScheduleAlias.CONTINUOUS:
        return
    if document.get("max_active_runs", 1) != 1:
        message = "'@continuous' makes one run after another, so max_active_runs is 1"
        report.add("invalid_value", "/max_active_runs", message, "leave it out")
    if document.get("catchup"):
        message = "'@continuous' misses no run, so there is nothing to catch up with"
        report.add("exclusive_fields", "/catchup", message, "leave it out")


def _check_dates(document: Mapping[str, Any], report: Report) -> None:
    start, end = document.get("start_date"), document.get("end_date")
    if start and end and parse_instant(start) > parse_instant(end):
        message = f"end_date {end} is before start_date {start}"
        report.add("invalid_value", "/end_date", message, "leave it out, or give a later one")
    if start and document.get("catchup") is True and parse_instant(start) < SCHEDULES_BEGIN:
        message = f"start_date {start} is before {SCHEDULES_BEGIN:%Y-%m-%d}, where all schedules begin"
        report.add("invalid_value", "/start_date", message, "nothing earlier can be caught up with; give a later one")


def _check_retention(retention: Mapping[str, Any], report: Report) -> None:
    keep_last, runs_max = retention.get("keep_last"), retention.get("runs_max")
    if keep_last is not None and runs_max is not None and keep_last > runs_max:
        message = f"keep_last {keep_last} is more than runs_max {runs_max}"
        report.add("invalid_value", "/retention/keep_last", message, "at least so many runs stay as at most may stay")


def _check_ids(tasks: Iterable[str], report: Report) -> None:
    seen: dict[str, str] = {}
    for task_id in tasks:
        other = seen.setdefault(task_id.casefold(), task_id)
        if other != task_id:
            message = f"task ids {other!r} and {task_id!r} differ only in case"
            report.add("duplicate_id", join_pointer("/tasks", task_id), message)


def _check_output_types(task: Mapping[str, Any], at: str, report: Report) -> None:
    for name, schema in task.get("outputs", {}).items():
        for problem in check_output_schema(schema):
            _pass_on(problem, at + join_pointer("/outputs", name), report)


def _check_retry_policy(fields: Mapping[str, Any], at: str, report: Report) -> None:
    for position, rule in enumerate(fields.get("retry_policy", ())):
        if "error" in rule and not is_linear_pattern(rule["error"]):
            message = f"{show(rule['error'])} is not a regular expression that can be searched in linear time"
            hint = "look-around and back references are not allowed"
            report.add("invalid_pattern", f"{at}/retry_policy/{position}/error", message, hint)


def _check_branches(tasks: Mapping[str, Mapping[str, Any]], flat: FlatTasks, report: Report) -> None:
    """A branch that chooses without an expression must choose a direct downstream task, or a group with such a task."""
    downstream: dict[str, list[str]] = {}
    for task_id, task in tasks.items():
        for name in task.get("depends_on", ()):
            downstream.setdefault(name, []).append(task_id)
    for task_id, task in tasks.items():
        choose, followers = task.get("choose"), downstream.get(task_id, [])
        if choose is None or "${{" in choose:
            continue
        group = flat.groups.get(choose)
        if not {choose, *(group.task_ids if group else ())} & set(followers):
            at = join_pointer("/tasks", task_id, "choose")
            report.add_unknown("unknown_task", at, "no direct downstream task is called", choose, followers)


def _check_repeats(tasks: Mapping[str, Mapping[str, Any]], report: Report) -> None:
    """Only a task whose success comes with outputs of its own work can have turns."""
    for task_id, task in tasks.items():
        if "repeat" not in task:
            continue
        at, kind = join_pointer("/tasks", task_id, "repeat"), task.get("type")
        if kind in _WITHOUT_TURNS:
            report.add("exclusive_fields", at, f"a task of the type {kind} cannot have repeat", _WITHOUT_TURNS[kind])
        elif kind == TaskType.DAG and task.get("wait") is False:
            message = "a dag task with `wait: false` cannot have repeat: it succeeds before the other run has ended"
            report.add("exclusive_fields", at, message, "leave out wait, or repeat")


def _check_fail_fast(
    tasks: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, Mapping[str, Any]], report: Report
) -> None:
    """No rule may wait for a failure: the first failure ends the run, so such a task never runs after one. Handlers and
    tear-downs run after that end too."""
    places = dict(defaults)
    places |= {join_pointer("/tasks", task_id): task for task_id, task in tasks.items() if not _CLEANS_UP & task.keys()}
    for at, fields in places.items():
        rule = fields.get("trigger_rule")
        if rule is not None and may_run_after_failure(TriggerRule(rule)):
            message = f"trigger_rule {rule} can never follow a failure, because fail_fast ends the run at the first one"
            report.add("exclusive_fields", f"{at}/trigger_rule", message, "leave out fail_fast, or the trigger_rule")


def _check_handlers(tasks: Mapping[str, Mapping[str, Any]], report: Report) -> None:
    """Handlers of a run depend on handlers of the same end alone, and no other task depends on a handler."""
    if tasks and all("handler" in task for task in tasks.values()):
        report.add(
            "missing_field", "/tasks", "every task is a handler of the run", "a run needs a task without handler"
        )
    for task_id, task in tasks.items():
        handler = task.get("handler")
        for position, name in enumerate(task.get("depends_on", ())):
            other = tasks.get(name, {}).get("handler")
            if name in tasks and other != handler:
                at = join_pointer("/tasks", task_id, "depends_on", position)
                report.add("invalid_dependency", at, *_mixed(task_id, handler, name, other))
        for field in sorted(NOT_OF_HANDLERS & task.keys()) if handler is not None else ():
            at = join_pointer("/tasks", task_id, field)
            message = f"a handler of the run cannot have {field}: it runs once, after all other tasks"
            report.add("exclusive_fields", at, message, f"leave out {field}, or handler")


def _mixed(task_id: str, handler: str | None, name: str, other: str | None) -> tuple[str, str]:
    """Message and hint about a dependency between a handler and a task of another kind."""
    if handler is None:
        return f"task {task_id!r} depends on {name!r}, a handler that runs only after all tasks", "leave it out"
    if other is None:
        message = f"handler {task_id!r} depends on task {name!r}; a handler waits for all tasks anyway"
        return message, f"leave it out; an expression may read tasks.{name} without it"
    message = f"handler {task_id!r} ({handler}) depends on {name!r}, which is a handler of another end ({other})"
    return message, "give both the same handler"


def _check_teardowns(document: Mapping[str, Any], upstream: list[list[int]] | None, report: Report) -> None:
    """A tear-down names set-ups upstream of itself. `upstream` is `None` when there is a cycle."""
    tasks: Mapping[str, Mapping[str, Any]] = document.get("tasks", {})
    ancestry = None if upstream is None else _Ancestry(tasks, upstream)
    places = {"/default_args": document.get("default_args", {})}
    places |= {join_pointer("/tasks", task_id): task for task_id, task in tasks.items()}
    for at, task in places.items():
        _check_teardown_fields(task, at, report)
    for task_id, task in tasks.items():
        for position, name in enumerate(task.get("teardown", {}).get("of", ())):
            at = join_pointer("/tasks", task_id, "teardown", "of", position)
            if name not in tasks:
                report.add_unknown(
                    "unknown_task", at, f"tear-down {task_id!r} cleans up after unknown task", name, tasks
                )
            elif not tasks[name].get("setup"):
                message = f"tear-down {task_id!r} cleans up after {name!r}, which is no set-up"
                report.add("invalid_dependency", at, message, f"give {name!r} `setup: true`, or name its set-up")
            elif ancestry is not None and not ancestry.has(task_id, name):
                message = f"set-up {name!r} is not upstream of its tear-down {task_id!r}"
                report.add("not_upstream", at, message, f"add {name!r} to depends_on")


def _check_teardown_fields(fields: Mapping[str, Any], at: str, report: Report) -> None:
    is_setup, is_teardown, rule = fields.get("setup", False), "teardown" in fields, fields.get("trigger_rule")
    if is_setup + is_teardown + ("handler" in fields) > 1:
        first, second = [name for name in ("setup", "teardown", "handler") if fields.get(name)][:2]
        report.add("exclusive_fields", f"{at}/{second}", f"a task cannot have {first} and {second}", "use two tasks")
    if is_setup and "expand" in fields:
        report.add("exclusive_fields", f"{at}/expand", "a set-up runs once, so it cannot have expand", "leave it out")
    if is_teardown and rule is not None and rule != TriggerRule.ALL_DONE_SETUP_SUCCESS:
        message = f"a tear-down runs by all_done_setup_success, not by {rule}"
        report.add("exclusive_fields", f"{at}/trigger_rule", message, "leave out the trigger_rule")
    if not is_teardown and rule == TriggerRule.ALL_DONE_SETUP_SUCCESS:
        message = "all_done_setup_success is the rule of tear-downs"
        report.add("exclusive_fields", f"{at}/trigger_rule", message, "use all_done, or add teardown with its set-ups")
    for name in sorted(NOT_OF_HANDLERS & fields.keys()) if is_teardown else ():
        message = f"a tear-down cannot have {name}: it runs once, whatever happened before"
        report.add("exclusive_fields", f"{at}/{name}", message, f"leave out {name}, or teardown")


def _check_dependencies(tasks: Mapping[str, Mapping[str, Any]], report: Report) -> list[list[int]]:
    """Upstream indexes of each task, of the dependencies that make sense."""
    index = {task_id: position for position, task_id in enumerate(tasks)}
    upstream: list[list[int]] = []
    for task_id, task in tasks.items():
        upstream.append([])
        for position, name in enumerate(task.get("depends_on", ())):
            at = join_pointer("/tasks", task_id, "depends_on", position)
            if name == task_id:
                report.add("cycle", at, f"task {task_id!r} depends on itself")
            elif name in index:
                upstream[-1].append(index[name])
            else:
                report.add_unknown("unknown_task", at, f"task {task_id!r} depends on unknown task", name, tasks)
    return upstream


def _check_expressions(
    document: Mapping[str, Any], map_groups: Mapping[str, str], upstream: list[list[int]] | None, report: Report
) -> None:
    """`upstream` is `None` when there is a cycle: then the names of tasks are checked, and their order is not.

    map_groups: task id -> the mapped group around the task, whose expansion is not checked here.
    """
    tasks: Mapping[str, Mapping[str, Any]] = document.get("tasks", {})
    ancestry: _Ancestry | None = None
    for task_id, task in tasks.items():
        for name, value, roots in _templated(task, is_of_group=task_id in map_groups):
            at = join_pointer("/tasks", task_id) + name
            expression = _read(value, at, report, is_condition=name in _CONDITIONS, roots=roots)
            if expression is None:
                continue
            _check_member_names(expression, at, report)
            if "map" in expression.names and not task.get("expand"):
                report.add("unknown_name", at, "'map' has a value only in a task with 'expand'")
            _check_declared(expression, document, at, report)
            references = _known_references(expression, tasks, at, report)
            if "handler" in task:  # all other tasks have ended before
                references = [other for other in references if "handler" in tasks[other]]
                _check_run_names(expression, at, report)
            else:
                references = _without_handlers(references, tasks, at, report)
            if references and upstream is not None:
                ancestry = ancestry or _Ancestry(tasks, upstream)
                ancestry.check(task_id, references, at, report)


def _templated(task: Mapping[str, Any], *, is_of_group: bool) -> Iterator[tuple[str, Any, frozenset[str]]]:
    """Pointer within the task, value, and possible root names of each field with expressions.

    is_of_group: the expansion is that of a mapped group, so it is not among them.
    """
    for name in ("when", *(() if is_of_group else OF_MAPPING)):
        if name in task:
            yield join_pointer("", name), task[name], roots_before(task)
    if "until" in task.get("repeat", {}):
        yield "/repeat/until", task["repeat"]["until"], roots_of(task)
    if (condition := condition_of(task)) is not None:
        yield "/http/until", condition, ANSWER_ROOTS
    for name, value in payload_of(task).items():
        yield join_pointer("", name), value, roots_of(task)


def _check_member_names(expression: Expression | Template, at: str, report: Report) -> None:
    names = {path[1] for path in expression.paths if path[0] == "turn" and len(path) > 1}
    for name in sorted(names - TURN_NAMES):
        report.add_unknown("unknown_name", at, "a turn has no", name, sorted(TURN_NAMES))
    names = {path[1] for path in expression.paths if path[0] == "answer" and len(path) > 1}
    for name in sorted(names - _ANSWER_NAMES):
        report.add_unknown("unknown_name", at, "an answer has no", name, sorted(_ANSWER_NAMES))


def _check_mapped_groups(
    document: Mapping[str, Any], flat: FlatTasks, upstream: list[list[int]] | None, report: Report
) -> None:
    """The expansion of a mapped group may read the tasks that come before all first tasks of the group."""
    tasks: Mapping[str, Mapping[str, Any]] = document.get("tasks", {})
    ancestry: _Ancestry | None = None
    for group_id in (group.group_id for group in flat.groups.values() if group.is_mapped):
        members = [task_id for task_id, around in flat.map_groups.items() if around == group_id]
        roots = [task_id for task_id in members if not {*tasks[task_id].get("depends_on", ())} & {*members}]
        for name in OF_MAPPING:
            value, at = tasks[members[0]].get(name) if members else None, f"{flat.place(group_id)}/{name}"
            expression = None if value is None else _read(value, at, report)
            if expression is None:
                continue
            _check_declared(expression, document, at, report)
            references = _known_references(expression, tasks, at, report)
            references = _without_handlers(references, tasks, at, report)
            if references and upstream is not None:
                ancestry = ancestry or _Ancestry(tasks, upstream)
                ancestry.check_group(group_id, roots, references, at, report)


def _check_run_names(expression: Expression | Template, at: str, report: Report) -> None:
    names = {path[1] for path in expression.paths if path[0] == "run" and len(path) > 1}
    for name in sorted(names - RUN_END_NAMES):
        report.add_unknown("unknown_name", at, "the end of a run has no", name, sorted(RUN_END_NAMES))


def _without_handlers(
    references: list[str], tasks: Mapping[str, Mapping[str, Any]], at: str, report: Report
) -> list[str]:
    """The referenced tasks except handlers of the run, which a task cannot read."""
    for other in references:
        if "handler" in tasks[other]:
            report.add(
                "not_upstream", at, f"it uses {other!r}, a handler that runs only after all tasks", "leave it out"
            )
    return [other for other in references if "handler" not in tasks[other]]


class _Ancestry:
    """For each task, the set of its direct and indirect upstream tasks."""

    def __init__(self, tasks: Iterable[str], upstream: list[list[int]]) -> None:
        self.index = {task_id: position for position, task_id in enumerate(tasks)}
        self.sets = ancestors(upstream)

    def has(self, task_id: str, other: str) -> bool:
        """Whether `other` is upstream of the task."""
        return bool(self.sets[self.index[task_id]] >> self.index[other] & 1)

    def check_group(self, group_id: str, roots: list[str], used: list[str], at: str, report: Report) -> None:
        for other in used:
            if not all(self.has(root, other) for root in roots):
                message = f"it uses task {other!r}, which is not upstream of group {group_id!r}"
                report.add("not_upstream", at, message, f"add {other!r} to depends_on of the group")

    def check(self, task_id: str, used: list[str], at: str, report: Report) -> None:
        for other in used:
            if not self.has(task_id, other):
                message = f"it uses task {other!r}, which is not upstream of {task_id!r}"
                report.add("not_upstream", at, message, f"add {other!r} to depends_on")


def _check_declared(expression: Expression | Template, document: Mapping[str, Any], at: str, report: Report) -> None:
    """Report params and outputs that the definition rules out. An expression with `has()` may ask for any."""
    tasks, schema = document.get("tasks", {}), document.get("params", {})
    expressions = [expression] if isinstance(expression, Expression) else expression.expressions()
    paths = [path for single in expressions if "has(" not in single.text for path in single.paths]
    for path in dict.fromkeys(paths):
        param, output = missing_param(path, schema), undeclared_output(path, tasks)
        if param is not None:
            what = "the schema of the params allows no others, and has no"
            report.add_unknown("unknown_param", at, what, param, schema.get("properties", {}))
        if output is not None:
            what = f"task {output[0]!r} declares outputs, and none is called"
            report.add_unknown("undeclared_output", at, what, output[1], readable_outputs(tasks[output[0]]))


def _check_outputs(document: Mapping[str, Any], report: Report) -> None:
    tasks = document.get("tasks", {})
    for name, value in document.get("outputs", {}).items():
        at = join_pointer("/outputs", name)
        expression = _read(value, at, report)
        if expression is None:
            continue
        for unknown in sorted(expression.names & _RUN_ONLY):
            report.add("unknown_name", at, f"{unknown!r} has a value in tasks, not in the outputs of a run")
        _check_declared(expression, document, at, report)
        _known_references(expression, tasks, at, report)


def _check_debounce(debounce: Mapping[str, Any] | None, concurrency: Mapping[str, Any], report: Report) -> None:
    if debounce is None:
        return
    is_complete = {"for", "max_wait"} <= debounce.keys()
    if is_complete and parse_duration(debounce["max_wait"]) < parse_duration(debounce["for"]):
        message = f"max_wait is {debounce['max_wait']}, shorter than for, which is {debounce['for']}"
        report.add("out_of_range", "/debounce/max_wait", message, "give max_wait at least the time of for")
    if concurrency.get("strategy") == ConcurrencyStrategy.REJECT:
        message = "triggers are merged by debounce or refused by the strategy reject, not both"
        report.add("invalid_value", "/concurrency/strategy", message, "use the strategy queue or keep_latest")


def _check_key(document: Mapping[str, Any], field: str, report: Report) -> None:
    at = f"/{field}/key"
    key = document.get(field, {}).get("key")
    size = len((key or "").encode("utf-8", "surrogatepass"))
    if key is not None and "${{" not in key and size > KEY_BYTES_MAX:
        report.add("out_of_range", at, f"the key has {size} bytes; at most {KEY_BYTES_MAX} are allowed")
    expression = None if key is None else _read(key, at, report)
    if expression is None:
        return
    for name in sorted(expression.names & _NOT_IN_KEYS):
        message = f"{name!r} has no value in the key of a run, which is evaluated when the run is made"
        report.add("unknown_name", at, message, "use params, conf, dag_run or another name of the run")
    _check_declared(expression, document, at, report)


def _read(
    value: Any, at: str, report: Report, *, is_condition: bool = False, roots: frozenset[str] = ROOTS
) -> Expression | Template | None:
    """The compiled expression or template; `None` for a constant and for a faulty text."""
    try:
        if is_condition:
            expression = Expression(value, roots=roots)
            problem = expression.check()
            problems = [problem] if problem else []
            compiled: Expression | Template = expression
        else:
            template = Template(value, roots=roots)
            if template.is_constant:
                return None
            problems, compiled = template.check(), template
    except InvalidInput as exc:
        problems = list(exc.problems)
    for problem in problems:
        _pass_on(problem, at, report)
    return None if problems else compiled


def _known_references(
    expression: Expression | Template, tasks: Mapping[str, Any], at: str, report: Report
) -> list[str]:
    """The existing tasks in the expression; unknown tasks are reported."""
    used = sorted(expression.task_references)
    for other in used:
        if other not in tasks:
            report.add_unknown("unknown_task", at, "it uses unknown task", other, tasks)
    return [other for other in used if other in tasks]


def _pass_on(problem: Problem, at: str, report: Report) -> None:
    report.add(problem.code, at + problem.pointer, problem.message, problem.hint)
