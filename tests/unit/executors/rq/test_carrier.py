"""What a worker does with one attempt: a real task host, and an execution API that answers what a test wants."""

import base64
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from mainspring.attempts import Attempt
from mainspring_api.execution.orders import order_as_json
from mainspring_executors.local import LocalExecutor
from mainspring_executors.rq.carrier import Carrier
from mainspring_executors.rq.courier import Courier
from mainspring_executors.settings import ExecutorSettings
from tests.acceptance.server import is_running

ATTEMPT_ID = "a" * 32
LEASE_SECONDS = 2.0
MARGIN_SECONDS = 1.0
"""Half of what the scheduler leaves after the end of a lease."""
OK = (200, {})
BUSY = (503, {"detail": "the database is away"})
REFUSED = (409, {"detail": "not yours"})


class ExecutionApi:
    """Answers each call with what `answers` holds for it, in turn; the last answer stands. `None` breaks the line."""

    def __init__(self) -> None:
        self.calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.tokens: dict[str, list[str | None]] = defaultdict(list)
        self.answers: dict[str, list[tuple[int, Any] | None]] = {
            "log": [OK],
            "finish": [OK],
            "beat": [(200, {"stop": [], "lease_seconds": LEASE_SECONDS})],
        }
        self.delays_seconds: dict[str, float] = {}
        """Call -> how long its answers take."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = api.answer(self.path.rpartition("/")[2], body, self.headers.get("Attempt-Token"))
                if answer is None:
                    self.close_connection = True
                    return
                data = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def answer(self, call: str, body: dict[str, Any], token: str | None) -> tuple[int, Any] | None:
        self.calls[call].append(body)
        self.tokens[call].append(token)
        sleep(self.delays_seconds.get(call, 0.0))
        answers = self.answers[call]
        return answers[min(len(self.calls[call]), len(answers)) - 1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[ExecutionApi]:
    api = ExecutionApi()
    yield api
    api.close()


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    executor = LocalExecutor(ExecutorSettings(concurrency=1, state_dir=tmp_path / "state"))
    yield executor
    executor.close(timedelta(0))


class Deliveries:
    """Says which deliveries are settled, and which were taken and given back."""

    def __init__(self, *waiting: str) -> None:
        self.waiting = list(waiting)
        self.settled: list[str] = []
        self.given_back: list[str] = []

    def take(self) -> str | None:
        return self.waiting.pop(0) if self.waiting else None

    def settle(self, attempt_id: str) -> None:
        self.settled.append(attempt_id)

    def exchange(self, attempt_id: str) -> str | None:
        self.settle(attempt_id)
        return self.take()

    def give_back(self, attempt_id: str) -> None:
        self.given_back.append(attempt_id)
        self.waiting.insert(0, attempt_id)


def granted(attempt_id: str, script: str) -> dict[str, Any]:
    """What a claim answers."""
    attempt = Attempt(
        attempt_id=attempt_id, dag_id="etl", run_id="r", task_id="t", task_type="shell", payload={"script": script}
    )
    return {"lease_seconds": LEASE_SECONDS, "attempt": dict(order_as_json(attempt))}


@pytest.fixture
def carry(api: ExecutionApi, executor: LocalExecutor) -> Callable[[str], bool]:
    """Carry an attempt that runs a script, to its acknowledged end; says whether its delivery is settled."""

    def carry(script: str) -> bool:
        api.answers["claim"] = [*api.answers.get("claim", []), (200, granted(ATTEMPT_ID, script))]
        courier = Courier(api.url, "the workers' token", queue="default")
        courier.patience_seconds = LEASE_SECONDS / 4
        deliveries = Deliveries()
        carrier = Carrier(courier, executor, deliveries, is_stopping=lambda: False, stop_grace=timedelta(0))
        try:
            carrier.carry(ATTEMPT_ID)
        finally:
            courier.close()
        return deliveries.settled == [ATTEMPT_ID]

    return carry


def test_an_attempt_that_somebody_else_claimed_is_not_started(
    api: ExecutionApi, carry: Callable[[str], bool], tmp_path: Path
) -> None:
    api.answers["claim"] = [REFUSED]
    assert carry(f"touch {tmp_path}/witness")
    assert len(api.calls["claim"]) == 1
    assert not (tmp_path / "witness").exists()
    assert not api.calls["finish"]


@pytest.mark.parametrize("lost", [BUSY, None], ids=["refused-for-now", "answer-lost"])
def test_a_claim_is_repeated_with_the_same_token(
    api: ExecutionApi, carry: Callable[[str], bool], lost: tuple[int, Any] | None
) -> None:
    api.answers["claim"] = [lost, lost]
    assert carry("true")
    assert len(api.tokens["claim"]) == 3
    assert len({*api.tokens["claim"], *api.tokens["finish"]}) == 1


@pytest.mark.parametrize("lost", [BUSY, None], ids=["refused-for-now", "answer-lost"])
def test_the_end_is_told_until_it_is_acknowledged(
    api: ExecutionApi, carry: Callable[[str], bool], lost: tuple[int, Any] | None
) -> None:
    api.answers["finish"] = [lost, lost, OK]
    assert carry('echo "rows=3" >> "$MAINSPRING_OUTPUT"')
    assert len(api.calls["finish"]) == 3
    first, *others = api.calls["finish"]
    assert (first["outcome"], first["outputs"]) == ("success", {"rows": 3})
    assert others == [first, first]


def test_a_piece_of_log_that_was_not_acknowledged_is_sent_again_at_its_offset(
    api: ExecutionApi, carry: Callable[[str], bool]
) -> None:
    api.answers["log"] = [BUSY, BUSY, OK]
    assert carry("echo one; sleep 1; echo two")
    sent = [*api.calls["log"], *(chunk for body in api.calls["finish"] for chunk in body["log"])]
    chunks = {chunk["offset"]: base64.b64decode(chunk["data"]) for chunk in sent}
    assert b"".join(chunks[offset] for offset in sorted(chunks)) == b"one\ntwo\n"
    assert len(sent) > len(chunks)
    assert api.calls["finish"][-1]["log_bytes"] == len(b"one\ntwo\n")


def test_a_task_that_is_not_wanted_any_more_is_stopped(api: ExecutionApi, carry: Callable[[str], bool]) -> None:
    api.answers["beat"] = [(200, {"stop": [ATTEMPT_ID], "lease_seconds": LEASE_SECONDS})]
    began = monotonic()
    assert carry("sleep 30")
    assert monotonic() - began < 10
    assert api.calls["finish"][-1]["outcome"] == "cancelled"


@pytest.mark.parametrize("body", ["trap '' TERM", "true"], ids=["it-resists", "it-ends-when-asked"])
def test_a_task_whose_lease_cannot_be_renewed_has_ended_before_the_lease(
    api: ExecutionApi, carry: Callable[[str], bool], tmp_path: Path, body: str
) -> None:
    """Whatever it does against it; and it costs no try."""
    api.answers["beat"] = [BUSY]
    api.answers["finish"] = [BUSY] * 3 + [OK]
    noted: list[bool] = []
    claimed_at = monotonic()

    def look() -> None:
        pid = int((tmp_path / "pid").read_text())
        noted.append(is_running(pid))

    timer = threading.Timer(LEASE_SECONDS + MARGIN_SECONDS, look)
    timer.start()
    assert carry(f"{body}; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done")
    timer.join()
    assert noted == [False], f"it ran {monotonic() - claimed_at:.1f} s after its claim"
    last = api.calls["finish"][-1]
    assert (last["outcome"], last["reason"]) == ("interrupted", "interrupted")


def test_a_claim_that_was_answered_late_is_not_started_when_it_cannot_be_renewed(
    api: ExecutionApi, carry: Callable[[str], bool], tmp_path: Path
) -> None:
    """Its lease began before the answer was on its way. What was not started costs no try."""
    api.delays_seconds["claim"] = LEASE_SECONDS * 0.6
    api.answers["beat"] = [BUSY]
    assert carry(f"touch {tmp_path}/witness")
    assert not (tmp_path / "witness").exists()
    assert api.calls["finish"][-1]["outcome"] == "interrupted"


def test_a_claim_that_was_answered_late_is_renewed_and_started(api: ExecutionApi, carry: Callable[[str], bool]) -> None:
    api.delays_seconds["claim"] = LEASE_SECONDS * 0.6
    assert carry("true")
    assert len(api.calls["beat"]) >= 1
    assert api.calls["finish"][-1]["outcome"] == "success"


def test_a_task_that_ends_while_nothing_can_be_renewed_has_its_own_end(
    api: ExecutionApi, carry: Callable[[str], bool]
) -> None:
    api.answers["beat"] = [BUSY]
    assert carry("sleep 0.6; exit 3")
    assert (api.calls["finish"][-1]["outcome"], api.calls["finish"][-1]["exit_code"]) == ("failed", 3)


def test_the_lease_is_renewed_several_times_before_it_ends(api: ExecutionApi, carry: Callable[[str], bool]) -> None:
    assert carry(f"sleep {LEASE_SECONDS}")
    assert len(api.calls["beat"]) >= 4
    assert {body["worker"]["pid"] for body in api.calls["beat"]} == {os.getpid()}
    assert api.calls["finish"][-1]["outcome"] == "success"


def carry_on(api: ExecutionApi, executor: LocalExecutor, deliveries: Deliveries, *scripts: str) -> None:
    """Carry attempts a, b, …, each claimed with the report of the end before; `deliveries` hold all but the first."""
    first, *others = [granted(letter * 32, script) for letter, script in zip("abc", scripts, strict=False)]
    api.answers["claim"] = [(200, first)]
    api.answers["finish"] = [*((200, {"next": order}) for order in others), OK]
    courier = Courier(api.url, "the workers' token", queue="default")
    carrier = Carrier(courier, executor, deliveries, is_stopping=lambda: False, stop_grace=timedelta(0))
    try:
        carrier.carry("a" * 32)
    finally:
        courier.close()


def test_each_delivery_is_settled_once_its_end_is_acknowledged(api: ExecutionApi, executor: LocalExecutor) -> None:
    deliveries = Deliveries("b" * 32, "c" * 32)
    carry_on(api, executor, deliveries, "true", "true", "exit 1")
    assert deliveries.settled == ["a" * 32, "b" * 32, "c" * 32]
    assert [body["outcome"] for body in api.calls["finish"]] == ["success", "success", "failed"]
    assert not deliveries.given_back


def test_what_comes_next_is_given_back_when_the_attempt_before_it_takes_its_time(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    """So that another worker can have it meanwhile."""
    deliveries = Deliveries("b" * 32, "c" * 32)
    slow = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    carrying = threading.Thread(target=carry_on, args=[api, executor, deliveries, "true", slow, "true"])
    carrying.start()
    deadline = monotonic() + 20
    while not deliveries.given_back:
        assert monotonic() < deadline
        sleep(0.01)
    assert deliveries.given_back == ["c" * 32]
    deliveries.waiting.clear()  # somebody else took it
    (tmp_path / "go").touch()
    carrying.join()
    assert deliveries.settled == ["a" * 32, "b" * 32]
    assert "next" not in api.calls["finish"][-1]
