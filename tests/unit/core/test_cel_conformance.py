"""What CEL gives for each kind of expression, and where Mainspring differs on purpose.

The cases are our own, along the sections of the language definition. `docs/expressions.md` states the differences.
"""

from typing import Any

import pytest

from mainspring.errors import ExpressionError, InvalidInput
from mainspring.expressions import Expression

CONTEXT: dict[str, Any] = {
    "params": {"i": 2, "d": 2.5, "w": 2.0, "s": "äb🎉", "l": [1, 2, 3], "m": {"k": 1, "n": None}, "t": True, "e": []}
}

AS_CEL = [
    # literals
    ("1", 1), ("0x1F", 31), ("1e3", 1000.0), (".5", 0.5), ("-3", -3), ("true", True), ("null", None), ("'a'", "a"),
    ("\"a\"", "a"), ("r'\\n'", "\\n"), ("'\\n'", "\n"), ("'\\u00e9'", "é"), ("'''a'b'''", "a'b"),
    ("[1, 'a']", [1, "a"]),
    ("{'a': [1]}", {"a": [1]}), ("[]", []), ("{}", {}), ("-9223372036854775808", -(2**63)),
    # arithmetic of one type
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 - 2 - 1", 4), ("7 / 2", 3), ("-7 / 2", -3), ("7 % 3", 1), ("-7 % 3", -1),
    ("7.0 / 2.0", 3.5), ("1.5 + 1.5", 3.0), ("-params.i", -2), ("--1", 1), ("'a' + 'b'", "ab"), ("[1] + [2]", [1, 2]),
    # comparisons across the kinds of numbers
    ("1 == 1.0", True), ("1 < 1.5", True), ("2.0 >= 2", True), ("1 != 2.0", True), ("[1] == [1.0]", True),
    ("{'a': 1} == {'a': 1.0}", True), ("1 == '1'", False), ("null == null", True), ("'a' < 'b'", True),
    ("'e\u0301' == 'é'", False), ("true == true", True), ("2 in [1.0, 2.0]", True), ("'k' in params.m", True),
    ("'x' in params.m", False), ("'' in ['a']", False),
    # logic forgives an error on the side that does not decide
    ("true || 1 / 0 == 1", True), ("1 / 0 == 1 || true", True), ("false && 1 / 0 == 1", False),
    ("1 / 0 == 1 && false", False), ("!true", False), ("true ? 1 : 1 / 0", 1), ("false ? 1 / 0 : 2", 2),
    # texts
    ("size('äb🎉')", 3), ("'äb🎉'.size()", 3), ("size(params.s)", 3), ("params.s.size()", 3), ("size('')", 0),
    ("size(params.s + 'é')", 4), ("(params.s + 'é').size()", 4), ("'ab'.contains('')", True),
    ("params.s.startsWith('ä')", True), ("params.s.endsWith('🎉')", True), ("'abc'.matches('b')", True),
    ("'abc'.matches('^b')", False), ("['ä', 'bb'].map(x, size(x))", [1, 2]), ("['ä', 'bb'].map(x, x.size())", [1, 2]),
    # lists and maps
    ("size(params.l)", 3), ("params.l.size()", 3), ("size(params.m)", 2), ("size([])", 0), ("params.l[0]", 1),
    ("params.m['k']", 1), ("params.m.k", 1), ("size(params.l.filter(x, x > 1))", 2), ("size(params.t ? 'é' : 'ab')", 1),
    ("size(params.t ? 'é' : params.l.map(x, x))", 1),
    # macros
    ("has(params.m.k)", True), ("has(params.m.n)", True), ("has(params.m.x)", False), ("params.l.all(x, x > 0)", True),
    ("params.e.all(x, x > 0)", True), ("params.l.exists(x, x == 3)", True), ("params.e.exists(x, true)", False),
    ("params.l.exists_one(x, x > 2)", True), ("params.l.exists_one(x, x > 1)", False),
    ("params.l.map(x, x > 1, x * 2)", [4, 6]), ("params.m.map(k, k).size()", 2), ("params.m.all(k, k != '')", True),
    # conversions
    ("int('5')", 5), ("int(5.9)", 5), ("int(-5.9)", -5), ("double('1.5')", 1.5), ("double(3)", 3.0), ("string(2)", "2"),
    ("string(1.5)", "1.5"), ("string('a')", "a"),
    # time
    ("timestamp('2026-01-01T00:00:00Z') + duration('36h')", "2026-01-02T12:00:00Z"),
    ("timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z')", "P1D"),
    ("timestamp('2026-03-05T07:08:09Z').getFullYear()", 2026), ("timestamp('2026-03-05T07:08:09Z').getMonth()", 2),
    ("timestamp('2026-03-05T07:08:09Z').getDate()", 5), ("timestamp('2026-03-05T07:08:09Z').getDayOfMonth()", 4),
    ("timestamp('2026-03-05T07:08:09Z').getHours()", 7), ("duration('1h30m') == duration('90m')", True),
    ("timestamp('2026-01-01T01:00:00+01:00') == timestamp('2026-01-01T00:00:00Z')", True),
]  # fmt: skip

