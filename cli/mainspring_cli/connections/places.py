"""How many connections may be open without a request in work: each connection is in the row of its address or
principal.

A connection that comes when its row is full takes the place of the oldest in the row. So silent clients push each other
out, and a prompt client's request is read before its turn comes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Generic, Protocol, TypeVar

__all__ = ["Caps", "Guest", "Places"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """Connections of a process whose next request is not complete."""

    address: int = 128
    """Of one address, whose last request showed no credential. IPv6: of one network of 64 bits."""
    total: int = 4096
    """Of all addresses together."""
    principal: int | None = 256
    """Whose last request was authenticated, of one principal. `None` = any number."""


class Guest(Protocol):
    """A connection."""

    @property
    def address(self) -> str: ...

    principal: str | None


G = TypeVar("G", bound=Guest)


class Places(Generic[G]):
    """The connections that wait, oldest first in each row. For one thread."""

    def __init__(self, caps: Caps, is_proxy: Callable[[str], bool]) -> None:
        """is_proxy: whether an address belongs to a trusted proxy, which forwards many clients; the row of a proxy has
        no cap."""
        self._caps = caps
        self._is_proxy = is_proxy
        self._rows: dict[str, dict[G, None]] = {}
        self._strangers: dict[G, None] = {}
        self._row_of: dict[G, str] = {}

    def __len__(self) -> int:
        return len(self._row_of)

    def enter(self, guest: G) -> list[G]:
        """Give a connection a place; returns the connections that lost their place, which the caller must close."""
        row, cap = self._row(guest)
        members = self._rows.setdefault(row, {})
        members[guest] = None
        self._row_of[guest] = row
        if guest.principal is None:
            self._strangers[guest] = None
        pushed_out = []
        if cap is not None and len(members) > cap:
            pushed_out.append(next(iter(members)))
        elif len(self._strangers) > self._caps.total:
            pushed_out.append(next(iter(self._strangers)))
        for member in pushed_out:
            self.leave(member)
        return pushed_out

    def leave(self, guest: G) -> None:
        """Take a connection's place back, if the connection has a place."""
        row = self._row_of.pop(guest, None)
        if row is None:
            return
        self._strangers.pop(guest, None)
        members = self._rows[row]
        del members[guest]
        if not members:
            del self._rows[row]

    def oldest_stranger(self) -> G | None:
        """The connection to close when descriptors or memory run out."""
        return next(iter(self._strangers), None)

    def all_guests(self) -> list[G]:
        return list(self._row_of)

    def _row(self, guest: G) -> tuple[str, int | None]:
        if guest.principal is not None:
            return f"principal {guest.principal}", self._caps.principal
        if self._is_proxy(guest.address):
            return "proxies", None
        return f"address {_network(guest.address)}", self._caps.address


def _network(address: str) -> str:
    """A client with IPv6 has a network of addresses for itself."""
    if ":" not in address:
        return address
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.packed[:8].hex()
