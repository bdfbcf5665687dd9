"""How often passwords may be tried, by which client, and what a client that is known has for itself (S6, S22)."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import func, select, update

from mainspring_api.http import passwords
from mainspring_api.http.client_address import TrustedProxies
from mainspring_api.http.passwords import HASHES_AT_ONCE_MAX, hash_password, is_password
from mainspring_store.access.devices import DEVICE_LIFE, DEVICES_MAX, find_device
from mainspring_store.access.users import create_user
from mainspring_store.queries.audit import list_events
from mainspring_store.queries.listing import ListQuery
from mainspring_store.tables import login_device, rate_limit
from tests.api.conftest import OpenApi
from tests.api.harness import Answer, Api

PASSWORD = "kanarienvogel-4711"
WRONG = "nachtigall-0815"
PROXY = "10.1.0.1"


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are compared at no cost: hashing takes a busy machine longer than a limit takes to let one through."""

    def is_equal(password: str, stored: str | None) -> bool:
        return stored is not None and password == PASSWORD

    monkeypatch.setattr("mainspring_api.resources.people.login.is_password", is_equal)


def add_user(api: Api, name: str = "anna", stored: str = "none") -> None:
    create_user(api.database, name, password_hash=stored, role=None, now=datetime.now(UTC))


def login(
    api: Api,
    name: str = "anna",
    password: str = PASSWORD,
    *,
    address: str = "192.0.2.1",
    forwarded: str | None = None,
    **more: Any,
) -> Answer:
    return api.request(
        "POST",
        "/auth/token",
        token=None,
        json={"username": name, "password": password, **more},
        headers={} if forwarded is None else {"X-Forwarded-For": forwarded},
        environ_base={"REMOTE_ADDR": address},
    )


def device_of(api: Api, name: str = "anna") -> str:
    answer = login(api, name, address="192.0.2.200", device_token=None)
    assert answer.status == 201, answer.body
    return str(answer.json["device_token"])


def guess_from_everywhere(api: Api, name: str = "anna") -> None:
    """Until the account takes no further guess of an unknown client."""
    for number in range(60):
        if login(api, name, WRONG, address=f"198.51.100.{number}").status == 429:
            return
    raise AssertionError("no limit was reached")


