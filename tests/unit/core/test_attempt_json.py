from dataclasses import fields, replace
from datetime import timedelta
from types import MappingProxyType

import orjson
import pytest

from mainspring.attempt_json import attempt_from_json, attempt_to_json
from mainspring.attempts import Attempt, Limits
from mainspring_executors.protocol.wire import decode_attempt, encode_attempt

FULL = Attempt(
    attempt_id="0123456789abcdef" * 2,
    dag_id="etl",
    run_id="manual__2026",
    task_id="load",
    map_index=3,
    try_number=2,
    queue="gpu",
    task_type="shell",
    payload={"command": ["true"], "env": {"TOKEN": {"secret": "token"}}},
    secrets={"token": "s3cret-value"},
    context={"ds": "2026-01-31", "params": {"n": 1}},
    text_outputs=("sha",),
    timeout=timedelta(minutes=1.5),
    cancel_grace=timedelta(seconds=2.5),
    limits=Limits(output_bytes_max=1000, log_bytes_max=2000),
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
    "payload": {"command": ["true"], "env": {"TOKEN": {"secret": "token"}}},
    "secrets": {"token": "s3cret-value"},
    "context": {"ds": "2026-01-31", "params": {"n": 1}},
    "text_outputs": ["sha"],
    "timeout_seconds": 90.0,
    "cancel_grace_seconds": 2.5,
    "output_bytes_max": 1000,
    "log_bytes_max": 2000,
}


def test_workers_of_neighbouring_releases_read_the_same_fields() -> None:
    assert orjson.loads(orjson.dumps(attempt_to_json(FULL))) == ON_THE_NETWORK


def test_every_field_of_an_attempt_comes_back() -> None:
    defaults = Attempt(attempt_id="", dag_id="", run_id="", task_id="", task_type="", payload={})
    assert all(getattr(FULL, field.name) != getattr(defaults, field.name) for field in fields(Attempt))
    assert attempt_from_json(orjson.loads(orjson.dumps(attempt_to_json(FULL)))) == FULL


def test_a_task_host_reads_the_attempt_that_its_scheduler_wrote() -> None:
    frozen = replace(FULL, payload=MappingProxyType({"env": MappingProxyType({"A": "b"})}), timeout=None)
    assert decode_attempt(orjson.loads(encode_attempt(frozen))) == replace(
        FULL, payload={"env": {"A": "b"}}, timeout=None
    )


def test_an_attempt_of_the_release_before_has_no_text_outputs() -> None:
    assert attempt_from_json({k: v for k, v in ON_THE_NETWORK.items() if k != "text_outputs"}).text_outputs == ()


def test_a_field_of_the_next_release_is_ignored() -> None:
    assert attempt_from_json({**ON_THE_NETWORK, "colour": "red"}) == FULL


@pytest.mark.parametrize("field", sorted({*ON_THE_NETWORK} - {"text_outputs"}))
def test_a_field_that_every_release_has_sent_must_be_there(field: str) -> None:
    with pytest.raises(KeyError):
        attempt_from_json({name: value for name, value in ON_THE_NETWORK.items() if name != field})
