"""Documents made to hurt: refused in time and memory, and large honest ones read in time."""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring.definition import load_stored, parse_definition
from mainspring.errors import InvalidDag
from mainspring.graph import Graph
from tests.services.environment import child_environment
from tests.services.reference_work import is_within

KIB = 1024


def _wide(count: int) -> dict[str, Any]:
    first = {"start": {"type": "noop"}}
    middle = {
        f"task{index}": {"type": "python", "callable": "a.b:c", "kwargs": {"day": "${{ ds }}"}, "depends_on": ["start"]}
        for index in range(count - 2)
    }
    return {"dag_id": "d", "tasks": first | middle | {"end": {"type": "noop", "depends_on": list(middle)}}}


def _deep(count: int) -> dict[str, Any]:
    tasks = {"t0": {"type": "noop"}} | {
        f"t{index}": {
            "type": "shell",
            "command": ["x", f"${{{{ tasks.t{index - 1}.outputs.y }}}}"],
            "depends_on": [f"t{index - 1}"],
        }
        for index in range(1, count)
    }
    return {"dag_id": "d", "tasks": tasks}


@pytest.fixture
def small_heap() -> Iterator[None]:
    """Spare the garbage collector the objects of the tests before: a collection that looks at them takes a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("shape", [_wide, _deep], ids=["wide", "deep"])
def test_ten_thousand_tasks_are_read_in_two_seconds_and_rebuilt_in_one(shape: Any) -> None:
    data = json.dumps(shape(10_000)).encode()
    started = time.process_time()
    definition = parse_definition(data)
    parsed = time.process_time()
    rebuilt = load_stored(definition.document)
    loaded = time.process_time()
    graph = Graph.of(rebuilt.tasks)
    assert len(graph.order) == 10_000
    assert is_within(parsed - started, 2.0)
    assert is_within(loaded - parsed, 1.0)
    assert is_within(time.process_time() - loaded, 1.0)


def _fill(text: str, size: int) -> str:
    return text * (size // len(text))


def _shell(*command: str) -> str:
    return json.dumps({"dag_id": "d", "tasks": {"a": {"type": "shell", "command": command}}})


def _schema(**properties: Any) -> str:
    params = {"type": "object", "properties": properties}
    return json.dumps({"dag_id": "d", "tasks": {"a": {"type": "noop"}}, "params": params})


def _numbered(piece: str, size: int) -> str:
    """`piece` with `#` replaced by a number, again and again, joined by commas."""
    return ",".join(piece.replace("#", str(number)) for number in range(size // (len(piece) + 6)))


BODIES = {
    "tiny tasks": lambda size: '{"tasks": {' + _numbered('"#":{}', size) + "}}",
    "wrong tasks": lambda size: '{"tasks": {' + _numbered('"t#":{"q":1,"type":"noop"}', size) + "}}",
    "tasks of one name": lambda size: '{"tasks": {' + _fill('"a":{},', size) + '"a":{}}}',
    "unknown fields": lambda size: "{" + _numbered('"f#":0', size) + "}",
    "unknown upstream": lambda size: (
        '{"dag_id":"d","tasks":{"a":{"type":"noop","depends_on":[' + _numbered('"t#"', size) + "]}}}"
    ),
    "branches to nowhere": lambda size: (
        '{"dag_id":"d","tasks":{' + _numbered('"t#":{"type":"branch","choose":"x"}', min(size, 400_000)) + "}}"
    ),
    "unknown references": lambda size: (
        '{"dag_id":"d","tasks":{' + _numbered('"t#":{"type":"noop","when":"tasks.x#.state"}', min(size, 400_000)) + "}}"
    ),
    "one long id": lambda size: '{"dag_id":"' + "x" * size + '"}',
    "deep lists": lambda size: "[" * size,
    "deep objects": lambda size: _fill('{"a":', size),
    "long lists": lambda size: '{"x-a":[' + _fill("1,", size) + "1]}",
    "many digits": lambda size: '{"x-a":' + "9" * size + "}",
    "many expressions": lambda size: _shell(*["${{ q + 1 }}"] * 900),
    "many expressions for CEL": lambda size: _shell(*[f"${{{{ {number} + }}}}" for number in range(900)]),
    "a long expression": lambda size: _shell("${{" + "(" * (size // 2)),
    "unclosed expressions": lambda size: _shell(_fill("${{ {", size // 2)),
    "many tags": lambda size: '{"dag_id":"d","tags":[' + _numbered('"#"', size) + "]}",
    "surrogates": lambda size: '{"x-a":[' + _fill('"\\ud800",', size) + "1]}",
    "a large schema": lambda size: _schema(**{f"p{number}": {"pattern": "(a{9}){9}"} for number in range(size // 40)}),
    "huge patterns": lambda size: _schema(**{f"p{number}": {"pattern": "(a{99}){99}{9}"} for number in range(50)}),
}
YAML_BODIES = {
    "aliases": lambda size: "\n".join(
        ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, size // 60))]
    ),
    "anchors": lambda size: _fill("- &a b\n", size),
    "block lists": lambda size: _fill("- a\n", size),
    "deep flow": lambda size: _fill("[", size),
    "deep block": lambda size: _fill("- ", size),
    "quotes": lambda size: 'a: "' + "x" * size,
    "keys": lambda size: "".join(f"k{index}: 1\n" for index in range(size // 9)),
    "complex keys": lambda size: _fill("? a\n", size),
    "tags": lambda size: _fill("- !a b\n", size),
    "comments": lambda size: _fill("# a\n", size),
}


@pytest.mark.parametrize(("size", "seconds"), [(250 * KIB, 1.0), (2_000 * KIB, 3.0)], ids=["250 KiB", "2 MiB"])
@pytest.mark.parametrize(
    ("media", "make"),
    [pytest.param("json", make, id=name) for name, make in BODIES.items()]
    + [pytest.param("yaml", make, id=f"YAML {name}") for name, make in YAML_BODIES.items()],
)
def test_a_refusal_costs_little(media: Any, make: Any, size: int, seconds: float) -> None:
    body = make(size).encode()
    started = time.process_time()
    with pytest.raises(InvalidDag) as caught:
        parse_definition(body, media=media)
    assert is_within(time.process_time() - started, seconds)
    assert len(caught.value.problems) <= 101
    assert len(str(caught.value)) < 256 * KIB


@pytest.mark.parametrize("name", ["block lists", "keys", "anchors", "tiny tasks", "long lists", "unknown fields"])
def test_a_refusal_needs_little_memory(name: str, tmp_path: Path) -> None:
    media = "json" if name in BODIES else "yaml"
    body = tmp_path / "body"
    body.write_text((BODIES | YAML_BODIES)[name](2_000 * KIB))
    program = (
        "import resource, sys\n"
        "from mainspring.definition import parse_definition\n"
        "from mainspring.errors import InvalidDag\n"
        "import cel, yaml, jsonschema_rs\n"
        f"body = open({str(body)!r}, 'rb').read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        f"    parse_definition(body, media={media!r})\n"
        "except InvalidDag:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 128 * KIB, "KiB more than before"
