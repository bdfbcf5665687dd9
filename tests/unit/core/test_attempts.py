from dataclasses import FrozenInstanceError

import pytest

from mainspring.attempts import Attempt, Limits


def _attempt() -> Attempt:
    return Attempt(
        attempt_id="0" * 32,
        dag_id="etl",
        run_id="r",
        task_id="load",
        task_type="shell",
        payload={"command": ["true"]},
        secrets={"token": "s3cret-value"},
    )


def test_an_attempt_never_shows_its_secrets() -> None:
    assert "s3cret-value" not in repr(_attempt())


def test_an_attempt_cannot_be_changed_on_its_way() -> None:
    with pytest.raises(FrozenInstanceError):
        _attempt().try_number = 2  # type: ignore[misc]


def test_every_attempt_is_bounded() -> None:
    assert _attempt().limits == Limits(output_bytes_max=256 * 1024, log_bytes_max=10 * 1024 * 1024)
