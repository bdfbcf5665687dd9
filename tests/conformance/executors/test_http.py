"""Tasks of type http, against a real server."""

import gzip
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mainspring.attempts import Attempt, Limits, Outcome
from mainspring.states import StateReason

from .harness import Harness, attempt, sh


class Server(ThreadingHTTPServer):
    """Answers on loopback, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.asked = threading.Event()
        self.released = threading.Event()
        self.other: Server | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in mid-answer is what several tests are about."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        self.server.requests.append(
            {
                "method": self.command,
                "path": parts.path,
                "query": parse_qs(parts.query),
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": self.rfile.read(length).decode(),
            }
        )
        getattr(self, "answer_" + parts.path.strip("/").split("/")[0])(parts.path)

    do_POST = do_GET  # noqa: N815

    def answer_json(self, path: str) -> None:
        self.answer(200, b'{"rate": 1.08, "list": [1, 2]}', {"Content-Type": "application/json; charset=utf-8"})

    def answer_long(self, path: str) -> None:
        self.answer(200, b'{"id": 123456789012345678901, "n": 1}', {"Content-Type": "application/json"})

    def answer_text(self, path: str) -> None:
        self.answer(200, "h\u00e9llo".encode("latin-1"), {"Content-Type": "text/plain; charset=latin-1"})

    def answer_liar(self, path: str) -> None:
        self.answer(200, b"<html>", {"Content-Type": "application/json"})

    def answer_status(self, path: str) -> None:
        self.answer(int(path.split("/")[2]), b"because")

    def answer_big(self, path: str) -> None:
        self.answer(200, b"x" * 1_000_000)

    def answer_bomb(self, path: str) -> None:
        self.answer(200, gzip.compress(bytes(50_000_000), 1), {"Content-Encoding": "gzip"})

    def answer_hop(self, path: str) -> None:
        left = int(path.split("/")[2])
        self.answer(302, b"", {"Location": f"/hop/{left - 1}" if left else "/json"})

    def answer_away(self, path: str) -> None:
        assert self.server.other is not None
        self.answer(307, b"", {"Location": f"{self.server.other.url}/json"})

    def answer_see(self, path: str) -> None:
        self.answer(303, b"", {"Location": "/json"})

    def answer_wait(self, path: str) -> None:
        self.server.asked.set()
        self.server.released.wait(60)
        self.answer(200, b"late")

    def answer_drip(self, path: str) -> None:
        self.server.asked.set()
        self.send_response(200)
        self.end_headers()
        while not self.server.released.wait(0.05):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return


def _serve() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from _serve()


@pytest.fixture
def other() -> Iterator[Server]:
    yield from _serve()


@pytest.fixture(scope="module")
def open_to_this_machine(
    open_harness: Callable[..., Harness], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """Workers that may reach any server here: starting some for each test would take minutes."""
    folder = tmp_path_factory.mktemp("rq")
    harness = open_harness("rq", folder / "state", folder, http_allow=("127.0.0.0/8",))
    yield harness
    harness.executor.close(timedelta(0))


@pytest.fixture
def harness(
    executor_name: str, make: Callable[..., Harness], server: Server, request: pytest.FixtureRequest
) -> Harness:
    if executor_name == "rq":
        shared: Harness = request.getfixturevalue("open_to_this_machine")
        return Harness(shared.executor, shared.folder, shared.state_dir)
    return make(http_allow=(f"127.0.0.1:{server.port}",))


def get(url: str, *, fields: dict[str, Any] | None = None, **payload: Any) -> Attempt:
    return attempt("http", {"url": url, **payload}, **(fields or {}))


def test_a_json_answer_becomes_outputs(harness: Harness, server: Server) -> None:
    task = get(f"{server.url}/json", query={"date": "2026-11-22", "n": 1, "tag": ["a", "b"]}, headers={"X-Day": "1"})
    end = harness.run(task)
    assert end.outcome is Outcome.SUCCESS
    assert end.outputs["status"] == 200
    assert end.outputs["body"] == {"rate": 1.08, "list": [1, 2]}
    assert end.outputs["headers"]["content-type"] == "application/json; charset=utf-8"
    (request,) = server.requests
    assert request["query"] == {"date": ["2026-11-22"], "n": ["1"], "tag": ["a", "b"]}
    assert request["headers"]["x-day"] == "1"
    assert b"/json -> 200" in harness.log(task)
    assert b"2026-11-22" not in harness.log(task)


def test_a_long_integer_of_a_json_answer_keeps_its_digits(harness: Harness, server: Server) -> None:
    assert harness.run(get(f"{server.url}/long")).outputs["body"] == {"id": "123456789012345678901", "n": 1}


def test_another_answer_is_text_in_its_charset(harness: Harness, server: Server) -> None:
    assert harness.run(get(f"{server.url}/text")).outputs["body"] == "h\u00e9llo"


@pytest.mark.parametrize(
    ("payload", "body", "media"),
    [
        pytest.param({"json": {"a": [1]}}, '{"a": [1]}', "application/json", id="json"),
        pytest.param({"body": "h\u00e9"}, "h\u00e9", None, id="body"),
        pytest.param({"body": [1, "a"]}, '[1, "a"]', None, id="body that an expression gave"),
    ],
)
def test_a_body_is_sent(
    harness: Harness, server: Server, payload: dict[str, Any], body: str, media: str | None
) -> None:
    assert harness.run(get(f"{server.url}/json", method="POST", **payload)).outcome is Outcome.SUCCESS
    (request,) = server.requests
    assert (request["method"], request["body"]) == ("POST", body)
    assert request["headers"].get("content-type") == media


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (200, None, Outcome.SUCCESS),
        (204, None, Outcome.SUCCESS),
        (404, None, Outcome.FAILED),
        (503, None, Outcome.FAILED),
        (404, ["200", "404"], Outcome.SUCCESS),
        (404, [404], Outcome.SUCCESS),
        (418, ["4xx"], Outcome.SUCCESS),
        (418, ["400-417", "2xx"], Outcome.FAILED),
        (417, ["400-417"], Outcome.SUCCESS),
        (200, ["404"], Outcome.FAILED),
    ],
)
def test_the_status_decides(
    harness: Harness, server: Server, status: int, expected: list[Any] | None, outcome: Outcome
) -> None:
    extra = {} if expected is None else {"expected_status": expected}
    end = harness.run(get(f"{server.url}/status/{status}", **extra))
    assert end.outcome is outcome
    if outcome is Outcome.FAILED:
        assert end.reason is StateReason.HTTP_STATUS
        assert f"answered {status}" in (end.message or "")


def test_the_body_of_an_unexpected_answer_is_in_the_log(harness: Harness, server: Server) -> None:
    task = get(f"{server.url}/status/500")
    harness.run(task)
    assert b"because" in harness.log(task)


def test_an_answer_that_lies_about_its_type_fails(harness: Harness, server: Server) -> None:
    end = harness.run(get(f"{server.url}/liar"))
    assert end.reason is StateReason.OUTPUT_INVALID
    assert "is not JSON" in (end.message or "")


@pytest.mark.parametrize("path", ["big", "bomb"])
def test_an_answer_over_the_limit_is_not_read_to_its_end(harness: Harness, server: Server, path: str) -> None:
    end = harness.run(get(f"{server.url}/{path}", response_bytes_max=100_000))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.OUTPUT_TOO_LARGE)
    assert "response_bytes_max" in (end.message or "")


def test_the_limit_of_outputs_holds_for_answers(harness: Harness, server: Server) -> None:
    limits = Limits(output_bytes_max=500_000, value_bytes_max=0)
    task = get(f"{server.url}/big", response_bytes_max=2_000_000, fields={"limits": limits})
    assert harness.run(task).reason is StateReason.OUTPUT_TOO_LARGE


def test_nobody_listening_is_an_error_with_its_cause(make: Callable[..., Harness]) -> None:
    end = make(http_allow=("127.0.0.1:1",)).run(get("http://127.0.0.1:1/"))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.HTTP_ERROR)
    assert "Connection refused" in (end.message or "")


# -- secrets and redirects


def test_a_secret_header_is_sent_and_masked_everywhere(harness: Harness, server: Server) -> None:
    fields = {"secrets": {"token": "Bearer s3cr3t-value"}}
    task = get(f"{server.url}/json", headers={"Authorization": {"secret": "token"}}, fields=fields)
    harness.run(task)
    assert server.requests[0]["headers"]["authorization"] == "Bearer s3cr3t-value"
    assert b"s3cr3t" not in harness.log(task)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(" s3cr3t-'value\"", id="a leading space"),
        pytest.param("s3cr3t\nvalue", id="a line break"),
        pytest.param("s3cr3t-\u20ac-value", id="no Latin-1"),
        pytest.param(" a\\b", id="too short to be masked"),
    ],
)
def test_a_secret_that_is_no_header_is_in_no_message(harness: Harness, server: Server, value: str) -> None:
    task = get(f"{server.url}/json", headers={"X-Key": {"secret": "token"}}, fields={"secrets": {"token": value}})
    end = harness.run(task)
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.REJECTED)
    assert "X-Key" in (end.message or "")
    told = (end.message or "") + harness.log(task).decode()
    assert not any(part in told for part in (value, repr(value)[1:-1], "s3cr3t", "\u20ac", "a\\"))
    assert not server.requests


@pytest.mark.parametrize(
    ("hops", "follow", "status"), [(1, True, 200), (2, True, 200), (1, False, 302)], ids=["one", "two", "not followed"]
)
def test_redirects_are_followed_on_request(
    harness: Harness, server: Server, hops: int, follow: bool, status: int
) -> None:
    task = get(f"{server.url}/hop/{hops}", follow_redirects=follow, expected_status=[status])
    assert harness.run(task).outputs["status"] == status


def test_more_than_three_redirects_are_too_many(harness: Harness, server: Server) -> None:
    end = harness.run(get(f"{server.url}/hop/9"))
    assert end.reason is StateReason.HTTP_ERROR
    assert "more than 3 times" in (end.message or "")
    assert len(server.requests) == 4


def test_see_other_turns_a_post_into_a_get_without_a_body(harness: Harness, server: Server) -> None:
    assert harness.run(get(f"{server.url}/see", method="POST", json={"a": 1})).outcome is Outcome.SUCCESS
    _, second = server.requests
    assert (second["method"], second["body"]) == ("GET", "")
    assert "content-type" not in second["headers"]


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(
    make: Callable[..., Harness], server: Server, other: Server
) -> None:
    harness = make(http_allow=(f"127.0.0.1:{server.port}",))
    server.other = other
    end = harness.run(get(f"{server.url}/away"))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.ADDRESS_REFUSED)
    assert not other.requests


def test_a_redirect_elsewhere_takes_no_secret_along(
    make: Callable[..., Harness], server: Server, other: Server
) -> None:
    server.other = other
    harness = make(http_allow=("127.0.0.0/8",))
    headers = {"X-Api-Key": {"secret": "key"}, "Authorization": "Basic dTpw", "Cookie": "a=b", "X-Plain": "1"}
    task = get(f"{server.url}/away", method="POST", json={}, headers=headers, fields={"secrets": {"key": "s3cr3t-key"}})
    assert harness.run(task).outcome is Outcome.SUCCESS
    assert server.requests[0]["headers"]["x-api-key"] == "s3cr3t-key"
    (request,) = other.requests
    assert request["method"] == "POST"
    assert request["headers"]["x-plain"] == "1"
    assert request["headers"]["host"] == f"127.0.0.1:{other.port}"
    assert not {"x-api-key", "authorization", "cookie"} & set(request["headers"])


# -- addresses

FORBIDDEN = [
    "http://127.0.0.1:{port}/json",
    "http://localhost:{port}/json",
    "http://LOCALHOST.:{port}/json",
    "http://2130706433:{port}/json",
    "http://0x7f000001:{port}/json",
    "http://0x7f.1:{port}/json",
    "http://0177.0.0.1:{port}/json",
    "http://127.1:{port}/json",
    "http://0:{port}/json",
    "http://0.0.0.0:{port}/json",
    "http://[::1]:{port}/json",
    "http://[::]:{port}/json",
    "http://[::ffff:127.0.0.1]:{port}/json",
    "http://[::ffff:7f00:1]:{port}/json",
    "http://[::127.0.0.1]:{port}/json",
    "http://[64:ff9b::7f00:1]:{port}/json",
    "http://[2002:7f00:1::]:{port}/json",
    "http://[fe80::1]:{port}/json",
    "http://[fd00:ec2::254]/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "http://0xa9fea9fe/latest/meta-data",
    "http://100.100.100.200/latest/meta-data",
    "http://168.63.129.16/machine",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/json",
    "http://127.0.0.1\u3002:{port}/json",
]


def test_no_spelling_of_a_private_address_is_reached(make: Callable[..., Harness], server: Server) -> None:
    harness = make()
    tasks = harness.submit(*(get(url.format(port=server.port)) for url in FORBIDDEN))
    for task in tasks:
        end = harness.finish(task, seconds=60)
        assert end.outcome is Outcome.FAILED, task.payload
        # A spelling that no resolver here knows is an error of another kind.
        assert end.reason in (StateReason.ADDRESS_REFUSED, StateReason.HTTP_ERROR), (task.payload, end.message)
        if end.reason is StateReason.ADDRESS_REFUSED:
            assert "MAINSPRING_HTTP_ALLOW" in (end.message or "")
    refused = [task for task in tasks if harness.finish(task).reason is StateReason.ADDRESS_REFUSED]
    assert len(refused) >= len(FORBIDDEN) - 6
    assert not server.requests


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://",
        "http:///path",
        "//example.com",
        "http://user:password@example.com/",
        "http://example.com:99999/",
        "http://[::1/",
        "example.com",
    ],
)
def test_what_is_no_plain_address_is_rejected(harness: Harness, url: str) -> None:
    end = harness.run(get(url))
    assert (end.outcome, end.reason) == (Outcome.FAILED, StateReason.REJECTED)


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:{port}", True),
        ("127.0.0.0/8", True),
        ("127.0.0.0/8:{port}", True),
        ("127.0.0.1:1", False),
        ("127.0.0.2", False),
        ("10.0.0.0/8", False),
        ("localhost", False),
    ],
)
def test_the_allow_list_opens_exactly_what_it_names(
    make: Callable[..., Harness], server: Server, entry: str, is_allowed: bool
) -> None:
    end = make(http_allow=(entry.format(port=server.port),)).run(get(f"{server.url}/json"))
    assert end.outcome is (Outcome.SUCCESS if is_allowed else Outcome.FAILED)
    assert bool(server.requests) is is_allowed


def test_no_proxy_and_no_netrc_of_the_machine_is_used(
    make: Callable[..., Harness], server: Server, other: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", other.url)
    harness = make(http_allow=("127.0.0.0/8",), environment=("http_proxy",))
    assert harness.run(get(f"{server.url}/json")).outcome is Outcome.SUCCESS
    assert not other.requests
    assert "authorization" not in server.requests[0]["headers"]


# -- stopping


@pytest.mark.parametrize("path", ["wait", "drip"])
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_request_is_stopped_wherever_it_waits(harness: Harness, server: Server, path: str, how: str) -> None:
    fields = {"timeout": timedelta(milliseconds=700)} if how == "timeout" else {}
    task = get(f"{server.url}/{path}", fields={"cancel_grace": timedelta(seconds=10), **fields})
    harness.submit(task)
    harness.until(server.asked.is_set, "the request")
    if how == "cancel":
        harness.executor.cancel([task.attempt_id])
    end = harness.finish(task, seconds=8)
    assert end.reason is (StateReason.TIMED_OUT if how == "timeout" else StateReason.CANCELLED)
    assert not end.still_running
    assert harness.run(sh("true")).outcome is Outcome.SUCCESS
