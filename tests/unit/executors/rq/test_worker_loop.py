"""What a worker does with one attempt: a real task host, and an execution API that answers what a test wants."""

import base64
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from mainspring.attempt_json import attempt_to_json
from mainspring.attempts import Attempt, Finished
from mainspring_executors.local.local import LocalExecutor
from mainspring_executors.local.value_folder import ValueFolder
from mainspring_executors.rq import attempt_run
from mainspring_executors.rq import prefetch as prefetcher
from mainspring_executors.rq.execution_client import ExecutionClient
from mainspring_executors.rq.prefetch import PREFETCH_SECONDS
from mainspring_executors.rq.worker_loop import WorkerLoop
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
            "claim": [OK],
            "start": [OK],
            "log": [OK],
            "finish": [OK],
            "exchange": [OK],
            "release": [OK],
            "beat": [(200, {"stop": [], "lease_seconds": LEASE_SECONDS})],
        }
        self.orders: dict[str, Any] = {}
        """Attempt -> what its claim answers, also one that is made with the end of another, or ahead."""
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        """Every call, in order: its path and its body."""
        self.delays_seconds: dict[str, float] = {}
        """Call -> how long its answers take."""
        self.called: dict[str, Callable[[], object]] = {}
        """Call -> an action before its answer."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = api.answer(self.path, body, self.headers.get("Attempt-Token"))
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

    def answer(self, path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any] | None:
        call = path.rpartition("/")[2]
        self.bodies.append((path, body))
        self.calls[call].append(body)
        self.tokens[call].append(token)
        self.called.get(call, lambda: None)()
        sleep(self.delays_seconds.get(call, 0.0))
        answers = self.answers[call]
        answer = answers[min(len(self.calls[call]), len(answers)) - 1]
        if answer != OK:
            return answer
        match call:
            case "claim" if self.orders:
                return 200, self.orders.get(path.split("/")[-2])
            case "finish":
                return 200, {"next": self.orders.get(body.get("next", {}).get("attempt_id"))}
            case "exchange":
                wanted = [claim_request["attempt_id"] for claim_request in body["bids"]]
                return 200, {"claimed": [self.orders[one] for one in wanted if one in self.orders]}
        return answer

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


def _folder_of(executor: LocalExecutor) -> ValueFolder:
    """The folder for the large values of a worker."""
    assert executor._settings.state_dir is not None
    return ValueFolder(executor._settings.state_dir)


class Deliveries:
    """Says which deliveries are settled, and which were taken and given back: these somebody else takes."""

    def __init__(self, *waiting: str) -> None:
        self.waiting = list(waiting)
        self.acknowledged: list[str] = []
        self.given_back: list[str] = []

    def take(self) -> str | None:
        return self.waiting.pop(0) if self.waiting and not self.given_back else None

    def acknowledge(self, attempt_id: str) -> None:
        self.acknowledged.append(attempt_id)

    def acknowledge_and_take(self, attempt_ids: Sequence[str], count_max: int) -> Sequence[str]:
        for attempt_id in attempt_ids:
            self.acknowledge(attempt_id)
        return [one for one in (self.take() for _ in range(count_max)) if one is not None]

    def give_back(self, attempt_id: str) -> None:
        self.given_back.append(attempt_id)


def attempt_of(attempt_id: str, script: str) -> Attempt:
    return Attempt(
        attempt_id=attempt_id, dag_id="etl", run_id="r", task_id="t", task_type="shell", payload={"script": script}
    )


def granted(attempt_id: str, script: str, *, lease_seconds: float = LEASE_SECONDS) -> dict[str, Any]:
    """What a claim answers."""
    return {"lease_seconds": lease_seconds, "attempt": attempt_to_json(attempt_of(attempt_id, script))}


@pytest.fixture
def run_attempts(api: ExecutionApi, executor: LocalExecutor) -> Callable[[str], bool]:
    """Carry an attempt that runs a script, to its acknowledged end; says whether its delivery is settled."""

    def run_attempts(script: str, lease_seconds: float = LEASE_SECONDS) -> bool:
        api.orders = {ATTEMPT_ID: granted(ATTEMPT_ID, script, lease_seconds=lease_seconds)}
        execution_client = ExecutionClient(api.url, "the workers' token", queue="default")
        execution_client.patience_seconds = LEASE_SECONDS / 4
        deliveries = Deliveries()
        worker_loop = WorkerLoop(
            execution_client,
            executor,
            deliveries,
            folder=_folder_of(executor),
            is_stopping=lambda: False,
            stop_grace=timedelta(0),
        )
        try:
            worker_loop.run_attempts(ATTEMPT_ID)
        finally:
            execution_client.close()
        return deliveries.acknowledged == [ATTEMPT_ID]

    return run_attempts


def test_an_attempt_that_somebody_else_claimed_is_not_started(
    api: ExecutionApi, run_attempts: Callable[[str], bool], tmp_path: Path
) -> None:
    api.answers["claim"] = [REFUSED]
    assert run_attempts(f"touch {tmp_path}/witness")
    assert len(api.calls["claim"]) == 1
    assert not (tmp_path / "witness").exists()
    assert not api.calls["finish"]


@pytest.mark.parametrize("lost", [BUSY, None], ids=["refused-for-now", "answer-lost"])
def test_a_claim_is_repeated_with_the_same_token(
    api: ExecutionApi, run_attempts: Callable[[str], bool], lost: tuple[int, Any] | None
) -> None:
    api.answers["claim"] = [lost, lost, OK]
    assert run_attempts("true")
    assert len(api.tokens["claim"]) == 3
    assert len({*api.tokens["claim"], *api.tokens["finish"]}) == 1


@pytest.mark.parametrize("lost", [BUSY, None], ids=["refused-for-now", "answer-lost"])
def test_the_end_is_told_until_it_is_acknowledged(
    api: ExecutionApi, run_attempts: Callable[[str], bool], lost: tuple[int, Any] | None
) -> None:
    api.answers["finish"] = [lost, lost, OK]
    assert run_attempts('echo "rows=3" >> "$MAINSPRING_OUTPUT"')
    assert len(api.calls["finish"]) == 3
    first, *others = api.calls["finish"]
    assert (first["outcome"], first["outputs"]) == ("success", {"rows": 3})
    assert others == [first, first]


def test_a_piece_of_log_that_was_not_acknowledged_is_sent_again_at_its_offset(
    api: ExecutionApi, run_attempts: Callable[[str], bool]
) -> None:
    api.answers["log"] = [BUSY, BUSY, OK]
    assert run_attempts("echo one; sleep 1; echo two")
    sent = [*api.calls["log"], *(chunk for body in api.calls["finish"] for chunk in body["log"])]
    chunks = {chunk["offset"]: base64.b64decode(chunk["data"]) for chunk in sent}
    assert b"".join(chunks[offset] for offset in sorted(chunks)) == b"one\ntwo\n"
    assert len(sent) > len(chunks)
    assert api.calls["finish"][-1]["log_bytes"] == len(b"one\ntwo\n")


def test_a_task_that_is_not_wanted_any_more_is_stopped(api: ExecutionApi, run_attempts: Callable[[str], bool]) -> None:
    api.answers["beat"] = [(200, {"stop": [ATTEMPT_ID], "lease_seconds": LEASE_SECONDS})]
    began = monotonic()
    assert run_attempts("sleep 30")
    assert monotonic() - began < 10
    assert api.calls["finish"][-1]["outcome"] == "cancelled"


@pytest.mark.parametrize("body", ["trap '' TERM", "true"], ids=["it-resists", "it-ends-when-asked"])
def test_a_task_whose_lease_cannot_be_renewed_has_ended_before_the_lease(
    api: ExecutionApi, run_attempts: Callable[[str], bool], tmp_path: Path, body: str
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
    assert run_attempts(f"{body}; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done")
    timer.join()
    assert noted == [False], f"it ran {monotonic() - claimed_at:.1f} s after its claim"
    last = api.calls["finish"][-1]
    assert (last["outcome"], last["reason"]) == ("interrupted", "interrupted")


def test_a_claim_that_was_answered_late_is_not_started_when_it_cannot_be_renewed(
    api: ExecutionApi, run_attempts: Callable[[str], bool], tmp_path: Path
) -> None:
    """Its lease began before the answer was on its way. What was not started costs no try."""
    api.delays_seconds["claim"] = LEASE_SECONDS * 0.6
    api.answers["beat"] = [BUSY]
    assert run_attempts(f"touch {tmp_path}/witness")
    assert not (tmp_path / "witness").exists()
    assert api.calls["finish"][-1]["outcome"] == "interrupted"


def test_a_claim_that_was_answered_late_is_renewed_and_started(
    api: ExecutionApi, run_attempts: Callable[[str], bool]
) -> None:
    api.delays_seconds["claim"] = LEASE_SECONDS * 0.6
    assert run_attempts("true")
    assert len(api.calls["beat"]) >= 1
    assert api.calls["finish"][-1]["outcome"] == "success"


def test_a_task_that_ends_while_nothing_can_be_renewed_has_its_own_end(
    api: ExecutionApi, run_attempts: Callable[..., bool], tmp_path: Path
) -> None:
    """The task ends after the first refused heartbeat, a sixth of the lease after its claim. The worker interrupts the
    task after half of the lease, so the lease is long enough for a slow start of the task host."""
    api.answers["beat"] = [BUSY]
    refused = tmp_path / "refused"
    api.called["beat"] = refused.touch
    assert run_attempts(f"until [ -e {refused} ]; do sleep 0.02; done; exit 3", lease_seconds=30.0)
    assert api.calls["beat"]
    assert (api.calls["finish"][-1]["outcome"], api.calls["finish"][-1]["exit_code"]) == ("failed", 3)


def test_the_lease_is_renewed_several_times_before_it_ends(
    api: ExecutionApi, run_attempts: Callable[[str], bool]
) -> None:
    assert run_attempts(f"sleep {LEASE_SECONDS}")
    assert len(api.calls["beat"]) >= 4
    assert {body["worker"]["pid"] for body in api.calls["beat"]} == {os.getpid()}
    assert api.calls["finish"][-1]["outcome"] == "success"


def test_what_is_left_of_another_attempt_is_not_taken_for_its_own(
    api: ExecutionApi, executor: LocalExecutor, run_attempts: Callable[[str], bool]
) -> None:
    executor.submit([attempt_of("f" * 32, "sleep 0.5; echo a stranger; exit 3")])
    assert run_attempts("echo mine")
    (end,) = api.calls["finish"]
    assert end["outcome"] == "success"
    assert [base64.b64decode(chunk["data"]) for chunk in (*api.calls["log"], *end["log"])] == [b"mine\n"]


class Road:
    """Attempts a, b, … in turn: the first is carried, the others wait. What is claimed ahead is answered as well."""

    def __init__(self, api: ExecutionApi, executor: LocalExecutor, *scripts: str, ahead: bool = True) -> None:
        """ahead: whether the API says that it knows claims ahead."""
        self.deliveries = Deliveries(*(letter * 32 for letter in "bcdef"[: len(scripts) - 1]))
        self.is_stopping = False
        self._api, self._executor = api, executor
        orders = [granted(letter * 32, script) for letter, script in zip("abcdef", scripts, strict=False)]
        api.orders = {order["attempt"]["attempt_id"]: order for order in orders}
        api.answers["beat"] = [(200, {"stop": [], "lease_seconds": LEASE_SECONDS, "takes_claims_ahead": ahead})]
        self._thread = threading.Thread(target=self._run_attempts)

    def _run_attempts(self) -> None:
        # Its task host takes longer for its own start than a short attempt for its whole way.
        self._executor.submit([attempt_of("9" * 32, "true")])
        while not any(isinstance(report, Finished) for report in self._executor.reports(0.1)):
            continue
        execution_client = ExecutionClient(self._api.url, "the workers' token", queue="default")
        execution_client.patience_seconds = LEASE_SECONDS / 4
        execution_client.heartbeat([])
        try:
            WorkerLoop(
                execution_client,
                self._executor,
                self.deliveries,
                folder=_folder_of(self._executor),
                is_stopping=lambda: self.is_stopping,
                stop_grace=timedelta(0),
            ).run_attempts("a" * 32)
        finally:
            execution_client.close()

    def __enter__(self) -> "Road":
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # A test that has failed gives no sign any more.
        self.is_stopping = self.is_stopping or kind is not None
        self._thread.join()

    def ends(self) -> dict[str, str]:
        """First letter of each attempt -> how it ended, as first told."""
        told: dict[str, str] = {}
        for letter, end in self.told():
            told.setdefault(letter, end["outcome"])
        return told

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Every end that was told, in order, by itself or with others."""
        ends = []
        for path, body in self._api.bodies:
            if path.endswith("/finish"):
                ends.append((path.split("/")[-2][0], body))
            elif path.endswith("/exchange"):
                ends += [(end["attempt_id"][0], end) for end in body["ends"]]
        return ends

    def prefetched(self) -> list[list[str]]:
        """First letters of the attempts that each exchange asked for."""
        return [[claim_request["attempt_id"][0] for claim_request in body["bids"]] for body in self.bodies("exchange")]

    def bodies(self, call: str) -> list[dict[str, Any]]:
        return [body for path, body in self._api.bodies if path.endswith(f"/{call}")]