BEYOND_CEL = [
    # CEL has no such operation; JSON has one kind of number
    ("params.i + 1.5", 3.5), ("params.w + 1", 3.0), ("params.d + 1", 3.5), ("params.d - 1", 1.5),
    ("1 - params.d", -1.5),
    ("params.i * 0.5", 1.0), ("params.d * 2", 5.0), ("params.i / 4.0", 0.5), ("params.w / 4", 0.5),
    ("params.d / 2", 1.25),
    ("params.i + params.d * params.i - 1", 6.0), ("-params.i * 0.5 + 1", 0.0), ("(params.i + 1.5) * 2", 7.0),
    ("params.l.map(x, x * 0.5)", [0.5, 1.0, 1.5]), ("params.l.filter(x, x * 0.5 > 1).size()", 1),
    ("params.l.map(x, x > 1, x + 0.5)", [2.5, 3.5]), ("params.i > 1 ? params.d + 1 : 0", 3.5),
    ("{'a': params.i * 1.5, 'b': [params.d - 1]}", {"a": 3.0, "b": [1.5]}), ("size(params.s) * 0.5", 1.5),
    ("params.i + 1 > 2.5 && params.d * 2 > 4", True), ("7 / 2 + 0.5", 3.5), ("-7 / 2 + 0.5", -2.5),
    # a key that comes twice is an error in CEL
    ("{'a': 1, 'a': 2}", {"a": 2}),
]  # fmt: skip

REFUSED = [
    # as in CEL
    "1 / 0", "1 % 0", "9223372036854775807 + 1", "'a' + 1", "params.i + 'a'", "params.t + 1", "[1] + 1", "1.5 % 1.0",
    "params.l[3]", "params.m.x", "null + 1", "size(1 + 1)", "params.d * 'a'", "9223372036854775807 + 1 + 0.5",
    # CEL knows these
    "1u", "b'a'", "type(1)", "bool('true')", "dyn(1)", "uint(1)", "bytes('a')", "string(true)", "int(true)",
    "params.l[1.0]", "1.0 / 0.0", "{1: 2}", "-duration('1s')", "1 / 0.0",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), AS_CEL + BEYOND_CEL)
def test_an_expression_gives(text: str, value: Any) -> None:
    result = Expression(text).evaluate(CONTEXT)
    assert (result, type(result)) == (value, type(value))
    again = Expression(f"[{text}]").evaluate(CONTEXT)
    assert again == [value]


@pytest.mark.parametrize("text", REFUSED)
def test_an_expression_is_refused(text: str) -> None:
    with pytest.raises((InvalidInput, ExpressionError)):
        Expression(text).evaluate(CONTEXT)


def test_brackets_that_are_nested_deeply_stay_as_they_are() -> None:
    depth = 60
    assert Expression("(" * depth + "params.i + 1" + ")" * depth).evaluate(CONTEXT) == 3
