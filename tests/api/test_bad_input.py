"""Input that is wrong on purpose, on every operation: always a 4xx, and nothing is stored."""

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainspring_api.app import document
from tests.api.conftest import OpenApi
from tests.api.harness import ONE_OF_EACH, SHELL, Api
from tests.services.reference_work import is_within

JSON_TYPE = "application/json"
YAML_TYPE = "application/yaml"

BODIES = {
    "empty": b"",
    "white space": b" \n",
    "not json": b"{",
    "trailing comma": b'{"a": 1,}',
    "two documents": b"{}{}",
    "null": b"null",
    "number": b"5",
    "text": b'"x"',
    "list": b"[]",
    "not utf-8": b'{"a": "\xff"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"conf": {"x": NaN}, "tasks": NaN}',
    "Infinity": b'{"conf": {"x": -Infinity}, "tasks": Infinity}',
    "duplicate keys": b'{"tasks": {}, "tasks": {}, "conf": {}, "conf": {}, "is_paused": true, "is_paused": false}',
    "lone surrogate": b'{"tasks": "\\ud800", "note": "\\ud800"}',
    "NUL": b'{"tasks": {"a": {"type": "noop"}}, "note": "\\u0000", "description": "\\u0000"}',
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 60 + b"1" + b"}" * 60,
    "long integer": b'{"conf": {"x": ' + b"9" * 5000 + b'}, "x": ' + b"9" * 5000 + b"}",
    "long exponent": b'{"conf": {"x": 1e999999}, "x": 1e999999}',
    "many nodes": b'{"tasks": [' + b"0," * 300_000 + b"0]}",
    "many faults": b'{"tasks": {' + b",".join(b'"t%d": {"type": "nop"}' % n for n in range(5000)) + b"}}",
    "unknown member": b'{"surprise": true}',
    "prototype": b'{"__proto__": {"x": 1}, "constructor": {"prototype": {}}}',
    "alias bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 108)),
    "python object": b"!!python/object/apply:os.system ['true']\n",
    "merge key": b"base: &b {type: noop}\ntasks: {a: {<<: *b}}\n",
    "tab": b"tasks:\n\ta: 1\n",
    "yaml documents": b"tasks: {}\n---\ntasks: {}\n",
    "cycle": b'{"tasks": {"a": {"type": "noop", "depends_on": ["b"]}, "b": {"type": "noop", "depends_on": ["a"]}}}',
    "self edge": b'{"tasks": {"a": {"type": "noop", "depends_on": ["a"]}}}',
    "no tasks": b'{"tasks": {}}',
    "ids equal but for case": b'{"tasks": {"a": {"type": "noop"}, "A": {"type": "noop"}}}',
    "invisible id": '{"tasks": {"a\u200b": {"type": "noop"}}}'.encode(),
    "right to left id": '{"tasks": {"\u202eevil": {"type": "noop"}}}'.encode(),
    "path as id": b'{"tasks": {"../../etc/passwd": {"type": "noop"}}}',
    "long id": b'{"tasks": {"' + b"x" * 500_000 + b'": {"type": "noop"}}}',
    "line breaks in an id": b'{"tasks": {"a\\r\\nSet-Cookie: x": {"type": "noop"}}}',
    "impossible cron": b'{"schedule": {"cron": "60 25 31 2 *"}, "tasks": {"a": {"type": "noop"}}}',
    "instant of year 0": b'{"start_date": "0000-01-01", "tasks": {"a": {"type": "noop"}}, "run_after": "0000-01-01"}',
    "offset of 26 hours": b'{"start_date": "2026-01-01T00:00:00+26:00", "tasks": {"a": {"type": "noop"}}}',
    "script with an expression": b'{"tasks": {"a": {"type": "shell", "script": "echo ${{ conf.x }}"}}}',
}
"""Name -> bytes. None of them is valid for any operation."""

