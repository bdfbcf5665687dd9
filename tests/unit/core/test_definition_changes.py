"""The difference between two definitions."""

from typing import Any

import pytest

from mainspring.definition.changes import compare_definitions, compare_texts, summarise

NOOP = {"type": "noop"}
BASE: dict[str, Any] = {
    "dag_id": "etl",
    "schedule": "0 5 * * *",
    "params": {"type": "object", "properties": {"rows": {"type": "integer"}}},
    "tasks": {"a": NOOP, "b": {**NOOP, "depends_on": ["a"], "retries": 1}},
    "outputs": {"rows": "${{ params.rows }}"},
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"schedule": "0 6 * * *"}, [("change", "schedule", "/schedule", None)]),
        ({"max_active_runs": 1}, [("add", "limits", "/max_active_runs", None)]),
        *(({name: "x"}, [("add", "limits", f"/{name}", None)]) for name in (
            "run_state", "fail_fast", "deadline", "dagrun_timeout", "notify", "retention", "is_paused_upon_creation",
        )),
        *(({name: "x"}, [("add", "text", f"/{name}", None)]) for name in (
            "tags", "owners", "description", "doc_md", "dag_display_name",
        )),
        ({"x-team": 1}, [("add", "text", "/x-team", None)]),
        ({"outputs": {}}, [("remove", "outputs", "/outputs/rows", None)]),
        (
            {"params": {"type": "object", "additionalProperties": False, "properties": {"days": {}}}},
            [
                ("add", "params", "/params/additionalProperties", None),
                ("remove", "params", "/params/properties/rows", None),
                ("add", "params", "/params/properties/days", None),
            ],
        ),
        ({"params": {"properties": True}}, [("remove", "params", "/params/type", None)]),
        (
            {"tasks": {"c": NOOP, "a": NOOP}},
            [("add", "task", "/tasks/c", "c"), ("remove", "task", "/tasks/b", "b")],
        ),
        (
            {"tasks": {"a": {**NOOP, "doc_md": "x"}, "b": {"type": "shell", "command": ["true"], "retries": 2}}},
            [
                ("add", "text", "/tasks/a/doc_md", "a"),
                ("remove", "edge", "/tasks/b/depends_on", "b"),
                ("change", "task", "/tasks/b/type", "b"),
                ("change", "limits", "/tasks/b/retries", "b"),
                ("add", "task", "/tasks/b/command", "b"),
            ],
        ),
        ({"default_args": {"retries": 1}, "tasks": {"a": NOOP, "b": {**NOOP, "depends_on": ["a"]}}},
         [("add", "limits", "/tasks/a/retries", "a")]),
    ],
)  # fmt: skip
def test_each_difference_has_its_kind_and_place(changed: dict[str, Any], expected: list[Any]) -> None:
    changes = compare_definitions(BASE, {**BASE, **changed})
    assert [(change.op, change.kind, change.path, change.task_id) for change in changes] == expected


def test_a_comparison_with_nothing_adds_or_removes_everything() -> None:
    assert {change.op for change in compare_definitions(None, BASE)} == {"add"}
    assert {change.op for change in compare_definitions(BASE, None)} == {"remove"}


def test_a_long_value_is_cut() -> None:
    change = compare_definitions(BASE, {**BASE, "doc_md": "x" * 100_000})[0]
    assert len(change.new_value) <= 4_000


def test_a_summary_is_short() -> None:
    assert summarise(None, BASE) == "first version, 2 tasks"
    assert summarise(BASE, BASE) == "no change of meaning"
    assert summarise(BASE, {**BASE, "schedule": "0 6 * * *"}) == 'schedule "0 5 * * *" → "0 6 * * *"'
    many = {**BASE, "tasks": {f"task_{'x' * 200}_{n}": NOOP for n in range(1_000)}}
    assert len(summarise(BASE, many)) <= 300
    assert summarise(BASE, many).endswith("; and 1001 more")


def test_texts_are_compared_by_lines() -> None:
    assert compare_texts("a\nb\n", "a\nb\n", old_name="1", new_name="2") == ""
    assert compare_texts("a\nb\n", "a\nc\n", old_name="1", new_name="2").splitlines()[-3:] == [" a", "-b", "+c"]


def test_large_texts_are_compared_without_delay() -> None:
    old = "first\n" + "".join(f"{n % 7}\n" for n in range(200_000))
    new = "first\n" + "".join(f"{n % 11}\n" for n in range(200_000))
    diff = compare_texts(old, new, old_name="1", new_name="2")
    assert diff.startswith("--- 1\n+++ 2\n@@ -9,")
