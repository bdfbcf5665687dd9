"""Every code that an error can have stands in docs/errors.md, and nothing else does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring_api.problems import TITLES
from tests.api.harness import documented_codes

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("core", "store", "api") for path in sorted((ROOT / folder).rglob("*.py"))]


def codes_in_source() -> set[str]:
    """Text given for a parameter, or in a field, that is called `code`, and pairs of a code and a message."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    positions = dict(entry for tree in trees for entry in _callables_with_code(tree))
    found = set()
    for tree in trees:
        # A name that is private to its module may mean something else in another one.
        near = {**positions, **dict(_callables_with_code(tree))}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found |= {value for each in _given(node, near) if (value := _text(each))}
            elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                found |= {value for each in node.value.elts[:1] if (value := _text(each))}
            elif isinstance(node, ast.FunctionDef):
                found |= {value for each in _defaults(node) if (value := _text(each))}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "code":
                found |= {value for value in [_text(node.value)] if value}
    return found


def _callables_with_code(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Name and position of the argument, `self` not counted, of what takes a `code` by position."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
            if "code" in fields:
                yield node.name, fields.index("code")
            for each in node.body:
                if isinstance(each, ast.FunctionDef) and "code" in (names := _parameters(each)):
                    yield (node.name if each.name == "__init__" else each.name), names.index("code")
        elif isinstance(node, ast.FunctionDef) and "code" in _parameters(node) and "self" not in _all(node):
            yield node.name, _parameters(node).index("code")


def _all(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in function.args.args]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [name for name in _all(function) if name != "self"]


def _given(call: ast.Call, positions: dict[str, int]) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    position = positions.get(name)
    if position is not None and len(call.args) > position:
        yield call.args[position]


def _defaults(function: ast.FunctionDef) -> Iterator[ast.expr]:
    arguments = function.args.args
    for argument, default in zip(
        arguments[len(arguments) - len(function.args.defaults) :], function.args.defaults, strict=True
    ):
        if argument.arg == "code":
            yield default


def _text(node: ast.expr | None) -> str | None:
    return (
        node.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[a-z0-9_]+", node.value)
        else None
    )


def codes_of_titles() -> set[str]:
    """What a refusal by the web framework is called."""
    return {title.lower().replace(" ", "_") for status, title in TITLES.items() if status in (404, 405, 406, 413, 415)}


def test_every_code_stands_in_the_page_and_no_other() -> None:
    assert codes_in_source() | codes_of_titles() == documented_codes()


@pytest.mark.parametrize("code", ["cycle", "unknown_task", "idempotency_key_in_use", "method_not_allowed", "syntax"])
def test_codes_are_found_wherever_they_are_given(code: str) -> None:
    assert code in codes_in_source() | codes_of_titles()