def until(condition: Callable[[], object], what: str) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.01)


def waiting_for(sign: Path) -> str:
    return f"while [ ! -e {sign} ]; do sleep 0.02; done"


@pytest.fixture(params=[0.0, PREFETCH_SECONDS], ids=["one-by-one", "two-by-two"])
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether attempts count as so short that two of them are claimed ahead."""
    monkeypatch.setattr(prefetcher, "_MOMENT_SECONDS", request.param)
    return "two-by-two" if request.param else "one-by-one"


@pytest.fixture
def always_short(pace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts count as short, however long a busy machine takes for them."""
    for module in (prefetcher, attempt_run):
        monkeypatch.setattr(module, "PREFETCH_SECONDS", 60.0)
    if pace == "two-by-two":
        monkeypatch.setattr(prefetcher, "_MOMENT_SECONDS", 60.0)


@pytest.fixture
def two_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetcher, "_MOMENT_SECONDS", PREFETCH_SECONDS)


@pytest.mark.usefixtures("always_short")
def test_short_attempts_are_carried_one_after_the_other(api: ExecutionApi, executor: LocalExecutor, pace: str) -> None:
    with Road(api, executor, "true", "true", "echo c", "exit 1", "true", "true") as road:
        pass
    assert road.ends() == {**dict.fromkeys("abcef", "success"), "d": "failed"}
    assert road.deliveries.acknowledged == [letter * 32 for letter in "abcdef"]
    assert not road.deliveries.given_back
    ahead = road.prefetched()
    assert ahead == ([["c", "d"], ["e", "f"], []] if pace == "two-by-two" else [["c"], ["d"], ["e"], ["f"], []])
    # Each is told once: its end, and its start, with its claim or with its end.
    assert [letter for letter, _ in road.told()] == list("abcdef")
    assert [letter for letter, end in road.told() if "started" in end] == list("cdef")
    assert len(road.bodies("claim")) + sum("next" in body for body in road.bodies("finish")) == 2


