"""How often somebody may ask: counted for all processes together, at a price that few requests pay."""

import http.client
import re
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from mainspring_api.http.limits import RateLimit, TooManyRequests
from mainspring_api.http.login_limits import login_limits_of
from mainspring_store import Database
from mainspring_store.access import rate_limits
from mainspring_store.access.rate_limits import Bucket, Grant, forget_full_buckets
from mainspring_store.access.roles import Role
from mainspring_store.tables import rate_limit
from tests.api.conftest import OpenApi
from tests.api.harness import Api
from tests.api.server import serve
from tests.services.database_pool import DatabasePool
from tests.services.postgres import PostgresServer

NEVER = 1e-9
"""Permits a second that come back: none while a test runs."""


class Process:
    """What one process has of a limit, with a clock of its own that is moved."""

    def __init__(self, database: Database, *, per_second: float = NEVER, size: float) -> None:
        bucket = Bucket(name="things", per_second=per_second, size=size)
        self.now = 0.0
        self.limit = RateLimit("things", database, bucket, monotonic=lambda: self.now)

    def take_all(self, holder: str = "a", most: int = 10_000) -> int:
        """How often it may."""
        return next((count for count in range(most) if not self.limit.has_room(holder)), most)


def let_pass(database: Database, seconds: float, *processes: Process) -> None:
    with database.write() as connection:
        connection.execute(update(rate_limit).values(full_at=rate_limit.c.full_at - seconds))
    for process in processes:
        process.now += seconds


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many permits the database was asked for, each time."""
    found: list[int] = []
    real = rate_limits.take_permits

    def take_permits(database: Database, bucket: Bucket, holder: str, permits: int) -> Grant:
        found.append(permits)
        return real(database, bucket, holder, permits)

    monkeypatch.setattr("mainspring_api.http.limits.take_permits", take_permits)
    return found


class TestBuckets:
    def test_a_bucket_is_refilled_with_time_up_to_its_size(self, api: Api) -> None:
        process = Process(api.database, per_second=0.01, size=2)
        assert process.take_all() == 2
        with pytest.raises(TooManyRequests, match="too many things; try again in 100 s") as refused:
            process.limit.take("a")
        assert refused.value.retry_after_seconds == 100
        process.limit.take("b")
        let_pass(api.database, 100, process)
        assert process.take_all() == 1
        let_pass(api.database, 100_000, process)
        assert process.take_all() == 2

    @pytest.mark.parametrize("size", [5, 1_000], ids=["counted one by one", "taken ahead"])
    def test_processes_together_take_no_more_than_there_is(self, api: Api, size: int) -> None:
        processes = [Process(api.database, size=size) for _ in range(3)]
        in_turns = [process.take_all(most=size // 3 + 1) for process in processes]
        assert sum(in_turns) + sum(process.take_all() for process in processes) == size

    def test_what_remains_counts_what_other_processes_had_taken_at_the_last_query(self, api: Api) -> None:
        mine, other = (Process(api.database, size=200) for _ in range(2))
        assert [mine.limit.take("a") for _ in range(3)] == [199, 198, 197]
        assert other.limit.take("a") == 195
        assert [mine.limit.take("a") for _ in range(2)] == [196, 193]

    def test_threads_take_no_more_than_there_is(self, api: Api) -> None:
        process = Process(api.database, size=200)
        taken: list[bool] = []
        threads = [
            threading.Thread(target=lambda: taken.extend(process.limit.has_room("a") for _ in range(60)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(taken) == 200

    def test_the_database_is_asked_once_for_many(self, sqlite_api: Api, asked: list[int]) -> None:
        process = Process(sqlite_api.database, size=2_000)
        assert process.take_all(most=100) == 100
        assert asked == [20] * 5

    def test_what_was_taken_ahead_is_good_as_long_as_a_bucket_takes_to_fill(
        self, sqlite_api: Api, asked: list[int]
    ) -> None:
        process = Process(sqlite_api.database, per_second=100, size=1_000)
        process.limit.take("a")
        process.now = 9.9
        process.limit.take("a")
        assert asked == [10]
        process.now = 10.0
        process.limit.take("a")
        assert asked == [10, 10]

    def test_who_was_refused_is_refused_without_asking_until_there_is_something(
        self, api: Api, asked: list[int]
    ) -> None:
        process = Process(api.database, per_second=0.01, size=1)
        assert process.take_all() == 1
        assert [process.limit.has_room("a") for _ in range(10)] == [False] * 10
        assert len(asked) == 2
        let_pass(api.database, 101, process)
        assert process.limit.has_room("a")

    def test_what_is_given_back_can_be_taken_again(self, api: Api) -> None:
        process = Process(api.database, size=2)
        for _ in range(5):
            process.limit.take("a")
            process.limit.give_back("a")
        assert process.take_all() == 2

    def test_a_clock_that_was_set_back_locks_nobody_out_for_longer_than_a_bucket_takes(self, api: Api) -> None:
        process = Process(api.database, per_second=0.01, size=2)
        process.limit.take("a")
        with api.database.write() as connection:
            connection.execute(update(rate_limit).values(full_at=rate_limit.c.full_at + 86_400))
        with pytest.raises(TooManyRequests) as refused:
            process.limit.take("a")
        assert refused.value.retry_after_seconds == 100

    def test_full_buckets_are_forgotten(self, api: Api) -> None:
        process = Process(api.database, per_second=1, size=10)
        for holder in "abc":
            process.limit.take(holder)
        let_pass(api.database, 20)
        process.limit.take("d")
        forget_full_buckets(api.database)
        with api.database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(rate_limit)) == 1

    def test_names_that_were_tried_are_not_stored(self, sqlite_api: Api) -> None:
        login_limits_of(sqlite_api.database).take("kanarienvogel-4711", network="127.0.0.1", device_id=None)
        stored = b"".join(path.read_bytes() for path in sqlite_api.database.sqlite_path.parent.glob("mainspring.db*"))
        assert b"kanarienvogel-4711" not in stored


class TestRequests:
    def test_who_writes_too_often_is_told_when_to_come_again_and_may_read(self, open_api: OpenApi) -> None:
        with open_api("sqlite", writes_per_second_max=0.5) as api:
            answers = [api.request("POST", "/dags/none/dagRuns", json={}) for _ in range(7)]
            assert [each.status for each in answers] == [404] * 5 + [429] * 2
            assert answers[-1].json["code"] == "too_many_requests"
            assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
            assert api.request("GET", "/dags").status == 200
            assert api.request("POST", "/dags/none/dagRuns", json={}, token=api.token_of(Role.OPERATOR)).status == 404

    def test_a_write_is_told_how_many_more_there_may_be(self, open_api: OpenApi) -> None:
        with open_api("sqlite", writes_per_second_max=0.5) as api:
            answers = [api.request("POST", "/dags/none/dagRuns", json={}) for _ in range(6)]
            assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"writes";q=5;w=10'}
            told = [answer.headers["RateLimit"] for answer in answers]
            assert told[:5] == [f'"writes";r={left}' for left in (4, 3, 2, 1, 0)]
            assert re.fullmatch(r'"writes";r=0;t=[12]', told[5])
            assert "RateLimit" not in api.request("GET", "/dags").headers

    def test_who_guesses_does_not_learn_which_limit_it_met(self, sqlite_api: Api) -> None:
        login = {"username": "anna", "password": "wrong-4711"}
        answers = [sqlite_api.request("POST", "/auth/token", token=None, json=login) for _ in range(20)]
        assert answers[-1].status == 429
        assert not [name for name, _ in answers[-1].headers if name.lower().startswith("ratelimit")]

    def test_who_tries_tokens_is_slowed_down_and_nobody_else(self, sqlite_api: Api) -> None:
        statuses = [sqlite_api.request("GET", "/dags", token=f"guess-{number}").status for number in range(62)]
        assert statuses[:60] == [403] * 60
        assert statuses[-1] == 429
        assert sqlite_api.request("GET", "/dags").status == 200

    def test_two_servers_allow_together_what_one_does(self, api: Api) -> None:
        """Failed logins, in turns: ten, and one more for each six seconds that they take."""
        with serve(api) as one, serve(api) as other:
            for server in (one, other):
                assert _status(server.port, "GET", "/api/v2/version") == 200
            begun = time.monotonic()
            statuses = [_status(server.port, "POST", "/auth/token") for _ in range(8) for server in (one, other)]
            took_seconds = time.monotonic() - begun
        assert set(statuses) == {401, 429}
        assert 10 <= statuses.count(401) <= 10 + took_seconds / 6

    def test_with_the_database_away_writes_and_logins_are_unavailable_and_no_error(
        self, postgres_server: PostgresServer, postgres_pool: DatabasePool, tmp_path: Path
    ) -> None:
        """The token is known already, so the limit is what asks the database first."""
        url = postgres_server.create_database(template=postgres_pool.template)
        with closing(Api(url, tmp_path)) as api:
            assert api.request("GET", "/dags").status == 200
            postgres_server.drop_database(url)
            write = api.request("POST", "/pools", json={"name": "p", "slots": 1})
            login = api.request("POST", "/auth/token", token=None, json={"username": "anna", "password": "wrong-4711"})
        for answer in (write, login):
            assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")


def _status(port: int, method: str, path: str) -> int:
    """Of an answer; a POST is a login with a wrong password."""
    body = b'{"username": "anna", "password": "wrong-4711"}' if method == "POST" else None
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
