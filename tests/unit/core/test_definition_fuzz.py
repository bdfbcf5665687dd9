"""Whatever is sent, the answer is a definition or a list of problems with places."""

import json
from copy import deepcopy
from typing import Any, Literal

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.definition import json_schema, load_stored, parse_definition
from mainspring.errors import InvalidDag
from mainspring.graph import Graph
from mainspring.pointers import split_pointer
from tests.unit.core.test_definition import DOCUMENT
from tests.unit.strategies import json_values

WORDS = st.sampled_from(
    [
        "type",
        "shell",
        "python",
        "wait",
        "branch",
        "a",
        "a b",
        "${{ tasks.clean.state }}",
        "${{ 1",
        "PT1H",
        "5",
        "tasks.x",
    ]
)
VALUES = json_values | WORDS | st.dictionaries(WORDS, WORDS, max_size=3) | st.lists(WORDS, max_size=3)
GROUPED: dict[str, Any] = {
    **DOCUMENT,
    "groups": {
        "a": {
            "depends_on": ["clean"],
            "default_args": {"retries": 2},
            "tasks": {"x": {"type": "noop"}, "y": {"type": "shell", "command": ["y"], "depends_on": ["x", "b"]}},
            "groups": {"b": {"prefix_group_id": False, "tasks": {"z": {"type": "noop", "depends_on": ["x", "tell"]}}}},
        },
    },
}
SCHEMA = jsonschema_rs.Draft202012Validator(json_schema())


@st.composite
def damaged_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A right document in which some values were replaced, removed or added."""
    document = deepcopy(draw(st.sampled_from([DOCUMENT, GROUPED])))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is not None and isinstance(place[key], (dict, list)) and draw(st.booleans()):
                place = place[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "add"]))
            if change == "add" and isinstance(place, dict):
                place[draw(WORDS)] = draw(VALUES)
            elif change == "add":
                place.append(draw(VALUES))
            elif key is not None and change == "remove":
                del place[key]
            elif key is not None:
                place[key] = draw(VALUES)
            break
    return document


def _check_problems(document: Any, error: InvalidDag) -> None:
    """Each place is in the document, or is a key of an object in it that is missing or wrong."""
    for problem in error.problems:
        value = document
        for key in split_pointer(problem.pointer):
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise AssertionError(f"there is no {problem.pointer}: {problem.message}")
        assert problem.message
        assert problem.code != "invalid"


@settings(max_examples=400)
@given(damaged_documents())
def test_a_damaged_document_is_told_where_or_is_right_after_all(document: dict[str, Any]) -> None:
    try:
        definition = parse_definition(document)
    except InvalidDag as exc:
        _check_problems(document, exc)
        return
    assert load_stored(json.loads(json.dumps(definition.document))) == definition
    assert len(Graph.of(definition.tasks).order) == len(definition.tasks)
    SCHEMA.validate(document)


@given(json_values)
def test_any_json_is_answered(value: Any) -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(json.dumps(value))
    _check_problems(value, caught.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_answered(data: bytes) -> None:
    media: Literal["json", "yaml"]
    for media in ("json", "yaml"):
        with pytest.raises(InvalidDag):
            parse_definition(data, media=media)


@given(st.text("ab:-*&!|>[]{},#'\"\n \t?%@1", max_size=60))
def test_any_yaml_is_answered_with_lines_that_exist(text: str) -> None:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(text, media="yaml")
    lines = text.count("\n") + 1
    assert all(problem.line is None or 1 <= problem.line <= lines for problem in caught.value.problems)


@settings(max_examples=200)
@given(st.text("${}abt.ks[]'\"()+,:/ \n\\0map1", max_size=40))
def test_any_expression_is_answered(text: str) -> None:
    document = {"dag_id": "d", "tasks": {"a": {"type": "shell", "command": ["x", "${{" + text], "when": text}}}
    try:
        parse_definition(document)
    except InvalidDag as exc:
        _check_problems(document, exc)
