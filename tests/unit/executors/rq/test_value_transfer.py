"""Large values between a worker and the execution API: each piece arrives once, whatever fails in between."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mainspring.attempts import Attempt, Finished, Outcome
from mainspring.large_values import PIECE_BYTES, LargeValue
from mainspring_executors.local.value_folder import BrokenValue, ValueFolder
from mainspring_executors.rq.execution_client import Claim, Unreachable
from mainspring_executors.rq.value_transfer import ValueTransfer

TEXT = b'"' + b"x" * (2 * PIECE_BYTES + 100) + b'"'
VALUE = LargeValue(
    id="a" * 32, name="big", bytes=len(TEXT), sha256=sha256(TEXT).hexdigest(), kind="string", excerpt='"xx'
)
ORDER = Attempt(
    attempt_id="b" * 32, dag_id="d", run_id="r", task_id="t", task_type="python", payload={"args": [None, None]},
    values={"/args/0": VALUE, "/args/1": VALUE},
)  # fmt: skip
CLAIM = Claim(ORDER, "the token", timedelta(seconds=30), 0.0, False)


class Server:
    """Stands for the client of an execution API that does not answer at some calls."""

    def __init__(self, *failing: int) -> None:
        self.failing = set(failing)
        self.calls = 0
        self.pieces: list[tuple[str, int, int]] = []

    def _answer(self) -> None:
        self.calls += 1
        if self.calls in self.failing:
            raise Unreachable("no answer")

    def send_value(self, claim: Claim, value: LargeValue, position: int, data: bytes) -> bool:
        self._answer()
        self.pieces.append((value.name, position, len(data)))
        return True

    def fetch_piece(self, claim: Claim, value: LargeValue, position: int) -> bytes:
        self._answer()
        return TEXT[position * PIECE_BYTES : (position + 1) * PIECE_BYTES]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ValueFolder]:
    folder = ValueFolder(tmp_path)
    yield folder
    folder.close()
    assert not folder.path.exists()


def transfer(server: Any, folder: ValueFolder, beats: list[int] | None = None) -> ValueTransfer:
    return ValueTransfer(server, CLAIM, folder, tend=lambda: (beats if beats is not None else []).append(1))


def ended(folder: ValueFolder, text: bytes = TEXT) -> Finished:
    path = folder.path / "out-value"
    path.write_bytes(text)
    return Finished(
        attempt_id="b" * 32, seq=2, at=datetime.now(UTC), outcome=Outcome.SUCCESS,
        large={"big": replace(VALUE, path=str(path))},
    )  # fmt: skip


def test_a_value_is_fetched_once_for_all_places_and_the_lease_is_renewed_meanwhile(folder: ValueFolder) -> None:
    server, beats = Server(), list[int]()
    values = transfer(server, folder, beats)
    attempt = values.fetch()
    paths = {value.path for value in attempt.values.values()}
    assert (len(paths), server.calls, len(beats)) == (1, 3, 3)
    assert Path(paths.pop() or "").read_bytes() == TEXT
    values.forget_inputs()
    assert list(folder.path.iterdir()) == []


def test_a_fetch_that_broke_off_leaves_no_file_and_is_repeated(folder: ValueFolder) -> None:
    values = transfer(Server(2), folder)
    with pytest.raises(Unreachable):
        values.fetch()
    assert list(folder.path.iterdir()) == []
    assert Path(values.fetch().values["/args/0"].path or "").read_bytes() == TEXT


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_repeated_send_goes_on_with_the_piece_that_failed(folder: ValueFolder, failing: int) -> None:
    server = Server(failing)
    values, report = transfer(server, folder), ended(folder)
    with pytest.raises(Unreachable):
        values.send(report)
    assert values.send(report)
    assert server.pieces == [("big", 0, PIECE_BYTES), ("big", 1, PIECE_BYTES), ("big", 2, 102)]
    values.forget_outputs()
    assert list(folder.path.iterdir()) == []


def test_a_file_that_leads_elsewhere_is_not_sent(folder: ValueFolder, tmp_path: Path) -> None:
    server, report = Server(), ended(folder)
    secret = tmp_path / "secret"
    secret.write_bytes(TEXT)
    path = folder.path / "out-value"
    for lead in (path.symlink_to, path.hardlink_to):
        path.unlink()
        lead(secret)
        with pytest.raises(BrokenValue):
            transfer(server, folder).send(report)
    assert server.pieces == []


def test_what_arrives_with_another_digest_is_no_value(folder: ValueFolder) -> None:
    claim = replace(CLAIM, attempt=replace(ORDER, values={"/args/0": replace(VALUE, sha256="0" * 64)}))
    with pytest.raises(BrokenValue, match="another digest"):
        ValueTransfer(Server(), claim, folder, tend=lambda: None).fetch()  # type: ignore[arg-type]
