"""Mapped groups in a definition: what their tasks are, and which are refused."""

import json
from typing import Any

import pytest

from mainspring.definition import find_warnings, load_stored, parse_definition
from mainspring.definition.changes import compare_definitions
from mainspring.errors import InvalidDag
from mainspring.graph import Graph

NOOP: dict[str, Any] = {"type": "noop"}
REGIONS = """
dag_id: regions
tasks:
  list: {type: noop}
  report: {type: noop, depends_on: [region]}
groups:
  region:
    depends_on: [list]
    expand: {region: "${{ tasks.list.outputs.regions }}"}
    key: "${{ map.region }}"
    tasks:
      load: {type: shell, command: [load, "${{ map.region }}"]}
      check: {type: shell, command: [check, "${{ tasks['region.load'].outputs.n }}"], depends_on: [load]}
    groups:
      inner: {depends_on: [check], tasks: {last: {type: noop}}}
"""


def test_the_tasks_of_a_mapped_group_have_its_expansion() -> None:
    definition = parse_definition(REGIONS, media="yaml")
    tasks, groups = definition.tasks, definition.flat.groups
    assert {task_id: task.map_group for task_id, task in tasks.items()} == {
        "list": None,
        "report": None,
        "region.load": "region",
        "region.check": "region",
        "region.inner.last": "region",
    }
    assert [task_id for task_id, task in tasks.items() if task.is_mapped] == list(tasks)[2:]
    assert tasks["region.check"].key == tasks["region.load"].key != None  # noqa: E711
    assert (groups["region"].is_mapped, groups["region.inner"].is_mapped) == (True, False)
    assert load_stored(json.loads(json.dumps(definition.document))) == definition
    assert not list(find_warnings(definition))


def test_an_edge_within_the_group_is_in_step() -> None:
    graph = Graph.of(parse_definition(REGIONS, media="yaml").tasks)
    ids = {graph.task_ids[task]: {graph.task_ids[other] for other in graph.in_step[task]} for task in range(5)}
    assert ids == {
        "list": set(),
        "report": set(),
        "region.load": {"region.check"},
        "region.check": {"region.inner.last"},
        "region.inner.last": set(),
    }
    assert graph.mapped_with(graph.index["region.check"]) == (2, 3, 4)
    assert graph.mapped_with(0) == (0,)


def _group(**fields: Any) -> dict[str, Any]:
    return {"expand": {"x": [1]}, "tasks": {"a": NOOP}, **fields}


@pytest.mark.parametrize(
    ("group", "pointer", "code", "text"),
    [
        ({"tasks": {"a": {**NOOP, "expand": {"y": [1]}}}}, "/tasks/a/expand", "exclusive_fields", "cannot have expand"),
        ({"tasks": {"a": {**NOOP, "key": "k"}}}, "/tasks/a/key", "exclusive_fields", "give the key to the group"),
        ({"tasks": {"a": {**NOOP, "setup": True}}}, "/tasks/a/setup", "exclusive_fields", "before all items"),
        ({"tasks": {"a": {**NOOP, "handler": "finally"}}}, "/tasks/a/handler", "exclusive_fields", "after the run"),
        (
            {"tasks": {"a": {**NOOP, "teardown": {"of": ["s"]}}}},
            "/tasks/a/teardown",
            "exclusive_fields",
            "after all items",
        ),
        ({"groups": {"i": _group()}}, "/groups/i/expand", "exclusive_fields", "stands in the mapped group 'g'"),
        ({"expand": {"x": "${{ tasks.s.outputs.x }}"}}, "/expand", "not_upstream", "depends_on of the group"),
        ({"expand": {"x": "${{ tasks.t.outputs.x }}"}}, "/expand", "unknown_task", "'t'"),
        ({"key": "${{ tasks['g.a'].outputs.x }}"}, "/key", "not_upstream", "not upstream of group 'g'"),
        ({"expand": {"x": 3}}, "/expand/x", "wrong_type", "expression"),
        ({"expand": {}, "key": "k"}, "/key", "exclusive_fields", "beside 'expand'"),
    ],
)
def test_a_faulty_mapped_group_is_refused_with_its_place(
    group: dict[str, Any], pointer: str, code: str, text: str
) -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition({"dag_id": "d", "tasks": {"s": NOOP}, "groups": {"g": _group(**group)}})
    [problem] = caught.value.problems
    assert (problem.pointer, problem.code) == (f"/groups/g{pointer}", code)
    assert text in f"{problem.message} {problem.hint}"


def test_a_key_without_expand_is_refused() -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition({"dag_id": "d", "groups": {"g": {"key": "k", "tasks": {"a": NOOP}}}})
    assert [problem.pointer for problem in caught.value.problems] == ["/groups/g/key"]


def test_a_faulty_expansion_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(REGIONS.replace("tasks.list.", "tasks.lits."), media="yaml")
    [problem] = caught.value.problems
    assert (problem.line, problem.hint) == (9, "did you mean 'list'?")


def test_a_change_of_the_expansion_is_told() -> None:
    old = parse_definition(REGIONS, media="yaml").document
    new = parse_definition(REGIONS.replace("outputs.regions", "outputs.names"), media="yaml").document
    changes = list(compare_definitions(old, new))
    assert {(change.path, change.text) for change in changes} == {
        ("/groups/region/expand", "'region.load': expand changed"),
        ("/groups/region/expand", "'region.check': expand changed"),
        ("/groups/region/expand", "'region.inner.last': expand changed"),
    }


def test_going_item_by_item_is_a_change_by_itself() -> None:
    mapped = {**NOOP, "expand": {"x": [1]}}
    tasks = {"a": mapped, "b": {**mapped, "depends_on": ["a"]}}
    plain = {name: {key: value for key, value in task.items() if key != "expand"} for name, task in tasks.items()}
    group = {"prefix_group_id": False, "expand": {"x": [1]}, "tasks": plain}
    old = parse_definition({"dag_id": "d", "groups": {"g": {"prefix_group_id": False, "tasks": tasks}}}).document
    new = parse_definition({"dag_id": "d", "groups": {"g": group}}).document
    assert [change.text for change in compare_definitions(old, new)] == [
        "'a': map_group added",
        "'b': map_group added",
    ]
