"""Values that are too large for an expression, from task to task, on each executor."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring.large_values import VALUE_BYTES_MAX, LargeValue

from .conftest import CODE
from .whole_engine import WholeEngine

NAMES = ("thread", "local", "rq")


@pytest.fixture(scope="module")
def engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, database_template: Path
) -> Iterator[Callable[[str], WholeEngine]]:
    opened: dict[str, WholeEngine] = {}

    def opening(name: str) -> WholeEngine:
        if name not in opened:
            redis_url = request.getfixturevalue("valkey") if name == "rq" else None
            folder = tmp_path_factory.mktemp(f"whole-{name}")
            opened[name] = WholeEngine(name, folder, database_template, code=CODE, redis_url=redis_url)
        return opened[name]

    yield opening
    for engine in opened.values():
        engine.close()


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, engines: Callable[[str], WholeEngine]) -> WholeEngine:
    return engines(request.param)


def sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def python(function: str, **fields: Any) -> dict[str, Any]:
    return {"type": "python", "callable": f"jobs:{function}", **fields}


SCRIPT = """
printf 'letters=' >> "$MAINSPRING_OUTPUT"
head -c 307200 /dev/zero | tr '\\0' x >> "$MAINSPRING_OUTPUT"
"""
INLINE = """
import hashlib, json, os
with open(os.environ["MAINSPRING_INPUT"]) as file:
    given = json.load(file)
with open(os.environ["MAINSPRING_OUTPUT"], "a") as file:
    for name, value in given.items():
        print(f"{name}={hashlib.sha256(json.dumps(value).encode()).hexdigest()}", file=file)
"""


def test_large_values_arrive_as_they_were(engine: WholeEngine) -> None:
    """300 KiB of text from a script and 5 MiB of numbers from a callable, to a callable and to inline source."""
    count = 750_000
    ended = engine.run(
        {
            "script": {"type": "shell", "script": SCRIPT},
            "numbers": python("numbers", kwargs={"count": count}),
            "call": python(
                "digests",
                depends_on=["script", "numbers"],
                args=["${{ tasks.script.outputs.letters }}"],
                kwargs={"numbers": "${{ tasks.numbers.outputs.return_value }}", "small": 7},
            ),
            "inline": {
                "type": "python",
                "source": INLINE,
                "depends_on": ["script", "numbers"],
                "inputs": {
                    "letters": "${{ tasks.script.outputs.letters }}",
                    "numbers": "${{ tasks.numbers.outputs.return_value }}",
                },
            },
        }
    )
    assert ended.state == "success", ended.states()
    letters, numbers = sha("x" * 307_200), sha(list(range(count)))
    digests = ended.outputs("call")
    assert (digests["0"], digests["numbers"], digests["small"]) == (letters, numbers, sha(7))
    assert ended.outputs("inline") == {"letters": letters, "numbers": numbers}
    reference = ended.outputs("numbers")["return_value"]
    assert isinstance(reference, LargeValue)
    text = ended.whole("numbers", "return_value")
    assert json.loads(text) == list(range(count))
    assert (reference.bytes, reference.kind, reference.path) == (len(text), "array", None)


def test_the_items_of_a_mapping_and_the_outputs_of_a_mapped_task_go_on(engine: WholeEngine) -> None:
    ended = engine.run(
        {
            "each": python(
                "two_texts", kwargs={"letter": "${{ map.letter }}", "size": 200_000}, expand={"letter": ["a", "b"]}
            ),
            "all": python("digests", depends_on=["each"], kwargs={"texts": "${{ tasks.each.outputs.first }}"}),
        }
    )
    assert ended.state == "success", ended.states()
    assert ended.outputs("all")["texts"] == sha(["a" * 200_000, "b" * 200_000])


def test_a_value_over_the_bound_is_refused_with_the_cure(engine: WholeEngine) -> None:
    ended = engine.run({"huge": python("long_text", args=[VALUE_BYTES_MAX])})
    assert ended.states()["huge"] == ("failed", "output_too_large")
    assert f"the limit is {VALUE_BYTES_MAX} bytes: write the data to a file or a table" in ended.message("huge")
    assert ended.outputs("huge") == {}


def test_an_expression_that_needs_the_content_fails_with_the_name_of_the_output(engine: WholeEngine) -> None:
    big = "tasks.big.outputs.return_value"
    below: dict[str, Any] = {"depends_on": ["big"]}
    ended = engine.run(
        {
            "big": python("long_text", args=[300_000]),
            "when": {"type": "noop", "when": f"{big} == 'x'", **below},
            "size": python("echo", args=[f"${{{{ size({big}) }}}}"], **below),
            "part": python("echo", args=[f"${{{{ {big}.part }}}}"], **below),
            "mixed": python("echo", args=[f"a ${{{{ {big} }}}}"], **below),
            "expand": python("echo", expand={"value": f"${{{{ {big} }}}}"}, **below),
        }
    )
    for task_id in ("when", "size", "part", "mixed", "expand"):
        assert ended.states()[task_id] == ("failed", "expression_error")
        assert "output 'return_value' has 300002 bytes and is kept by reference" in ended.message(task_id)


def test_a_user_value_that_looks_like_a_reference_stays_what_it_is(engine: WholeEngine) -> None:
    fake = {"id": "a" * 32, "name": "x", "bytes": 5, "sha256": "0" * 64, "kind": "string", "excerpt": "", "path": "/x"}
    fakes = {"$payload": {"args": [1]}, "$values": {"/args/0": fake}}
    ended = engine.run(
        {
            "fake": python("echo", args=[fakes]),
            "next": python("echo", depends_on=["fake"], args=["${{ tasks.fake.outputs.return_value }}"]),
        }
    )
    assert ended.state == "success", ended.states()
    assert ended.outputs("next")["return_value"] == fakes


def test_large_outputs_of_a_failed_program_are_kept(engine: WholeEngine) -> None:
    ended = engine.run({"fails": {"type": "shell", "script": f"{SCRIPT}\nexit 3"}})
    assert ended.states()["fails"] == ("failed", "exit_code")
    assert json.loads(ended.whole("fails", "letters")) == "x" * 307_200


def test_a_large_output_must_fit_its_declared_type(engine: WholeEngine) -> None:
    typed = {"outputs": {"return_value": {"type": "string", "maxLength": 400_000}}}
    ended = engine.run(
        {
            "fits": python("long_text", args=[400_000], **typed),
            "not": python("long_text", args=[400_001], **typed),
            "kind": python("numbers", kwargs={"count": 60_000}, **typed),
        }
    )
    assert ended.states()["fits"] == ("success", None)
    for task_id in ("not", "kind"):
        assert ended.states()[task_id] == ("failed", "output_invalid")
        assert "does not fit its declared type" in ended.message(task_id)


def test_a_value_that_no_environment_can_hold_is_refused(engine: WholeEngine) -> None:
    ended = engine.run(
        {
            "big": python("long_text", args=[300_000]),
            "env": {
                "type": "shell",
                "script": "true",
                "depends_on": ["big"],
                "env": {"BIG": "${{ tasks.big.outputs.return_value }}"},
            },
        }
    )
    assert ended.states()["env"] == ("failed", "rejected")
    assert "too long for a process; hand large values over in a file" in ended.message("env")


def test_no_file_of_a_value_is_left(engine: WholeEngine) -> None:
    engine.run(
        {
            "big": python("long_text", args=[300_000]),
            "next": python("digests", depends_on=["big"], args=["${{ tasks.big.outputs.return_value }}"]),
        }
    )
    engine.until_no_files()
