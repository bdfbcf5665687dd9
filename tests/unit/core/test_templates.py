import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given

from mainspring.errors import ExpressionError, InvalidInput
from mainspring.expressions import Expression, Template
from tests.services.environment import child_environment
from tests.unit.strategies import json_values

CONTEXT: dict[str, Any] = {
    "params": {"n": 1, "x": 1.0, "l": ["a", None], "m": {"k": "ü"}, "t": True},
    "ds": "2026-01-01",
}


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        pytest.param("${{ params.n }}", 1, id="exactly one expression keeps its type"),
        pytest.param("${{params.l}}", ["a", None], id="a list too"),
        pytest.param(" ${{ params.n }}", " 1", id="a space makes it text"),
        pytest.param("${{ params.n }}${{ params.n }}", "11", id="two expressions are text"),
        pytest.param("n=${{ params.n }} x=${{ params.x }}", "n=1 x=1.0", id="numbers in JSON spelling"),
        pytest.param("${{ params.t }}/${{ params.l[1] }}", "true/null", id="true and null in JSON spelling"),
        pytest.param(
            "l=${{ params.l }} m=${{ params.m }}", 'l=["a",null] m={"k":"ü"}', id="containers in JSON spelling"
        ),
        pytest.param("day ${{ ds }}", "day 2026-01-01", id="strings as they are"),
        pytest.param("$${{ ds }}", "${{ ds }}", id="an escape"),
        pytest.param("$${{ ${{ ds }}", "${{ 2026-01-01", id="an escape before an expression"),
        pytest.param("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}, id="braces of CEL"),
        pytest.param("${{ '}}' + \"${{\" }}", "}}${{", id="braces in strings"),
        pytest.param("$ {{ }} $1 $$ {{x}}", "$ {{ }} $1 $$ {{x}}", id="what only looks like it"),
        pytest.param(
            {"a": ["${{ ds }}", 1, None, {"b": "x"}]}, {"a": ["2026-01-01", 1, None, {"b": "x"}]}, id="a tree"
        ),
    ],
)
def test_templates_render(source: Any, rendered: Any) -> None:
    result = Template(source).render(CONTEXT)
    assert result == rendered
    assert type(result) is type(rendered)


@given(json_values)
def test_a_constant_template_is_its_source_itself(source: Any) -> None:
    template = Template(source)
    assert template.is_constant
    assert template.render({}) is source
    assert template.names == template.task_references == frozenset()


def test_a_template_tells_what_it_names() -> None:
    template = Template({"a": "${{ params.n }} ${{ tasks.load.state }}", "b": ["${{ tasks['x-1'].outputs.y }}"]})
    assert not template.is_constant
    assert template.names == {"params", "tasks"}
    assert template.task_references == {"load", "x-1"}


def test_every_bad_expression_of_a_tree_is_told_with_its_pointer() -> None:
    with pytest.raises(InvalidInput) as caught:
        Template({"a/b": ["ok", "${{ nope }}"], "c": "${{ 1", "d": "${{ params.n }}"})
    assert [problem.pointer for problem in caught.value.problems] == ["/a~1b/1", "/c"]
    assert "is not closed" in caught.value.problems[1].message


def test_check_finds_what_cel_cannot_parse_with_its_pointer() -> None:
    problems = Template({"a": "${{ params.n }}", "b": ["x ${{ 1 + }}"]}).check()
    assert [(problem.pointer, problem.code) for problem in problems] == [("/b/0", "expression_syntax")]


def test_a_rendered_tree_is_bounded_as_a_whole() -> None:
    template = Template(["${{ params.v }}"] * 3)
    with pytest.raises(ExpressionError, match="at most 262144 are allowed"):
        template.render({"params": {"v": "x" * 100_000}})


def test_expressions_and_templates_are_equal_by_what_is_written() -> None:
    assert Template({"a": "${{ ds }}"}) == Template({"a": "${{ ds }}"})
    assert Template("a") != Template("b")
    assert Expression("ds") == Expression("ds") != Expression("${{ ds }}")


@pytest.mark.parametrize("text", ["${{ ds }} and more", "${{ ds", "${{ ds }}}}"])
def test_an_expression_is_nothing_but_one_expression(text: str) -> None:
    with pytest.raises(InvalidInput):
        Expression(text)


def test_plain_paths_and_constants_never_import_the_expression_library() -> None:
    program = (
        "import sys\n"
        "from mainspring.expressions import Expression, Template\n"
        "Template({'a': 'x', 'b': ['${{ params.n }}']}).render({'params': {'n': 1}})\n"
        "assert Expression('tasks.a.outputs.b[0]').check() is None\n"
        "assert 'cel' not in sys.modules\n"
        "Expression('params.n + 1').evaluate({'params': {'n': 1}})\n"
        "assert 'cel' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment(), check=True, timeout=60)