def test_an_api_of_the_release_before_is_asked_for_no_more_than_it_knows(
    api: ExecutionApi, executor: LocalExecutor, two_by_two: None
) -> None:
    with Road(api, executor, "true", "true", "echo c", "exit 1", ahead=False) as road:
        pass
    assert [(letter, end["outcome"]) for letter, end in road.told()] == [
        *((letter, "success") for letter in "abc"), ("d", "failed"),
    ]  # fmt: skip
    assert road.deliveries.acknowledged == [letter * 32 for letter in "abcd"]
    assert {path.rpartition("/")[2] for path, _ in api.bodies} == {"beat", "claim", "finish"}
    assert not any("started" in end for _, end in road.told())


@pytest.mark.usefixtures("pace")
def test_what_comes_next_is_let_go_when_the_attempt_before_it_takes_its_time(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    """So that another worker can have it meanwhile; and the start of the long one is told, and the end before it."""
    with Road(api, executor, "true", "true", waiting_for(tmp_path / "go"), "true") as road:
        until(lambda: road.deliveries.given_back, "the return")
        until(lambda: road.bodies("start"), "the start")
        until(lambda: "b" in road.ends(), "the end of the one before")
        (release,) = [path for path, _ in api.bodies if path.endswith("/release")]
        assert (release.split("/")[-2], road.deliveries.given_back) == ("d" * 32, ["d" * 32])
        (tmp_path / "go").touch()
    assert road.ends() == {"a": "success", "b": "success", "c": "success"}
    assert "started" not in road.bodies("finish")[-1]
    assert road.deliveries.acknowledged == [letter * 32 for letter in "abc"]


@pytest.mark.usefixtures("two_by_two")
def test_what_is_let_go_keeps_its_order(api: ExecutionApi, executor: LocalExecutor, tmp_path: Path) -> None:
    """Each comes first again, so the last one goes first."""
    with Road(api, executor, "true", waiting_for(tmp_path / "go"), "true", "true") as road:
        until(lambda: len(road.deliveries.given_back) == 2, "the return")
        (tmp_path / "go").touch()
    assert road.deliveries.given_back == ["d" * 32, "c" * 32]
    assert road.ends() == {"a": "success", "b": "success"}


@pytest.mark.usefixtures("pace")
def test_a_worker_that_is_to_stop_lets_go_of_what_it_has_not_started(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    with Road(api, executor, "true", f"touch {tmp_path}/b; sleep 30", f"touch {tmp_path}/c") as road:
        until((tmp_path / "b").exists, "the second attempt")
        until(lambda: road.prefetched(), "the claim of the third")
        road.is_stopping = True
    assert road.ends() == {"a": "success", "b": "interrupted"}
    assert road.deliveries.given_back == ["c" * 32]
    assert not (tmp_path / "c").exists()


@pytest.mark.usefixtures("pace")
def test_a_worker_that_is_to_stop_starts_nothing_when_its_release_is_not_answered(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    api.answers["release"] = [BUSY]
    with Road(api, executor, "true", f"touch {tmp_path}/b; sleep 30", *[f"touch {tmp_path}/c"] * 2) as road:
        until((tmp_path / "b").exists, "the second attempt")
        until(lambda: road.prefetched(), "the claim of the third")
        road.is_stopping = True
    assert road.ends() == {"a": "success", "b": "interrupted"}
    assert not (tmp_path / "c").exists()
    assert "next" not in road.bodies("finish")[-1]


@pytest.mark.usefixtures("pace")
def test_a_claim_ahead_that_is_not_answered_does_not_keep_its_worker_busy(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    api.answers["exchange"] = [BUSY]
    with Road(api, executor, "true", waiting_for(tmp_path / "go"), "true") as road:
        until(lambda: road.deliveries.given_back, "the return")
        began = os.times()
        sleep(2)
        ended = os.times()
        (tmp_path / "go").touch()
    assert ended.user + ended.system - began.user - began.system < 0.25
    assert road.ends() == {"a": "success", "b": "success"}


@pytest.mark.usefixtures("pace")
@pytest.mark.parametrize("lost", [BUSY, None], ids=["refused-for-now", "answer-lost"])
def test_an_end_that_is_told_beside_the_next_attempt_is_told_until_it_is_acknowledged(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path, lost: tuple[int, Any] | None
) -> None:
    """Its lease is renewed meanwhile, and the next attempt has its own end."""
    api.answers["exchange"] = [OK, lost, lost, OK]
    with Road(api, executor, "true", "true", waiting_for(tmp_path / "go"), "true") as road:
        until(lambda: {"b" * 32, "c" * 32} in [set(body["attempts"]) for body in api.calls["beat"]], "both leases")
        until(lambda: len(api.calls["exchange"]) == 4, "the acknowledgement")
        (tmp_path / "go").touch()
    assert road.ends() == {"a": "success", "b": "success", "c": "success"}
    assert [letter for letter, _ in road.told()] == ["a", "b", "b", "b", "c"]


@pytest.mark.usefixtures("pace")
def test_an_end_that_is_not_acknowledged_beside_the_next_attempt_is_told_after_it(
    api: ExecutionApi, executor: LocalExecutor
) -> None:
    api.answers["exchange"] = [OK, BUSY]
    api.answers["finish"] = [OK, BUSY, BUSY, OK]
    with Road(api, executor, "true", "true", "true") as road:
        pass
    assert road.ends() == {"a": "success", "b": "success", "c": "success"}
    assert [letter for letter, _ in road.told()] == ["a", "b", "b", "b", "b", "c"]


def test_ends_that_are_refused_together_are_told_each_by_itself(
    api: ExecutionApi, executor: LocalExecutor, two_by_two: None
) -> None:
    api.answers["exchange"] = [OK, (422, {"detail": "one of them cannot be kept"})]
    with Road(api, executor, "true", "true", "true", "exit 1") as road:
        pass
    assert road.ends() == {**dict.fromkeys("abc", "success"), "d": "failed"}
    assert [path.split("/")[-2][0] for path, _ in api.bodies if path.endswith("/finish")] == list("abcd")
    assert road.deliveries.acknowledged == [letter * 32 for letter in "abcd"]


def test_what_could_not_be_claimed_ahead_is_claimed_when_its_turn_comes(
    api: ExecutionApi, executor: LocalExecutor, two_by_two: None
) -> None:
    """By the same bid, which may have been heard."""
    api.answers["exchange"] = [BUSY]
    with Road(api, executor, "true", "true", "true", "true") as road:
        pass
    assert [(letter, end["next"]["attempt_id"][0]) for letter, end in road.told() if "next" in end] == [
        ("a", "b"), ("b", "c"), ("c", "d"),
    ]  # fmt: skip
    ahead = {claim_request["attempt_id"]: claim_request["token"] for claim_request in api.calls["exchange"][0]["bids"]}
    assert ahead == {body["next"]["attempt_id"]: body["next"]["token"] for body in api.calls["finish"][1:3]}
    assert road.ends() == dict.fromkeys("abcd", "success")


def test_what_may_be_released_is_claimed_again_before_it_is_started(
    api: ExecutionApi, executor: LocalExecutor, tmp_path: Path
) -> None:
    """The answer to a release was lost, and another worker has the attempt since."""
    api.delays_seconds["release"] = LEASE_SECONDS
    api.answers["claim"] = [OK, REFUSED]
    with Road(api, executor, "true", waiting_for(tmp_path / "go"), f"touch {tmp_path}/c") as road:
        until(lambda: road.bodies("release"), "the release")
        api.orders.pop("c" * 32)
        (tmp_path / "go").touch()
    assert len(road.bodies("claim")) == 2
    assert not (tmp_path / "c").exists()
    assert road.ends() == {"a": "success", "b": "success"}


def test_what_comes_after_one_that_somebody_else_has_is_carried(
    api: ExecutionApi, executor: LocalExecutor, two_by_two: None, tmp_path: Path
) -> None:
    """Both were claimed ahead and could not be released."""
    api.answers["release"] = [BUSY]
    api.answers["claim"] = [OK, REFUSED, OK]
    with Road(api, executor, "true", waiting_for(tmp_path / "go"), f"touch {tmp_path}/c", "true") as road:
        until(lambda: road.bodies("release"), "the release")
        api.orders.pop("c" * 32)
        (tmp_path / "go").touch()
    assert not (tmp_path / "c").exists()
    assert road.ends() == {"a": "success", "b": "success", "d": "success"}


def test_what_was_claimed_ahead_by_somebody_else_is_passed_over(
    api: ExecutionApi, executor: LocalExecutor, two_by_two: None, tmp_path: Path
) -> None:
    api.answers["claim"] = [OK, REFUSED]
    road = Road(api, executor, "true", "true", f"touch {tmp_path}/c", "true")
    api.orders.pop("c" * 32)
    with road:
        pass
    assert road.ends() == {"a": "success", "b": "success", "d": "success"}
    assert road.prefetched()[0] == ["c", "d"]
    assert sorted(road.deliveries.acknowledged) == [letter * 32 for letter in "abcd"]