@pytest.mark.usefixtures("quick_passwords")
class TestLimits:
    def test_names_tried_from_one_address_are_limited_together(self, sqlite_api: Api) -> None:
        statuses = [login(sqlite_api, f"name-{number}", WRONG).status for number in range(32)]
        assert statuses == [401] * 30 + [429] * 2
        assert login(sqlite_api, "another", WRONG, address="192.0.2.2").status == 401

    def test_all_addresses_of_one_ipv6_network_count_together(self, sqlite_api: Api) -> None:
        statuses = [
            login(sqlite_api, f"name-{number}", WRONG, address=f"2001:db8::{number:x}").status for number in range(31)
        ]
        assert (statuses[29], statuses[30]) == (401, 429)
        assert login(sqlite_api, "another", WRONG, address="2001:db8:0:1::1").status == 401

    def test_guesses_of_one_account_are_limited_wherever_they_come_from(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        add_user(sqlite_api, "bert")
        guess_from_everywhere(sqlite_api)
        assert login(sqlite_api, address="203.0.113.1").status == 429
        assert login(sqlite_api, "bert", address="203.0.113.1").status == 201

    def test_all_guesses_are_limited_together(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        device = device_of(sqlite_api)
        statuses = [
            login(sqlite_api, f"name-{number}", WRONG, address=f"198.51.{number // 200}.{number % 200}").status
            for number in range(250)
        ]
        assert 429 in statuses
        assert login(sqlite_api, device_token=device).status == 201

    def test_an_address_that_is_refused_uses_up_nothing_of_the_account(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        statuses = [login(sqlite_api, password=WRONG).status for _ in range(100)]
        assert statuses[10:] == [429] * 90
        assert login(sqlite_api, address="192.0.2.2").status == 201

    def test_logins_that_succeed_count_nowhere(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        assert {login(sqlite_api).status for _ in range(60)} == {201}
        with sqlite_api.database.read() as connection:
            full_at = connection.scalars(select(rate_limit.c.full_at).where(rate_limit.c.name.like("login%"))).all()
        assert max(full_at) <= time.time() + 1


@pytest.mark.usefixtures("quick_passwords")
class TestDevices:
    def test_guesses_from_elsewhere_do_not_use_up_the_budget_of_a_device(self, api: Api) -> None:
        add_user(api)
        device = device_of(api)
        guess_from_everywhere(api)
        assert login(api, address="203.0.113.1").status == 429
        answer = login(api, address="203.0.113.1", device_token=device)
        assert (answer.status, answer.json["device_token"]) == (201, device)

    def test_the_budget_of_a_device_is_limited_too(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        device = device_of(sqlite_api)
        statuses = [
            login(sqlite_api, password=WRONG, address=f"192.0.2.{number}", device_token=device).status
            for number in range(12)
        ]
        assert statuses == [401] * 10 + [429] * 2

    def test_only_a_client_that_asks_is_given_a_device_token(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        assert login(sqlite_api).json["device_token"] is None
        tokens = {login(sqlite_api, device_token=asks).json["device_token"] for asks in (None, "", "unknown")}
        assert len(tokens) == 3
        assert all(each.startswith("msd_") and len(each) > 40 for each in tokens)
        assert login(sqlite_api, password=WRONG, device_token=None).status == 401
        assert login(sqlite_api, device_token="x" * 201).status == 422
        data = {"username": "anna", "password": PASSWORD, "device_token": ""}
        assert sqlite_api.request("POST", "/auth/token", token=None, data=data).json["device_token"]

    def test_a_device_opens_nothing_and_only_its_hash_is_stored(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        device = device_of(sqlite_api)
        assert sqlite_api.request("GET", "/me", token=device).status == 403
        stored = b"".join(path.read_bytes() for path in sqlite_api.database.sqlite_path.parent.glob("mainspring.db*"))
        assert device.encode() not in stored
        events = list_events(sqlite_api.database, ListQuery()).rows
        assert device not in str(events)

    def test_a_device_is_known_for_thirty_days_after_its_last_login(self, api: Api) -> None:
        add_user(api)
        device = device_of(api)

        def move_last_login(by: timedelta) -> None:
            with api.database.write() as connection:
                connection.execute(update(login_device).values(last_login_at=datetime.now(UTC) - by))

        move_last_login(DEVICE_LIFE - timedelta(minutes=1))
        assert login(api, device_token=device).json["device_token"] == device
        move_last_login(DEVICE_LIFE + timedelta(minutes=1))
        assert login(api, device_token=device).json["device_token"] != device
        with api.database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(login_device)) == 1

    def test_a_device_belongs_to_one_user(self, api: Api) -> None:
        add_user(api)
        add_user(api, "bert")
        device = device_of(api)
        assert find_device(api.database, "anna", device, now=datetime.now(UTC)) is not None
        assert find_device(api.database, "bert", device, now=datetime.now(UTC)) is None
        guess_from_everywhere(api, "bert")
        assert login(api, "bert", address="203.0.113.1", device_token=device).status == 429

    @pytest.mark.parametrize("change", [{"password": "another-4711"}, {"is_active": False}])
    def test_a_new_password_ends_what_devices_have(self, api: Api, change: dict[str, Any]) -> None:
        add_user(api)
        device = device_of(api)
        api.patch("/users/anna", change)
        assert find_device(api.database, "anna", device, now=datetime.now(UTC)) is None

    def test_a_user_has_a_bounded_number_of_devices(self, api: Api) -> None:
        add_user(api)
        devices = [device_of(api) for _ in range(DEVICES_MAX + 3)]
        known = [find_device(api.database, "anna", each, now=datetime.now(UTC)) is not None for each in devices]
        assert known == [False] * 3 + [True] * DEVICES_MAX


@pytest.mark.usefixtures("quick_passwords")
class TestProxies:
    def test_behind_a_trusted_proxy_each_client_has_limits_of_its_own(self, open_api: OpenApi) -> None:
        with open_api("sqlite", trusted_proxies=(PROXY,)) as api:
            add_user(api)
            guesses = [
                login(api, password=WRONG, address=PROXY, forwarded="evil, 203.0.113.9").status for _ in range(11)
            ]
            assert guesses == [401] * 10 + [429]
            assert login(api, address=PROXY, forwarded="203.0.113.10").status == 201
            [event, *_] = list_events(api.database, ListQuery(filters={"event": "create_token"})).rows
            assert event["extra"]["source"] == "203.0.113.9"

    def test_without_one_the_header_is_not_believed(self, sqlite_api: Api) -> None:
        add_user(sqlite_api)
        guesses = [login(sqlite_api, password=WRONG, forwarded=f"203.0.113.{number}").status for number in range(11)]
        assert guesses[-1] == 429

    def test_invalid_tokens_count_for_the_client_behind_the_proxy(self, open_api: OpenApi) -> None:
        with open_api("sqlite", trusted_proxies=(PROXY,)) as api:

            def guess(client: str) -> int:
                headers = {"X-Forwarded-For": client}
                environ = {"REMOTE_ADDR": PROXY}
                return api.request("GET", "/dags", token="guess", headers=headers, environ_base=environ).status

            assert [guess("203.0.113.9") for _ in range(62)][-1] == 429
            assert guess("203.0.113.10") == 403


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("192.0.2.7", "", "192.0.2.7", id="no proxy"),
        pytest.param("192.0.2.7", "203.0.113.9", "192.0.2.7", id="a client that claims to be a proxy"),
        pytest.param("10.1.0.1", "203.0.113.9", "203.0.113.9", id="one proxy"),
        pytest.param("10.1.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9", id="a claim before the proxy's word"),
        pytest.param("10.1.0.1", "1.1.1.1, 203.0.113.9,10.2.0.5", "203.0.113.9", id="two proxies"),
        pytest.param("10.1.0.1", "10.2.0.5, 10.2.0.6", "10.2.0.5", id="nothing but proxies"),
        pytest.param("10.1.0.1", "", "10.1.0.1", id="a proxy that says nothing"),
        pytest.param("10.1.0.1", "1.1.1.1, unknown", "10.1.0.1", id="no address"),
        pytest.param("10.1.0.1", "203.0.113.9:4711", "203.0.113.9", id="with a port"),
        pytest.param("10.1.0.1", "[2001:db8::1]:443", "2001:db8::1", id="IPv6 with a port"),
        pytest.param("::ffff:10.1.0.1", "203.0.113.9", "203.0.113.9", id="IPv4 within IPv6"),
        pytest.param("2001:db8:ffff::1", "2001:db8::1", "2001:db8::1", id="a proxy of IPv6"),
        pytest.param("", "203.0.113.9", "", id="a socket without addresses"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(peer: str, forwarded: str, client: str) -> None:
    proxies = TrustedProxies(["10.1.0.1", "10.2.0.0/24", "2001:db8:ffff::/48"])
    assert proxies.client(peer, forwarded) == client


@pytest.fixture
def remembered_passwords() -> None:
    """Hashes are made anew here: the tests measure them."""


class BlockedHasher:
    """Counts the checks that run, and lets none end before it is told."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.running = 0
        self.has_all = threading.Event()
        self._lock = threading.Lock()

    def verify(self, stored: str, password: str) -> bool:
        with self._lock:
            self.running += 1
            if self.running == HASHES_AT_ONCE_MAX:
                self.has_all.set()
        assert self.go_on.wait(60)
        return True


@pytest.fixture
def blocked_hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockedHasher]:
    hasher = BlockedHasher()
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    yield hasher
    hasher.go_on.set()


def test_four_passwords_are_checked_at_once_and_no_client_waits(sqlite_api: Api, blocked_hasher: BlockedHasher) -> None:
    add_user(sqlite_api)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(login(sqlite_api).status)) for _ in range(HASHES_AT_ONCE_MAX)
    ]
    for thread in threads:
        thread.start()
    assert blocked_hasher.has_all.wait(60)
    refused = [login(sqlite_api, address="192.0.2.3") for _ in range(20)]
    assert {(each.status, each.headers["Retry-After"]) for each in refused} == {(429, "1")}
    blocked_hasher.go_on.set()
    for thread in threads:
        thread.join()
    assert answers == [201] * 4
    # What was not looked at did not count as a failed login.
    assert login(sqlite_api, address="192.0.2.3").status == 201


def test_the_hash_that_unknown_names_are_checked_against_costs_as_much_as_those_of_users() -> None:
    parameters = extract_parameters(passwords.NO_PASSWORD_HASH)
    assert parameters == extract_parameters(PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4).hash("x"))
    assert parameters == extract_parameters(hash_password("x"))
    assert not is_password("x", None)


def test_unknown_names_take_as_long_as_known_ones(sqlite_api: Api) -> None:
    """Processor time of the whole process, which others on this machine do not stretch as they do the clock."""
    add_user(sqlite_api, stored=hash_password(PASSWORD))
    sqlite_api.get("/version")  # the harness makes the document of the API at its first request

    def seconds(name: str, number: int) -> float:
        begun = time.process_time()
        answer = login(sqlite_api, name, WRONG, address=f"198.51.100.{number}")
        took = time.process_time() - begun
        assert answer.status == 401
        return took

    # The first of all is an unknown name: a hash that is made when it is first needed would show here.
    unknown, known = [], []
    for number in range(6):
        unknown.append(seconds(f"nobody-{number}", number))
        known.append(seconds("anna", number))
    assert unknown[0] < 1.6 * min(known)
    assert 0.7 < sorted(unknown)[2] / sorted(known)[2] < 1.4
