"""What an expression may say, and what it yields: the same as CEL alone would, in JSON."""

import re
import subprocess
import sys
from functools import partial
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.errors import ExpressionError, InvalidInput
from mainspring.expressions import ROOTS, Expression
from mainspring.expressions.arithmetic import apply_operator
from mainspring.expressions.operators import CALLS
from mainspring.expressions.syntax import analyse
from tests.services.environment import child_environment
from tests.unit.strategies import cel_texts, json_values

CONTEXT: dict[str, Any] = {
    "params": {"n": 3, "x": 1.5, "s": "hi", "none": None, "yes": True, "l": [3, 1, 2], "m": {"a": 1, "b-c": [7]}},
    "conf": {"k": "v"},
    "ds": "2026-01-01",
    "try_number": 2,
    "tasks": {
        "load": {"outputs": {"rows": [{"id": 1}, {"id": 2}]}, "state": "success"},
        "b-1": {"outputs": {}, "state": "skipped"},
        "other": {"outputs": {"secret": 1}, "state": "success"},
    },
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("params.n", 3),
        ("params['m'].b-c", None),
        ('params.m["b-c"][0]', 7),
        ("params.n + 1", 4),
        ("params.x * 2.0", 3.0),
        ("params.s + '!'", "hi!"),
        ("params.none == null", True),
        ("params.n > 2 && params.yes ? 'big' : 'small'", "big"),
        ("has(params.absent)", False),
        ("has(params.s)", True),
        ("{'b': params.n, 'a': [params.s]}", {"a": ["hi"], "b": 3}),
        ("params.l.map(x, x * 2)", [6, 2, 4]),
        ("params.l.map(x, x > 1, x * 2)", [6, 4]),
        ("params.l.filter(x, x >= 2)", [3, 2]),
        ("params.l.all(x, x > 0) && params.l.exists(x, x == 3) && params.l.exists_one(x, x < 2)", True),
        ("params.l.map(x, params.l.map(y, x * y))", [[9, 3, 6], [3, 1, 2], [6, 2, 4]]),
        ("params.m.map(key, key).size()", 2),
        ("params.l.map(x, x // the value\n)", [3, 1, 2]),
        ("tasks.load.outputs.rows.map(r, r.id)", [1, 2]),
        ("tasks['b-1'].state == 'skipped' && !has(tasks['b-1'].outputs.rows)", True),
        ("timestamp(ds + 'T00:00:00Z') + duration('36h')", "2026-01-02T12:00:00Z"),
        ("duration('90m')", "PT1H30M"),
        ("params.s.matches('^h.$')", True),
        ("string(params.n) + ds", "32026-01-01"),
        ("3 in params.l", True),
        ("1 // a comment with }} and 'a quote", 1),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_expression_yields_json(text: str, value: Any) -> None:
    if text == "params['m'].b-c":  # reads as a subtraction, as in CEL
        with pytest.raises(InvalidInput, match="unknown name 'c'"):
            Expression(text)
        return
    assert Expression(text).evaluate(CONTEXT) == value
    assert Expression("${{ " + text + "\n}}").evaluate(CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("parms.n", "unknown_name", r"unknown name 'parms'.*did you mean 'params'"),
        ("x", "unknown_name", "known names: conf, dag_id"),
        ("params.l.mapp(x, x)", "unknown_function", r"unknown method 'mapp'.*did you mean 'map'"),
        ("sizeof(params.l)", "unknown_function", "unknown function 'sizeof'"),
        ("_step()", "unknown_function", "unknown function '_step'"),
        ("_keep", "unknown_name", "unknown name '_keep'"),
        ("params.l.map(_x, 1)", "expression_syntax", "loop variable cannot be named '_x'"),
        ("params.l.map(ds, 1)", "expression_syntax", "loop variable cannot be named 'ds'"),
        ("params.l.map(x)", "expression_syntax", r"map\(\) takes a variable and an expression"),
        ("params.l.all(x, x, x)", "expression_syntax", r"all\(\) takes a variable"),
        ("params.l.map(1, x)", "unknown_name", "unknown name 'x'"),
        (".params", "expression_syntax", "cannot begin with '.'"),
        ("tasks", "task_reference", "'tasks' must be followed by a literal task id"),
        ("tasks[params.s].state", "task_reference", "must be followed by a literal task id"),
        ("tasks['a' + 'b'].state", "task_reference", "must be followed by a literal task id"),
        (r"tasks['\x61'].state", "task_reference", "must be followed by a literal task id"),
        ("size(tasks)", "task_reference", "must be followed by a literal task id"),
        ("tasks.map(t, t)", "task_reference", "must be followed by a literal task id"),
        ("tasks.load", "task_reference", "must come .outputs, .state, .exit_code, .reason or .message"),
        ("tasks.load-1.outputs.x", "task_reference", "after task 'load' must come"),
        ("tasks.load.log", "task_reference", "after task 'load' must come"),
        ("1u", "expression_syntax", "unsigned number 1u"),
        ("b'x'", "expression_syntax", "bytes b'x'"),
        ("params.n ` 1", "expression_syntax", "cannot be read at '` 1'"),
        ("'not closed", "expression_syntax", "cannot be read at"),
        ("(1))", "expression_syntax", "closes nothing"),
        ("[1)", "expression_syntax", "closes nothing"),
        ("1" + " " * 2_000, None, None),
        ("'" + "x" * 2_000 + "'", "expression_too_long", "2002 characters; at most 2000"),
        ("[1].map(a, [1].map(b, [1].map(c, 1)))", "expression_too_complex", "nested deeper than 2"),
        (" + ".join(["[1].map(a, a)"] * 9), "expression_too_complex", "more than 8 loops"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_could_not_be_checked_is_refused_when_it_is_read(text: str, code: str | None, message: str) -> None:
    if code is None:  # space around an expression does not count
        assert Expression(text).evaluate({}) == 1
        return
    with pytest.raises(InvalidInput, match=f"(?s){message}") as caught:
        Expression(text)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("text", ["1 +", "", "params.n params.n", "var", "params.in", "params.", "'\\z'", "[1,"])
def test_what_cel_cannot_parse_is_found_by_check_with_the_parsers_own_words(text: str) -> None:
    try:
        expression = Expression(text)
    except InvalidInput:
        return  # found earlier
    problem = expression.check()
    assert problem is not None
    assert problem.code == "expression_syntax"
    assert "<input>" not in problem.message
    with pytest.raises(ExpressionError):
        expression.evaluate(CONTEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params.absent", "no such key params.absent; give it a default, or guard it with has(params.absent)"),
        ("params.absent + 1", "no such key 'absent'; give it a default, or guard it with has(...)"),
        ("params.n.deep", "params.n has no member 'deep': it is an int"),
        ("params.l[3]", "index 3 is out of bounds: the list has 3 items"),
        ("map.region", "'map' has no value here"),
        ("params.x + params.s", "CEL never converts types by itself"),
        ("params.n / 0", "division by zero"),
        ("1.0 / 0.0", "the result is inf, which is no JSON number"),
        ("{1: 2}", "keys that are no strings"),
        (r"'\u0000'", "U+0000"),
        ("duration('1s') - duration('2s')", "has no JSON form"),
        ("9223372036854775807 + 1", "Arithmetic overflow"),
        ("params.s.matches('(?=x)')", "not a valid regex"),
        ("tasks.other.outputs.absent", "no such key tasks.other.outputs.absent"),
    ],
)
def test_a_failed_evaluation_names_the_expression_the_cause_and_the_cure(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(message)) as caught:
        Expression(text).evaluate(CONTEXT)
    assert str(caught.value).startswith(f"expression {text!r}: ")


def test_an_integer_beyond_64_bits_is_handed_on_but_never_silently_rounded() -> None:
    context = {"params": {"big": 2**70}}
    assert Expression("params.big").evaluate(context) == 2**70
    with pytest.raises(ExpressionError, match="beyond 64 bits; hand it over as a string"):
        Expression("params.big == 1").evaluate(context)


def test_an_evaluation_is_handed_only_what_it_names() -> None:
    class Watched(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            assert key != "other"
            return super().__getitem__(key)

    context = CONTEXT | {"tasks": Watched(CONTEXT["tasks"])}
    assert Expression("size(tasks.load.outputs.rows) + 0").evaluate(context) == 2


def test_references_are_the_tasks_and_roots_that_are_really_named() -> None:
    expression = Expression(
        "tasks.load.state + tasks ['b-1'] . state + 'tasks.no.state' + params.tasks.x // tasks.never.state"
    )
    assert expression.task_references == {"load", "b-1"}
    assert expression.names == {"tasks", "params"}


@settings(max_examples=300)
@given(cel_texts())
def test_no_name_that_cel_sees_is_missed(text: str) -> None:
    analysis = analyse(text)
    assert set(cel.compile(text).variables()) - {"x"} <= analysis.names <= ROOTS
    assert (analysis.names & {"tasks"} != set()) == bool(analysis.task_references)


@settings(max_examples=300)
@given(cel_texts())
def test_metering_does_not_change_what_an_expression_yields(text: str) -> None:
    def evaluate(source: str) -> Any:
        functions = {"_step": lambda: True, "_keep": lambda value: value, "_pattern": lambda pattern: pattern}
        functions |= {"_size": len} | {name: partial(apply_operator, sign) for sign, name in CALLS.items()}
        try:
            return cel.compile(source).execute(cel.Context({"params": {"a": 1}, "ds": "d", "vars": {}}, functions))
        except Exception as exc:
            return type(exc)

    analysis, result = analyse(text), evaluate(text)
    assert evaluate(analysis.metered) == result
    if analysis.mixed is not None and not isinstance(result, type):
        assert evaluate(analysis.mixed) == result


@given(json_values, st.sampled_from(["params.v", "params['v']", 'params["v"]', "params . v"]))
def test_a_plain_path_yields_the_value_itself(value: Any, text: str) -> None:
    assert Expression(text).evaluate({"params": {"v": value}}) == value


@given(json_values)
def test_json_survives_cel_with_its_types(value: Any) -> None:
    result = Expression("true ? params.v : params.v").evaluate({"params": {"v": value}})
    assert result == value
    assert repr(_sorted(result)) == repr(_sorted(value))


def _sorted(value: Any) -> Any:
    """With the keys of every map in order; the types of equal numbers then show in the text."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_the_library_comes_without_its_command_line() -> None:
    code = (
        "import sys\n"
        "from mainspring.expressions.evaluation import compile_error\n"
        "assert compile_error('1 + 1') is None\n"
        "assert not {'prompt_toolkit', 'rich', 'typer', 'cel.cli'} & sys.modules.keys()\n"
        "import cel.cli\n"
        "assert cel.cli.__file__\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=child_environment())
