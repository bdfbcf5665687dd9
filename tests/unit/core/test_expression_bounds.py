"""The worst that an expression can ask for ends soon, with an error and within memory."""

import time
from typing import Any

import pytest

from mainspring.errors import ExpressionError
from mainspring.expressions import RESULT_BYTES_MAX, Expression

CPU_SECONDS_MAX = 1.5
ROWS = [{"id": index, "name": f"row {index}", "parts": [index, index + 1]} for index in range(10_000)]
CONTEXT: dict[str, Any] = {
    "params": {"rows": ROWS, "text": "a" * 1_000_000, "few": list(range(300)), "bits": [1] * 50_000}
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("params.rows.map(x, params.rows.map(y, x.id * y.id)).size()", id="a product of lists"),
        pytest.param("params.rows.all(x, params.rows.all(y, x.id * y.id >= 0))", id="a product of conditions"),
        pytest.param("params.rows.exists(x, params.rows.exists(y, y.absent == 1) || false)", id="errors within"),
        pytest.param("params.bits.filter(x, true).size()", id="a long filter"),
        pytest.param("params.few.map(x, params.rows).size()", id="a list of long lists"),
        pytest.param("params.few.map(x, params.text).size()", id="a list of long texts"),
        pytest.param("params.few.map(x, params.few.map(y, params.few)).size()", id="cubes"),
        pytest.param("+".join(["params.text"] * 150) + " == ''", id="a long sum of texts"),
        pytest.param("[" + ",".join(["params.text"] * 150) + "].size()", id="copies"),
        pytest.param(
            "[1,1,1,1,1,1,1,1]" + ".map(x, [x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x])" * 8 + ".size()",
            id="growth by loops",
        ),
        pytest.param("params.text.matches('((a{1,50}){1,50}b?)*c')", id="a slow pattern"),
        pytest.param("params.few.all(x, !params.text.matches('(a|aa)*b'))", id="a pattern for each element"),
        pytest.param("params.few.all(x, params.rows == params.rows)", id="a comparison for each element"),
        pytest.param(
            "params.bits.all(x, x in params.bits || true) && params.bits.all(x, 2 in params.bits || true)",
            id="searches",
        ),
        pytest.param("(" * 900 + "1" + ")" * 900, id="deep brackets"),
        pytest.param("[" * 900 + "]" * 900, id="deep lists"),
        pytest.param("-" * 1_899 + "'a'", id="many signs"),
    ],
)
def test_work_beyond_the_bounds_is_refused_in_time(text: str) -> None:
    expression = Expression(text)
    started = time.thread_time()
    with pytest.raises(ExpressionError):
        expression.evaluate(CONTEXT)
    assert time.thread_time() - started < CPU_SECONDS_MAX


def test_too_much_work_says_so_and_where_to_do_it() -> None:
    with pytest.raises(ExpressionError, match="more work than an expression may do; do it in a task of type python"):
        Expression("params.rows.map(x, params.rows.map(y, x.id * y.id))").evaluate(CONTEXT)


def test_work_that_is_given_up_is_an_error_even_where_another_operand_would_do() -> None:
    with pytest.raises(ExpressionError, match="more work than"):
        Expression("params.rows.all(x, params.rows.all(y, y.id >= 0)) || true").evaluate(CONTEXT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("params.rows.exists(r, r.name == 'row 9999')", True, id="a search in ten thousand rows"),
        pytest.param("params.rows.filter(r, r.id % 5000 == 0).map(r, r.id)", [0, 5000], id="a filter of ten thousand"),
        pytest.param("params.few.map(x, x * 2).size()", 300, id="a map of some hundred"),
        pytest.param("params.few.all(x, params.few.exists(y, y == x))", True, id="a product of some hundred"),
        pytest.param("params.text.contains('b')", False, id="a search in a megabyte"),
    ],
)
def test_honest_work_is_within_the_bounds(text: str, value: Any) -> None:
    assert Expression(text).evaluate(CONTEXT) == value


def test_a_result_is_bounded_as_json() -> None:
    assert Expression("params.v").evaluate({"params": {"v": "x" * (RESULT_BYTES_MAX - 2)}})
    with pytest.raises(ExpressionError, match=f"{RESULT_BYTES_MAX + 1} bytes as JSON; at most {RESULT_BYTES_MAX}"):
        Expression("params.v").evaluate({"params": {"v": "x" * (RESULT_BYTES_MAX - 1)}})