_LONG_BODY = 20_000
"""Bytes. A longer body goes to one operation for each schema of a body, a shorter one to every operation."""

PATH_PARTS = [
    "..", "%2e%2e", "%2E%2E%2F%2E%2E", "%00", "a%00b", "%0d%0aX:1", "%ff%fe", "%ed%a0%80", "~", "*", "%25", "'",
    "%27%20OR%201=1--", "%3Cscript%3E", "x" * 3000, "-1", "99999999999999999999999", "nan", "%E2%80%AE", "a;b", "a%5Cb",
]  # fmt: skip

QUERY_VALUES = [
    "", "~", "%", "\\", "_" * 300, "%" * 300, "|", "a|b|", "\0", "\x1b", "'; DROP TABLE dag;--", "-1", "0", "1",
    "99999999999999999999", "9" * 5000, "nan", "inf", "-inf", "1e400", "true", "null", "[]", "{}", "2026-01-01",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "\u202e", "\ud7ff", "success", "-id",
]  # fmt: skip

UNLIKE_ON_POSTGRESQL = [
    "\\", "%" * 300, "\0", "-1", "99999999999999999999", "1e400", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "\ud7ff", "success",
]  # fmt: skip
"""Those of `QUERY_VALUES` on which the databases differ."""


def operations(*methods: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    return [
        (method, path.removeprefix("/api/v2"), item[method])
        for path, item in document()["paths"].items()
        for method in methods
        if method in item
    ]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    with open_api(request.param) as api:
        yield with_one_run(api)


@pytest.fixture(scope="module")
def on_sqlite(open_api: OpenApi) -> Iterator[Api]:
    with open_api("sqlite") as api:
        yield with_one_run(api)


def with_one_run(api: Api) -> Api:
    """A DAG `etl` with a run `r1` that has run, and an output `k`."""
    api.save("etl", {"a": SHELL})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", run_id="r1", outputs={"k": 1})
    return api


def filled(path: str, **other: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: {**ONE_OF_EACH, **other}[match[1]], path)


def stored(api: Api) -> tuple[Any, ...]:
    return (
        api.get("/dags")["total_entries"],
        api.get("/dags/~/dagVersions")["total_entries"],
        api.get("/dags/~/dagRuns")["total_entries"],
        api.get("/dags/etl")["is_paused"],
        api.get("/dags/etl/dagRuns/r1")["note"],
    )


@pytest.mark.parametrize("media_type", [JSON_TYPE, YAML_TYPE])
@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_are_refused_everywhere_and_store_nothing(on_sqlite: Api, name: str, media_type: str) -> None:
    refuses(on_sqlite, BODIES[name], media_type)


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "multipart/form-data", "application/json; charset=utf-16", "application/jsonl"]
)
def test_bodies_of_other_types_are_refused_everywhere(on_sqlite: Api, media_type: str) -> None:
    refuses(on_sqlite, b"x", media_type)


def refuses(shared: Api, body: bytes, media_type: str) -> None:
    """Every operation that takes a body answers this one with a 4xx, soon and shortly, and nothing is stored."""
    before = stored(shared)
    bodies_seen: list[Any] = []
    for method, path, operation in operations("post", "put", "patch"):
        if "requestBody" not in operation or (not body and path.endswith("/dagRuns")):
            continue
        if len(body) > _LONG_BODY and operation["requestBody"] in bodies_seen:
            continue
        bodies_seen.append(operation["requestBody"])
        started = time.thread_time()
        answer = shared.request(method.upper(), filled(path), data=body, content_type=media_type)
        assert 400 <= answer.status < 500, (method, path, answer.status)
        assert is_within(time.thread_time() - started, 3)
        assert len(answer.body) < 300_000
    assert stored(shared) == before


