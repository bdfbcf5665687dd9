"""Which connections may stay while their next request is not there."""

from dataclasses import dataclass

from mainspring_cli.connections.places import Caps, Places


@dataclass(eq=False)
class Client:
    address: str
    principal: str | None = None


def places(*, address: int = 2, total: int = 5, principal: int | None = 3) -> Places[Client]:
    return Places(Caps(address=address, total=total, principal=principal), lambda address: address == "10.0.0.1")


def test_a_new_connection_takes_the_place_of_the_oldest_of_its_address() -> None:
    row, first, second, third = places(), Client("a"), Client("a"), Client("a")
    assert row.enter(first) == row.enter(Client("b")) == row.enter(second) == []
    assert row.enter(third) == [first]
    assert set(row.all_guests()) >= {second, third}
    row.leave(second)
    assert row.enter(Client("a")) == []


def test_all_addresses_together_are_capped() -> None:
    row, first = places(), Client("a")
    assert row.enter(first) == []
    assert [row.enter(Client(f"other-{number}")) for number in range(5)] == [[], [], [], [], [first]]


def test_a_proxy_speaks_for_many_and_is_bounded_by_the_total_alone() -> None:
    row = places()
    clients = [Client("10.0.0.1") for _ in range(6)]
    assert [row.enter(client) for client in clients] == [[], [], [], [], [], [clients[0]]]


def test_a_connection_that_showed_a_credential_is_pushed_out_by_its_own_principal_alone() -> None:
    row, worker = places(), Client("a", "worker")
    assert row.enter(worker) == []
    for number in range(20):
        assert worker not in row.enter(Client("a" if number % 2 else f"a-{number}"))
    others = [Client("b", "worker"), Client("c", "worker")]
    assert [row.enter(other) for other in others] == [[], []]
    assert row.enter(Client("d", "worker")) == [worker]
    assert row.oldest_stranger() not in [*others, worker]


def test_a_principal_without_a_cap_keeps_all() -> None:
    row = places(principal=None)
    assert all(row.enter(Client("a", "worker")) == [] for _ in range(50))
    assert row.oldest_stranger() is None


def test_addresses_of_one_network_of_ipv6_count_as_one() -> None:
    row, first = places(), Client("2001:db8:0:1::1")
    assert row.enter(first) == row.enter(Client("2001:db8:0:2::1")) == row.enter(Client("2001:db8:0:1::2")) == []
    assert row.enter(Client("2001:db8:0:1:ffff::3")) == [first]
    assert row.enter(Client("::ffff:192.0.2.1")) == row.enter(Client("192.0.2.1")) == []


def test_nothing_is_kept_of_a_connection_that_left() -> None:
    row, client = places(), Client("a")
    row.enter(client)
    row.leave(client)
    row.leave(client)
    assert (len(row), row.oldest_stranger()) == (0, None)
