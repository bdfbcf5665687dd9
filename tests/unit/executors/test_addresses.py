"""Which addresses http tasks may reach."""

import ipaddress
import socket
import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.attempts import Attempt
from mainspring.errors import ExecutorError
from mainspring_executors.addresses import AddressPolicy, AddressRefused, is_public
from mainspring_executors.tasks import plan
from mainspring_executors.tasks.plan import Call, Work


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.31.0.1", "192.0.0.8",
        "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:101:101::", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_what_is_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_what_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_another_is_judged_like_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    hidden = (
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    )
    for each in hidden:
        assert is_public(each) <= is_public(address)
    assert not is_public(ipaddress.IPv6Address(0xFFFF_0000_0000 | number)) or is_public(address)


def resolving(*addresses: str) -> AddressPolicy:
    return AddressPolicy((), resolve=lambda host, port: addresses)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    assert list(resolving("1.1.1.1", "1.0.0.1").addresses("example.com", 443)) == ["1.1.1.1", "1.0.0.1"]
    with pytest.raises(AddressRefused, match=r"example.com:443 has the address 10.0.0.1, which is not public"):
        resolving("1.1.1.1", "10.0.0.1").addresses("example.com", 443)


def test_a_zone_does_not_hide_an_address() -> None:
    with pytest.raises(AddressRefused):
        resolving("fe80::1%eth0").addresses("example.com", 80)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "is_allowed"),
    [
        ("db.internal", "db.internal", "10.0.0.1", 80, True),
        ("DB.internal.", "db.INTERNAL.", "10.0.0.1", 80, True),
        ("db.internal:80", "db.internal", "10.0.0.1", 80, True),
        ("db.internal:80", "db.internal", "10.0.0.1", 81, False),
        ("db.internal", "x.db.internal", "10.0.0.1", 80, False),
        ("10.0.0.0/24", "db.internal", "10.0.0.1", 80, True),
        ("10.0.0.0/24:80", "db.internal", "10.0.0.1", 81, False),
        ("10.0.0.0/24", "db.internal", "10.0.1.1", 80, False),
        ("fd00::/8", "db.internal", "fd12::1", 80, True),
        ("[fd00::/8]:80", "db.internal", "fd12::1", 80, True),
        ("[fd00::/8]:80", "db.internal", "fd12::1", 81, False),
        ("::1", "localhost", "::1", 80, True),
        ("[::1]:80", "localhost", "::1", 80, True),
        ("10.0.0.1", "db.internal", "10.0.0.1", 80, True),
    ],
)
def test_the_allow_list(entry: str, host: str, address: str, port: int, is_allowed: bool) -> None:
    policy = AddressPolicy((entry,), resolve=lambda host, port: (address,))
    if is_allowed:
        assert list(policy.addresses(host, port)) == [address]
    else:
        with pytest.raises(AddressRefused):
            policy.addresses(host, port)


@pytest.mark.parametrize(
    "entry", ["", "a b", "10.0.0.0/33", "host:0", "host:99999", "host:port", "http://host", "[::1"]
)
def test_an_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(ExecutorError, match="http_allow holds"):
        AddressPolicy((entry,))


class Listener:
    """A server that answers one request on an address of loopback."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.sock = socket.create_server((address, port))
        self.sock.settimeout(0.0)
        self.port = int(self.sock.getsockname()[1])

    def was_reached(self) -> bool:
        try:
            self.sock.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def listeners() -> Iterator[tuple[Listener, Listener]]:
    checked = Listener("127.0.0.1")
    other = Listener("127.0.0.2", checked.port)
    yield checked, other
    checked.sock.close()
    other.sock.close()


def test_a_name_server_that_changes_its_mind_is_not_asked_again(
    listeners: tuple[Listener, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, other = listeners
    answers = ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.2"]
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> Sequence[object]:
        if host == "rebind.example":
            asked.append(host)
            host = answers[len(asked) - 1]
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    task = Attempt(
        attempt_id="0" * 32, dag_id="d", run_id="r", task_id="t", task_type="http",
        payload={"url": f"http://rebind.example:{checked.port}/"},
    )  # fmt: skip
    call = plan(Work(attempt=task, http_allow=(f"127.0.0.1/32:{checked.port}",)))
    assert isinstance(call, Call)
    assert call.abort is not None
    checked.sock.listen()
    stopper = threading.Timer(0.3, call.abort)
    stopper.start()
    call.function()
    stopper.join()
    assert asked == ["rebind.example"]
    assert checked.was_reached()
    assert not other.was_reached()
