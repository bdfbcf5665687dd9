"""Task groups: which ordinary tasks and dependencies they stand for, and which groups are refused."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.definition import find_warnings, json_schema, load_stored, parse_definition
from mainspring.definition.build import ungrouped
from mainspring.definition.changes import compare_definitions
from mainspring.errors import InvalidDag
from mainspring.graph import Graph, ancestors

NOOP: dict[str, Any] = {"type": "noop"}
PIPELINE = """
dag_id: etl
default_args: {retries: 1, owner: ada}
tasks:
  start: {type: noop}
  report: {type: shell, command: [report, "${{ tasks['load.eu.rows'].outputs.n }}"], depends_on: [load]}
groups:
  load:
    tooltip: Loads each region
    depends_on: [start]
    default_args: {retries: 2, queue: loaders}
    tasks:
      plan: {type: noop}
      check: {type: noop, depends_on: [eu]}
    groups:
      eu:
        group_display_name: Europe
        depends_on: [plan]
        default_args: {retries: 3}
        tasks:
          fetch: {type: noop}
          rows: {type: noop, depends_on: [fetch], retries: 0}
          sizes: {type: noop, depends_on: [fetch]}
"""


def _of(groups: dict[str, Any], tasks: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"dag_id": "d", "groups": groups, **({} if tasks is None else {"tasks": tasks}), **more}


def _upstream(document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {task.task_id: task.depends_on for task in parse_definition(document).tasks.values()}


def test_groups_stand_for_ordinary_tasks() -> None:
    definition = parse_definition(PIPELINE, media="yaml")
    assert {task.task_id: task.depends_on for task in definition.tasks.values()} == {
        "start": (),
        "report": ("load.check",),
        "load.plan": ("start",),
        "load.check": ("load.eu.rows", "load.eu.sizes"),
        "load.eu.fetch": ("load.plan",),
        "load.eu.rows": ("load.eu.fetch",),
        "load.eu.sizes": ("load.eu.fetch",),
    }
    assert [task.index for task in definition.tasks.values()] == list(range(7))


def test_the_task_wins_over_the_inner_group_the_outer_group_and_the_dag() -> None:
    tasks = parse_definition(PIPELINE, media="yaml").tasks
    fields = {task_id: (task.retries, task.queue, task.owner) for task_id, task in tasks.items()}
    assert fields["start"] == (1, "default", "ada")
    assert fields["load.plan"] == (2, "loaders", "ada")
    assert fields["load.eu.fetch"] == (3, "loaders", "ada")
    assert fields["load.eu.rows"] == (0, "loaders", "ada")


def test_a_definition_keeps_its_groups_and_is_the_same_when_it_is_stored() -> None:
    definition = parse_definition(PIPELINE, media="yaml")
    assert "load" in definition.document["groups"]
    assert load_stored(json.loads(json.dumps(definition.document))) == definition
    again = parse_definition(definition.document)
    assert (again.content_hash, list(again.tasks)) == (definition.content_hash, list(definition.tasks))
    groups = definition.flat.groups
    assert (groups["load.eu"].parent_id, groups["load.eu"].display_name) == ("load", "Europe")
    assert set(groups["load"].task_ids) == definition.tasks.keys() - {"start", "report"}


def test_a_document_without_groups_means_the_same() -> None:
    definition = parse_definition(PIPELINE, media="yaml")
    flat = parse_definition(ungrouped(definition.document))
    assert flat.tasks == definition.tasks
    assert not flat.flat.groups
    assert [change.text for change in compare_definitions(definition.document, flat.document)] == [
        "group 'load' removed",
        "group 'load.eu' removed",
    ]


def test_a_group_without_prefix_leaves_the_ids_plain() -> None:
    inner = {"prefix_group_id": False, "tasks": {"b": NOOP}}
    document = _of(
        {"g": {"tasks": {"a": NOOP}, "groups": {"inner": inner}}}, {"z": {**NOOP, "depends_on": ["g.inner"]}}
    )
    assert _upstream(document) == {"z": ("b",), "g.a": (), "b": ()}


def test_names_are_looked_up_from_the_inside_out_and_then_as_full_ids() -> None:
    document = _of(
        {
            "g": {
                "tasks": {"a": NOOP, "b": {**NOOP, "depends_on": ["a", "c", "h.a"]}},
                "depends_on": ["a"],
            },
            "h": {"tasks": {"a": NOOP}},
        },
        {"a": NOOP, "c": NOOP},
    )
    assert _upstream(document) == {"a": (), "c": (), "g.a": ("a",), "g.b": ("g.a", "c", "h.a"), "h.a": ()}


def test_handlers_of_the_run_are_no_ends_of_a_group() -> None:
    group = {"tasks": {"a": NOOP, "undo": {**NOOP, "handler": "on_failure"}}, "depends_on": ["start"]}
    document = _of({"g": group}, {"start": NOOP, "z": {**NOOP, "depends_on": ["g"]}})
    assert _upstream(document) == {"start": (), "z": ("g.a",), "g.a": ("start",), "g.undo": ()}


def test_what_follows_a_group_waits_for_no_tear_down() -> None:
    cluster = {
        "make": {**NOOP, "setup": True},
        "work": {**NOOP, "depends_on": ["make"]},
        "delete": {**NOOP, "teardown": {"of": ["make"]}, "depends_on": ["make", "work"]},
    }
    document = _of({"g": {"tasks": cluster}}, {"z": {**NOOP, "depends_on": ["g"]}})
    definition = parse_definition(document)
    assert definition.tasks["z"].depends_on == ("g.work",)
    teardown = definition.tasks["g.delete"].teardown
    assert teardown is not None
    assert teardown.of == ("g.make",)
    del cluster["work"]
    cluster["delete"]["depends_on"] = ["make"]
    assert _upstream(document)["z"] == ("g.make",), "a set-up is the last task where nothing else is"


def test_a_group_alone_makes_a_dag_and_fits_the_schema() -> None:
    document = _of({"g": {"tasks": {"a": NOOP}}})
    assert list(parse_definition(document).tasks) == ["g.a"]
    schema = jsonschema_rs.Draft202012Validator(json_schema())
    schema.validate(document)
    schema.validate(parse_definition(PIPELINE, media="yaml").document)
    assert not schema.is_valid(_of({"g": {"tooltip": "x"}}))
    assert not schema.is_valid(_of({"g": {"groups": {"h": {"tasks": {}}}}}))
    assert not schema.is_valid(_of({"g.h": {"tasks": {"a": NOOP}}}))


_LONG = "x" * 200
WRONG: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("no groups", _of({}), "/groups", "out_of_range", "there are 0 groups"),
    ("groups as a list", {**_of({}), "groups": [1]}, "/groups", "wrong_type", "groups: {extract: {tasks"),
    ("empty group", _of({"g": {"tooltip": "x"}}), "/groups/g", "missing_field", "the field 'tasks' is missing"),
    ("no tasks in a group", _of({"g": {"tasks": {}}}), "/groups/g/tasks", "out_of_range", "the group has 0 tasks"),
    ("dot in a name", _of({"a.b": {"tasks": {"a": NOOP}}}), "/groups/a.b", "invalid_id", "cannot name a group"),
    ("unknown field of a group", _of({"g": {"tasks": {"a": NOOP}, "tolltip": "x"}}),
     "/groups/g/tolltip", "unknown_field", "did you mean 'tooltip'?"),
    ("id too long", _of({_LONG: {"tasks": {"y" * 50: NOOP}}}),
     f"/groups/{_LONG}/tasks/{'y' * 50}", "invalid_id", "has 251 characters"),
    ("group too long", _of({_LONG: {"groups": {"y" * 50: {"tasks": {"a": NOOP}}}}}),
     f"/groups/{_LONG}/groups/{'y' * 50}", "invalid_id", "has 251 characters"),
    ("equal ids", _of({"g": {"tasks": {"a": NOOP}}}, {"g.a": NOOP}),
     "/groups/g/tasks/a", "duplicate_id", "is that of /tasks/g.a already"),
    ("equal plain ids", _of({name: {"prefix_group_id": False, "tasks": {"a": NOOP}} for name in ("g", "h")}),
     "/groups/h/tasks/a", "duplicate_id", "is that of /groups/g/tasks/a already"),
    ("group and task of one id", _of({"a": {"tasks": {"b": NOOP}}}, {"a": NOOP}),
     "/groups/a", "duplicate_id", "is that of /tasks/a already"),
    ("ids equal but for case", _of({"g": {"tasks": {"a": NOOP}}}, {"G.a": NOOP}),
     "/groups/g/tasks/a", "duplicate_id", "differ only in case"),
    ("groups equal but for case", _of({"g": {"tasks": {"a": NOOP}}, "G": {"tasks": {"b": NOOP}}}),
     "/groups/G", "duplicate_id", "differ only in case"),
    ("unknown group", _of({"load": {"tasks": {"a": NOOP}}}, {"z": {**NOOP, "depends_on": ["laod"]}}),
     "/tasks/z/depends_on/0", "unknown_task", "did you mean 'load'?"),
    ("unknown upstream of a group", _of({"g": {"tasks": {"a": NOOP}, "depends_on": ["x"]}}),
     "/groups/g/depends_on/0", "unknown_task", "group 'g' depends on unknown task or group 'x'"),
    ("group before itself", _of({"g": {"tasks": {"a": NOOP}, "depends_on": ["g"]}}),
     "/groups/g/depends_on/0", "cycle", "of which it is a part"),
    ("task before its group", _of({"g": {"tasks": {"a": NOOP}, "depends_on": ["g.a"]}}),
     "/groups/g/depends_on/0", "cycle", "which is a part of it"),
    ("inner group before its group", _of({"g": {"groups": {"h": {"tasks": {"a": NOOP}}}, "depends_on": ["g.h"]}}),
     "/groups/g/depends_on/0", "cycle", "which is a part of it"),
    ("group before its task", _of({"g": {"tasks": {"a": NOOP, "b": {**NOOP, "depends_on": ["g"]}}}}),
     "/groups/g/tasks/b/depends_on/0", "cycle", "of which it is a part"),
    ("group before its inner group", _of({"g": {"groups": {"h": {"tasks": {"a": NOOP}, "depends_on": ["g"]}}}}),
     "/groups/g/groups/h/depends_on/0", "cycle", "of which it is a part"),
    ("groups in a circle", _of({"g": {"tasks": {"a": NOOP}, "depends_on": ["h"]},
                                "h": {"tasks": {"b": NOOP}, "depends_on": ["g"]}}),
     "/groups/g/depends_on/0", "cycle", "g.a -> h.b -> g.a"),
    ("task before itself", _of({"g": {"tasks": {"a": {**NOOP, "depends_on": ["a"]}}}}),
     "/groups/g/tasks/a/depends_on/0", "cycle", "depends on itself"),
    ("handler after a group",
     _of({"g": {"tasks": {"a": NOOP}}}, {"h": {**NOOP, "handler": "finally", "depends_on": ["g"]}}),
     "/tasks/h/depends_on/0", "invalid_dependency", "a handler waits for all tasks anyway"),
    ("group of handlers before a task",
     _of({"g": {"tasks": {"h": {**NOOP, "handler": "finally"}}}}, {"z": {**NOOP, "depends_on": ["g"]}}),
     "/tasks/z/depends_on/0", "invalid_dependency", "only tasks that nothing can wait for"),
    ("short name in an expression", _of({"g": {"tasks": {"a": NOOP, "b": {
        **NOOP, "depends_on": ["a"], "when": "tasks.a.state == 'success'"}}}}),
     "/groups/g/tasks/b/when", "unknown_task", "it uses unknown task 'a'"),
    ("not upstream", _of({"g": {"tasks": {"a": NOOP, "b": {**NOOP, "when": "tasks['g.a'].state == 'success'"}}}}),
     "/groups/g/tasks/b/when", "not_upstream", "add 'g.a' to depends_on"),
    ("bad default of a group", _of({"g": {"tasks": {"a": NOOP}, "default_args": {
        "retry_policy": [{"action": "retry", "error": "(?=x)"}]}}}),
     "/groups/g/default_args/retry_policy/0/error", "invalid_pattern", "linear time"),
    ("default of a group against fail_fast", _of(
        {"g": {"tasks": {"a": NOOP}, "default_args": {"trigger_rule": "one_failed"}}}, fail_fast=True),
     "/groups/g/default_args/trigger_rule", "exclusive_fields", "leave out fail_fast"),
    ("unknown set-up", _of({"g": {"tasks": {"a": NOOP, "b": {
        **NOOP, "teardown": {"of": ["a", "x"]}, "depends_on": ["a"]}}}}),
     "/groups/g/tasks/b/teardown/of/1", "unknown_task", "unknown task 'x'"),
    ("task that is no set-up", _of({"g": {"tasks": {"a": NOOP, "b": {
        **NOOP, "teardown": {"of": ["a"]}, "depends_on": ["a"]}}}}),
     "/groups/g/tasks/b/teardown/of/0", "invalid_dependency", "give 'g.a' `setup: true`"),
    ("choice of a group elsewhere", _of({"g": {"tasks": {"a": NOOP}}}, {"b": {"type": "branch", "choose": "g"}}),
     "/tasks/b/choose", "unknown_task", "no direct downstream task is called 'g'"),
    ("neither tasks nor groups", {"dag_id": "d"}, "", "missing_field", "the field 'tasks' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "pointer", "code", "text"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_a_faulty_group_is_refused_with_its_place(document: dict[str, Any], pointer: str, code: str, text: str) -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(document)
    [problem] = [each for each in caught.value.problems if (each.pointer, each.code) == (pointer, code)]
    assert text in str(problem)


def test_a_faulty_group_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(PIPELINE.replace("depends_on: [plan]", "depends_on: [plam]"), media="yaml")
    [problem] = caught.value.problems
    assert (problem.line, problem.hint) == (18, "did you mean 'plan'?")


def test_groups_stand_for_a_bounded_number_of_dependencies() -> None:
    many = {f"t{number}": NOOP for number in range(500)}
    document = _of({"a": {"tasks": many}, "b": {"tasks": many, "depends_on": ["a"]}})
    with pytest.raises(InvalidDag) as caught:
        parse_definition(document)
    [problem] = caught.value.problems
    assert (problem.pointer, problem.code) == ("/groups/b/depends_on/0", "out_of_range")
    assert "200000 dependencies" in problem.message


def test_an_unknown_executor_of_a_group_is_refused_at_its_place() -> None:
    group = {"default_args": {"executor": "rq"}, "tasks": {"a": {**NOOP, "executor": "thraed"}}}
    with pytest.raises(InvalidDag) as caught:
        parse_definition(_of({"g": group}), executors=["thread"])
    assert [problem.pointer for problem in caught.value.problems] == [
        "/groups/g/default_args/executor",
        "/groups/g/tasks/a/executor",
    ]


def test_warnings_name_the_place_in_the_group() -> None:
    task = {"type": "shell", "command": ["x"], "env": {"A": "{{ ds }}", "PASSWORD": "hunter2"}}
    definition = parse_definition(_of({"g": {"tasks": {"a": task}}}))
    pointers = {warning.code: warning.pointer for warning in find_warnings(definition, is_strict=True)}
    assert pointers == {
        "plain_braces": "/groups/g/tasks/a/env/A",
        "looks_like_credential": "/groups/g/tasks/a/env/PASSWORD",
        "no_time_limit": "/groups/g/tasks/a",
    }


@pytest.mark.parametrize(
    ("change", "texts", "path"),
    [
        pytest.param(("owner: ada", "owner: bea"), {"'start': owner \"ada\" → \"bea\""},
                     "/tasks/start/owner", id="dag"),
        pytest.param(("retries: 3", "retries: 4"), {"'load.eu.fetch': retries 3 → 4"},
                     "/groups/load/groups/eu/tasks/fetch/retries", id="default of a group"),
        pytest.param(("depends_on: [start]", "depends_on: []"), {"'load.plan' no longer waits for 'start'"},
                     "/groups/load/tasks/plan/depends_on", id="dependency of a group"),
        pytest.param(("Loads each region", "Loads"), {"group 'load' changed"}, "/groups/load", id="tooltip"),
    ],
)  # fmt: skip
def test_a_change_of_a_group_is_told_by_its_effect(change: tuple[str, str], texts: set[str], path: str) -> None:
    old = parse_definition(PIPELINE, media="yaml").document
    changes = compare_definitions(old, parse_definition(PIPELINE.replace(*change), media="yaml").document)
    assert texts <= {change.text for change in changes}
    assert path in {change.path for change in changes}


@st.composite
def grouped(draw: st.DrawFn, depth: int = 0, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """Members of a DAG or a group, whose dependencies name earlier siblings, and what stands before the group."""
    members: dict[str, dict[str, Any]] = {"tasks": {}, "groups": {}}
    names: list[str] = []
    for position in range(draw(st.integers(1, 4))):
        name = f"{'xyz'[depth]}{position}"
        upstream = (
            draw(st.lists(st.sampled_from([*before, *names]), unique=True, max_size=3)) if before or names else []
        )
        if depth < 2 and draw(st.booleans()):
            inner = draw(grouped(depth=depth + 1, before=(*before, *names)))
            members["groups"][name] = {**inner, "depends_on": upstream}
        else:
            members["tasks"][name] = {"type": "noop", "depends_on": upstream}
        names.append(name)
    return {kind: found for kind, found in members.items() if found}


def _with_milestones(
    members: dict[str, Any], prefix: str, scope: dict[str, str], edges: dict[str, set[str]]
) -> list[str]:
    """Dependencies over a begin and an end of each group, by the words of the documentation; returns the ids within."""
    scope = {**scope, **{name: prefix + name for kind in ("tasks", "groups") for name in members.get(kind, {})}}
    ids = []
    for name, task in members.get("tasks", {}).items():
        edges[prefix + name] = {f"{scope[each]}:end" for each in task["depends_on"]}
        edges[f"{prefix}{name}:end"] = {prefix + name}
        ids.append(prefix + name)
    for name, group in members.get("groups", {}).items():
        inner = _with_milestones(group, f"{prefix}{name}.", scope, edges)
        edges[f"{prefix}{name}:begin"] = {f"{scope[each]}:end" for each in group["depends_on"]}
        for task_id in inner:
            edges[task_id].add(f"{prefix}{name}:begin")
        edges[f"{prefix}{name}:end"] = set(inner)
        ids += inner
    return ids


@given(grouped())
def test_the_order_is_that_of_groups_with_a_begin_and_an_end(members: dict[str, Any]) -> None:
    graph = Graph.of(parse_definition({"dag_id": "d", **members}).tasks)
    edges: dict[str, set[str]] = {}
    _with_milestones(members, "", {}, edges)
    index = {name: position for position, name in enumerate(edges)}
    expected = ancestors([sorted(index[each] for each in before) for before in edges.values()])
    sets = ancestors(graph.upstream)
    for task, task_id in enumerate(graph.task_ids):
        before = {other for position, other in enumerate(graph.task_ids) if sets[task] >> position & 1}
        assert before == {other for other in graph.task_ids if expected[index[task_id]] >> index[other] & 1}
