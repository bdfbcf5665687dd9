"""Which secrets an attempt may open."""

from typing import Any

import pytest

from mainspring.definition.secret_names import secret_names, secrets_to_open
from mainspring.errors import ExpressionError
from mainspring.expressions import Template

VICTIM = {"secret": "victim"}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({"env": {"X": "${{ params.x }}"}}, id="env"),
        pytest.param({"env": {"X": "${{ {'secret': 'victim'} }}"}}, id="an object of the expression itself"),
        pytest.param({"env": {"X": {"secret": "mine"}, "Y": "${{ params.x }}"}}, id="beside a literal"),
        pytest.param({"headers": {"X": "${{ params.x }}"}}, id="headers"),
        pytest.param({"query": {"x": "${{ params.x }}"}}, id="query"),
        pytest.param({"query": {"x": ["a", "${{ params.x }}"]}}, id="item of a query"),
        pytest.param({"query": {"x": "${{ [params.x] }}"}}, id="item of a rendered list"),
        pytest.param({"command": ["echo", "${{ params.x }}"]}, id="argument"),
        pytest.param({"url": "${{ params.x }}"}, id="url"),
        pytest.param({"body": "${{ params.x }}"}, id="body"),
        pytest.param({"working_dir": "${{ params.x }}"}, id="working_dir"),
    ],
)
def test_an_object_that_an_expression_gives_is_refused_at_a_place_for_text(written: dict[str, Any]) -> None:
    rendered = Template(written).render({"params": {"x": VICTIM}})
    with pytest.raises(ExpressionError, match="never by an expression"):
        secrets_to_open(written, rendered)


def test_the_name_of_another_object_is_refused_too() -> None:
    with pytest.raises(ExpressionError, match=r"^env/X: "):
        secrets_to_open({"env": {"X": "${{ params.x }}"}}, {"env": {"X": {"secret": "victim", "more": 1}}})


def test_only_literals_are_opened() -> None:
    written = {"env": {"A": {"secret": "mine"}, "B": "${{ params.b }}", "C": "${{ params.c }}"}}
    rendered = Template(written).render({"params": {"b": "text", "c": [VICTIM]}})
    assert secrets_to_open(written, rendered) == secrets_to_open(written, written) == {"mine"}
    assert secret_names({"env": {"A": VICTIM}, "http": {"headers": {"B": {"secret": "other"}}}}) == {"victim", "other"}


def test_values_that_keep_their_type_may_be_objects() -> None:
    written = {"kwargs": {"x": "${{ params.x }}"}, "inputs": "${{ params.x }}", "json": "${{ params.x }}"}
    assert secrets_to_open(written, Template(written).render({"params": {"x": VICTIM}})) == frozenset()
