"""Turns a client's document into a checked `Definition`, or into a list of all faults."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from mainspring.definition.build import load_stored
from mainspring.definition.checks import check_document, check_executors
from mainspring.definition.fields import COMMON_TASK_FIELDS, DAG_FIELDS, GROUP_FIELDS, GROUP_NAME, TASK_TYPES, TASKS_MAX
from mainspring.definition.json_source import load_json
from mainspring.definition.kinds import Field, Identifier, Record
from mainspring.definition.model import Definition
from mainspring.definition.report import INVALID, Report, show
from mainspring.definition.tree import BYTES_MAX, check_tree
from mainspring.definition.yaml_source import Lines, load_yaml
from mainspring.errors import InvalidDag, InvalidInput, Problem
from mainspring.pointers import join_pointer, split_pointer

__all__ = ["DOCUMENT", "TASKS", "parse_definition", "with_lines"]

Media = Literal["json", "yaml"]


def parse_definition(
    source: Mapping[str, Any] | str | bytes,
    *,
    media: Media = "json",
    dag_id: str | None = None,
    executors: Collection[str] | None = None,
) -> Definition:
    """The definition that `source` spells: JSON or YAML text, or the parsed object itself.

    `dag_id` is the id in the request path; it is filled in when the document has none.
    `executors` are the names that tasks may use; `None` = any.

    Raises:
        InvalidDag: every problem with a pointer, a `code`, the line for YAML, and a hint if there is a hint. A `dag_id`
        that differs from the document's has the code `dag_id_mismatch`.
    """
    tree, lines = _load(source, media)
    report = Report()
    document = _read_document(tree, dag_id, report)
    if document is not INVALID:
        check_document(document, report)
        if executors is not None:
            check_executors(document, executors, report)
    if report.problems:
        problems = _in_document_order(report.problems, tree) + report.counted()
        raise InvalidDag(_with_lines(problems, tree, lines))
    return load_stored(document)


def with_lines(problems: Sequence[Problem], source: str | bytes, *, media: Media) -> list[Problem]:
    """The problems of a definition that `parse_definition` accepted, with their lines in its text."""
    if not problems:
        return []
    tree, lines = _load(source, media)
    return _with_lines(_in_document_order(list(problems), tree), tree, lines)


def _load(source: Mapping[str, Any] | str | bytes, media: Media) -> tuple[Any, Lines | None]:
    try:
        if isinstance(source, Mapping):
            if problems := check_tree(source):
                raise InvalidInput(problems)
            return source, None
        data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
        if media == "json":
            return load_json(data, bytes_max=BYTES_MAX), None
        tree, lines = load_yaml(data, bytes_max=BYTES_MAX)
        if problems := check_tree(tree):
            raise InvalidInput(_with_lines(problems, tree, lines))
        return tree, lines
    except InvalidInput as exc:
        raise InvalidDag(exc.problems) from None


def _with_lines(problems: list[Problem], tree: Any, lines: Lines | None) -> list[Problem]:
    if lines is None:
        return problems
    return [replace(problem, line=lines.of(tree, problem.pointer)) for problem in problems]


def _read_document(tree: Any, dag_id: str | None, report: Report) -> Any:
    if not isinstance(tree, Mapping):
        return report.add("wrong_type", "", "a definition must be an object", "it begins with dag_id and tasks")
    if dag_id is not None:
        named_by_path = tree.get("dag_id", dag_id)
        tree = {"dag_id": dag_id, **tree}
        if named_by_path != dag_id:
            message = f"dag_id {show(named_by_path)} differs from {dag_id!r}, by which it is addressed"
            report.add("dag_id_mismatch", "/dag_id", message, "leave dag_id out of the document")
    return DOCUMENT.read(tree, "", report)


def _in_document_order(problems: list[Problem], tree: Any) -> list[Problem]:
    positions: dict[int, dict[str, int]] = {}

    def place(problem: Problem) -> list[int]:
        at: list[int] = []
        value = tree
        for key in split_pointer(problem.pointer):
            names = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
            if id(value) not in positions:
                positions[id(value)] = {str(name): position for position, name in enumerate(names)}
            if key not in positions[id(value)]:
                break
            at.append(positions[id(value)][key])
            value = value[key if isinstance(value, Mapping) else at[-1]]
        return at

    return sorted(problems, key=place)


class Tasks:
    """The map of tasks: id -> fields, which depend on the type."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            hint = "write them as a map: tasks: {load: {type: shell, ...}}"
            return report.add("wrong_type", at, "tasks must be an object of task id -> task", hint)
        if not 1 <= len(value) <= TASKS_MAX:
            holder = "group" if at.startswith("/groups") else "DAG"
            return report.add("out_of_range", at, f"the {holder} has {len(value)} tasks; allowed are 1 to {TASKS_MAX}")
        tasks = {}
        for task_id, task in value.items():
            below = join_pointer(at, task_id)
            if Identifier().read(task_id, below, report) is not INVALID:
                tasks[task_id] = self._read_task(task, below, report)
        return {task_id: task for task_id, task in tasks.items() if task is not INVALID}

    def _read_task(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            return report.add("wrong_type", at, "a task must be an object", "write at least {type: noop}")
        name = value.get("type")
        record = TASKS.get(name) if isinstance(name, str) else None
        if record is None:
            if "type" not in value:
                report.add("missing_field", at, "the field 'type' is missing", f"types: {', '.join(TASK_TYPES)}")
            else:
                report.add_unknown("unknown_task_type", f"{at}/type", "unknown type of task", str(name), TASK_TYPES)
            # Its other fields depend on the type; what it waits for does not.
            return {"depends_on": _DEPENDS_ON.read(value, at, Report()).get("depends_on", [])}
        return record.read(value, at, report)

    def schema(self) -> dict[str, Any]:
        return {
            "title": "Tasks",
            "type": "object",
            "minProperties": 1,
            "maxProperties": TASKS_MAX,
            "propertyNames": Identifier().schema(),
            "additionalProperties": {"title": "Task", "oneOf": [record.schema() for record in TASKS.values()]},
        }


class _Type:
    """The name of a type of task, which was looked up already."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, value: Any, at: str, report: Report) -> Any:
        return self.name

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "const": self.name, "description": "Type of the task."}


def _task_record(name: str, fields: Record) -> Record:
    return Record(
        (Field("type", _Type(name), required=True), *fields.fields, *COMMON_TASK_FIELDS),
        exactly_one=fields.exactly_one,
        at_most_one=fields.at_most_one,
        only_with=fields.only_with,
        name=f"{name.capitalize()}Task",
    )


class Groups:
    """The map of task groups: name -> group, which may hold further groups."""

    def read(self, value: Any, at: str, report: Report) -> Any:
        if not isinstance(value, Mapping):
            hint = "write them as a map: groups: {extract: {tasks: {...}}}"
            return report.add("wrong_type", at, "groups must be an object of name -> group", hint)
        if not 1 <= len(value) <= TASKS_MAX:
            return report.add("out_of_range", at, f"there are {len(value)} groups; allowed are 1 to {TASKS_MAX}")
        groups = {}
        for name, group in value.items():
            below = join_pointer(at, name)
            if not re.fullmatch(GROUP_NAME, name):
                rule = "1 to 200 of the characters A-Z a-z 0-9 _ -"
                report.add("invalid_id", below, f"{show(name)} cannot name a group: names are {rule}")
            else:
                groups[name] = _GROUP.read(group, below, report)
        return {name: group for name, group in groups.items() if group is not INVALID}

    def schema(self) -> dict[str, Any]:
        return {
            "title": "TaskGroups",
            "type": "object",
            "minProperties": 1,
            "maxProperties": TASKS_MAX,
            "propertyNames": {"pattern": f"^{GROUP_NAME}$"},
            "additionalProperties": _GROUP.schema(),
        }


class _InnerGroups(Groups):
    """Groups in a group. Their schema is that of all groups."""

    def schema(self) -> dict[str, Any]:
        return {"$named": "TaskGroups"}


TASKS = {name: _task_record(name, fields) for name, fields in TASK_TYPES.items()}
_DEPENDS_ON = Record(tuple(field for field in COMMON_TASK_FIELDS if field.name == "depends_on"))
_GROUP = Record(
    (
        *GROUP_FIELDS,
        Field("tasks", Tasks(), doc="Name -> task; the id of the task is `group.name`."),
        Field("groups", _InnerGroups(), doc="Name -> group in this group."),
    ),
    at_least_one=("tasks", "groups"),
    elsewhere={"repeat": "a group has no turns: give repeat to a task in it, or to a dag task that runs its tasks"},
    what="a group",
    name="TaskGroup",
)
DOCUMENT = Record(
    (
        *DAG_FIELDS,
        Field("tasks", Tasks(), doc="Task id -> task."),
        Field("groups", Groups(), doc="Name -> task group, which holds tasks of the DAG."),
    ),
    at_least_one=("tasks", "groups"),
    what="a definition",
    name="Definition",
)
