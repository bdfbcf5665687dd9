from dataclasses import fields, replace
from datetime import timedelta
from types import MappingProxyType

import orjson
import pytest

from mainspring.attempt_json import attempt_from_json, attempt_to_json
from mainspring.attempts import Attempt, Limits
from mainspring.large_values import LargeValue
from mainspring_executors.protocol.wire import decode_attempt, encode_attempt

BIG = LargeValue(
    id="b" * 32,
    name="big",
    bytes=300_000,
    sha256="c" * 64,
    kind="string",
    excerpt='"xx',
    path="/state/values/in-b",
)
FULL = Attempt(
    attempt_id="0123456789abcdef" * 2,
    dag_id="etl",
    run_id="manual__2026",
    task_id="load",
    map_index=3,
    try_number=2,
    queue="gpu",
    task_type="shell",
    payload={"command": ["true"], "env": {"TOKEN": {"secret": "token"}, "BIG": None}},
    values={"/env/BIG": BIG},
    secrets={"token": "s3cret-value"},
    context={"ds": "2026-01-31", "params": {"n": 1}},
    text_outputs=("sha",),
    output_types={"sha": {"type": "string"}},
    timeout=timedelta(minutes=1.5),
    cancel_grace=timedelta(seconds=2.5),
    limits=Limits(output_bytes_max=1000, value_bytes_max=3000, log_bytes_max=2000),
)

ON_THE_NETWORK = {
    "attempt_id": "0123456789abcdef0123456789abcdef",
    "dag_id": "etl",
    "run_id": "manual__2026",
    "task_id": "load",
    "map_index": 3,
    "try_number": 2,
    "queue": "gpu",
    "task_type": "shell",
    "payload": {
        "$payload": {"command": ["true"], "env": {"TOKEN": {"secret": "token"}, "BIG": None}},
        "$values": {
            "/env/BIG": {
                "id": "b" * 32,
                "name": "big",
                "bytes": 300_000,
                "sha256": "c" * 64,
                "kind": "string",
                "excerpt": '"xx',
                "path": "/state/values/in-b",
            }
        },
    },
    "secrets": {"token": "s3cret-value"},
    "context": {"ds": "2026-01-31", "params": {"n": 1}},
    "text_outputs": ["sha"],
    "output_types": {"sha": {"type": "string"}},
    "timeout_seconds": 90.0,
    "cancel_grace_seconds": 2.5,
    "output_bytes_max": 1000,
    "value_bytes_max": 3000,
    "log_bytes_max": 2000,
}


def test_workers_of_neighbouring_releases_read_the_same_fields() -> None:
    assert orjson.loads(orjson.dumps(attempt_to_json(FULL))) == ON_THE_NETWORK


def test_every_field_of_an_attempt_comes_back() -> None:
    defaults = Attempt(attempt_id="", dag_id="", run_id="", task_id="", task_type="", payload={})
    assert all(getattr(FULL, field.name) != getattr(defaults, field.name) for field in fields(Attempt))
    assert attempt_from_json(orjson.loads(orjson.dumps(attempt_to_json(FULL)))) == FULL


def test_a_task_host_reads_the_attempt_that_its_scheduler_wrote() -> None:
    frozen = replace(FULL, payload=MappingProxyType({"env": MappingProxyType({"A": "b"})}), values={}, timeout=None)
    assert decode_attempt(orjson.loads(encode_attempt(frozen))) == replace(
        FULL, payload={"env": {"A": "b"}}, values={}, timeout=None
    )


NEW_FIELDS = {"text_outputs", "output_types", "value_bytes_max"}


def test_an_execution_api_of_the_release_before_keeps_no_output_by_reference() -> None:
    attempt = attempt_from_json({name: value for name, value in ON_THE_NETWORK.items() if name not in NEW_FIELDS})
    assert (attempt.text_outputs, attempt.output_types, attempt.limits.value_bytes_max) == ((), {}, 0)


def test_a_field_of_the_next_release_is_ignored() -> None:
    assert attempt_from_json({**ON_THE_NETWORK, "colour": "red"}) == FULL


@pytest.mark.parametrize("field", sorted({*ON_THE_NETWORK} - NEW_FIELDS))
def test_a_field_that_every_release_has_sent_must_be_there(field: str) -> None:
    with pytest.raises(KeyError):
        attempt_from_json({name: value for name, value in ON_THE_NETWORK.items() if name != field})