class Rotation:
    """Gives every value where a kind of place is first seen, and the next few values at each later place."""

    def __init__(self, values: Sequence[str], *, later: int) -> None:
        self._values = values
        self._later = later
        self._kinds: set[object] = set()
        self._next = itertools.cycle(values)

    def at(self, kind: object) -> list[str]:
        if kind in self._kinds:
            return list(itertools.islice(self._next, self._later))
        self._kinds.add(kind)
        return list(self._values)


def test_bad_path_parts_are_never_an_inner_error(shared: Api) -> None:
    parts = Rotation(PATH_PARTS, later=5)
    for method, path, _ in operations("get", "patch", "delete", "put", "post"):
        for name in re.findall(r"\{(\w+)\}", path):
            for part in parts.at((method, name)):
                url = filled(path, **{name: part})
                answer = shared.request(method.upper(), url + "?interval=1&timeout=0")
                assert answer.status < 500, (method, url)


def test_bad_query_values_are_never_an_inner_error(shared: Api) -> None:
    values = Rotation(QUERY_VALUES if shared.database.is_sqlite else UNLIKE_ON_POSTGRESQL, later=4)
    for _, path, operation in operations("get"):
        for parameter in operation.get("parameters", ()):
            for value in values.at(json.dumps([parameter["name"], parameter["schema"]])):
                required = "" if parameter["name"] in ("interval", "timeout") else "interval=1&timeout=0&"
                url = f"{filled(path)}?{required}{parameter['name']}={quote(value)}"
                if parameter["name"] == "interval":
                    url += "&timeout=0"
                elif parameter["name"] == "timeout":
                    # A run that has ended: however long the limit, the answer comes at once.
                    url += "&interval=1"
                answer = shared.request("GET", url)
                assert answer.status < 500, url


def test_a_refusal_of_many_faults_tells_the_first_and_counts_all(on_sqlite: Api) -> None:
    body = {f"m{number}": 1 for number in range(5000)}
    problem = on_sqlite.post("/dags/etl/dagRuns", body, 422)
    assert len(problem["errors"]) == len(problem["detail"]) == 200
    assert problem["errors_total"] == 5000


scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
)  # fmt: skip
keys = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
values = st.recursive(scalars, lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(keys, deeper, max_size=4))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conf=st.dictionaries(keys, values, max_size=5))
def test_any_conf_comes_back_as_it_was_sent(shared: Api, conf: dict[str, Any]) -> None:
    run = shared.post("/dags/etl/dagRuns", {"conf": conf})
    assert run["conf"] == run["params"] == conf
    assert shared.get(f"/dags/etl/dagRuns/{quote(run['dag_run_id'])}")["conf"] == conf


HUGE = 2**70
"""More than any column of a database holds."""


def _with_huge_numbers() -> Iterator[tuple[str, str, Any]]:
    """Method, path with query, and a body that fits, for each number in each path or query."""
    schemas = document()["components"]["schemas"]
    for template, item in document()["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            content = operation.get("requestBody", {}).get("content", {}).get(JSON_TYPE, {}).get("schema", {})
            body = schemas.get(content.get("$ref", "").rpartition("/")[2], {}).get("examples", [{}])[0]
            for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
                if parameter.get("schema", {}).get("type") in ("integer", ["integer", "null"]):
                    huge = {parameter["name"]: str(HUGE)}
                    path = template.format(**{**ONE_OF_EACH, **(huge if parameter["in"] == "path" else {})})
                    query = "" if parameter["in"] == "path" else f"?{parameter['name']}={HUGE}"
                    yield method.upper(), path.removeprefix("/api/v2") + query, body


def test_numbers_that_no_database_holds_are_no_fault_of_ours(sqlite_api: Api) -> None:
    asked = list(_with_huge_numbers())
    answers = {
        (method, path): sqlite_api.request(method, path, **({} if method == "GET" else {"json": body})).status
        for method, path, body in asked
    }
    assert len(answers) > 50
    assert {asked: status for asked, status in answers.items() if status >= 500 and status != 501} == {}
