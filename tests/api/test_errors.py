"""Every code that an error can have stands in docs/errors.md and has its page, and nothing else does."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import urlopen

import orjson
import pytest

from mainspring_api.document.error_codes import ANSWER_CODES, FAULT_CODES, with_tables
from mainspring_api.http.problems import TITLES
from tests.api.conftest import OpenApi
from tests.api.harness import Api, documented_codes
from tests.api.server import serve

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("core", "store", "api") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.fixture(scope="module")
def shared(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        yield api


@functools.cache
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
            elif isinstance(node, ast.Yield) and _is_code_and_message(node.value):
                found |= {value for each in node.value.elts[:1] if (value := _text(each))}
            elif isinstance(node, ast.FunctionDef):
                found |= {value for each in _defaults(node) if (value := _text(each))}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "code":
                found |= {value for value in [_text(node.value)] if value}
    return found


def _is_code_and_message(node: ast.expr | None) -> bool:
    # What a name yields together with an object is no message.
    return isinstance(node, ast.Tuple) and len(node.elts) == 2 and not isinstance(node.elts[1], ast.Dict)


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


def test_the_page_says_what_the_program_says() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert with_tables(page) == page, "./dev openapi writes the tables again"
    assert documented_codes() == {*ANSWER_CODES, *FAULT_CODES}
    assert not ANSWER_CODES.keys() & FAULT_CODES.keys()


@pytest.mark.parametrize("code", sorted({*ANSWER_CODES, *FAULT_CODES}))
def test_every_code_has_a_page_that_is_open_and_loads_nothing(shared: Api, code: str) -> None:
    answer = shared.request("GET", f"/problems/{code}", token=None)
    assert (answer.status, answer.media_type) == (200, "text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    text = answer.body.decode()
    assert f"<h1>{code}</h1>" in text
    assert re.findall(r'(?:href|src)="([^"]*)"', text) == ["/docs"]
    assert not re.search(r"[`\]]", text)
    if code in ANSWER_CODES:
        assert f"status {ANSWER_CODES[code][0]}, {TITLES[ANSWER_CODES[code][0]]}" in text


def test_a_page_tells_the_meaning_and_the_cure(shared: Api) -> None:
    page = shared.request("GET", "/problems/forbidden").body.decode()
    assert "<p>The token is unknown or revoked, or its role does not do; see <code>docs/identity.md</code>.</p>" in page
    assert "<p>Nested too deeply.</p>" in shared.request("GET", "/problems/too_deep").body.decode()
    assert shared.request("GET", "/problems/no_such_code", token=None).json["code"] == "not_found"


def test_the_type_of_an_error_leads_to_its_page_on_a_server(shared: Api) -> None:
    with serve(shared) as server:
        for path, status in (("/api/v2/dags", 401), ("/problems/none", 404)):
            with pytest.raises(HTTPError) as refused:
                urlopen(server.url + path)
            problem = orjson.loads(refused.value.read())
            assert (refused.value.code, problem["status"]) == (status, status)
            with urlopen(urljoin(server.url + path, problem["type"])) as page:
                assert f"<h1>{problem['code']}</h1>".encode() in page.read()


@pytest.mark.parametrize("code", ["cycle", "unknown_task", "idempotency_key_in_use", "method_not_allowed", "syntax"])
def test_codes_are_found_wherever_they_are_given(code: str) -> None:
    assert code in codes_in_source() | codes_of_titles()


def test_a_dag_that_is_posted_is_told_where_to_put_it(shared: Api) -> None:
    refused = shared.request("POST", "/dags", json={"dag_id": "etl", "tasks": {}})
    assert (refused.status, refused.json["code"]) == (405, "method_not_allowed")
    assert "PUT /api/v2/dags/{dag_id}" in refused.json["detail"]
    # Other paths name the methods that they have.
    assert "POST" not in refused.headers["Allow"]
    assert "PUT /api" not in shared.request("POST", "/version").json["detail"]
