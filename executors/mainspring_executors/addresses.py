"""The network addresses that a task of type `http` may reach: by default, public addresses only.

The policy resolves a name once and checks every address of the name. The task then connects to a checked address, so a
name server cannot give another answer for the connection. Spellings like `http://0x7f.1/` need no special care: the
policy checks the resolved address.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mainspring.errors import ExecutorError

__all__ = ["AddressPolicy", "AddressRefused", "HostList", "system_resolver"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) -> addresses, best first. Raises `OSError` when the host has no address."""

_ENTRY = re.compile(r"(?P<host>\[[0-9a-fA-F:./]+\]|[^:\s\[\]]+)(:(?P<port>\d{1,5}))?")

_NEVER_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # a cloud's internal service behind a public number
            "192.0.0.0/24",
            "192.88.99.0/24",
            "2002::/16",  # 6to4, withdrawn by RFC 7526; Python calls it public up to 3.12.3
            "fec0::/10",
        ),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """The policy forbids this address."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One entry of the allow-list."""

    host: str | None
    network: Network | None
    port: int | None

    def covers(self, host: str, address: Address, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address in self.network
        return self.host == host


class AddressPolicy:
    """Allows public addresses and the entries of an allow-list.

    `allow` holds `host`, `host:port`, `CIDR` or `CIDR:port`, IPv6 with a port in brackets (`[fd00::/8]:8080`). Raises
    `ExecutorError` for a malformed entry.
    """

    def __init__(self, allow: Sequence[str], *, resolve: Resolver | None = None) -> None:
        self._allowed = tuple(map(_parse, allow))
        self._resolve = resolve or system_resolver

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`. Raises `AddressRefused` when the policy forbids an address, `OSError` when the host
        has none."""
        name = host.rstrip(".").lower()
        addresses = self._resolve(host, port)
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not (is_public(address) or any(entry.covers(name, address, port) for entry in self._allowed)):
                raise AddressRefused(
                    f"{host}:{port} has the address {address}, which is not public; allow it on purpose by "
                    f"MAINSPRING_HTTP_ALLOW={host}:{port}"
                )
        return addresses


class HostList:
    """Hosts that users may name: `host`, `host:port`, or `*.domain` for all hosts below a domain."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = tuple(entry.rstrip(".").lower() for entry in entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def covers(self, host: str, port: int) -> bool:
        name = host.rstrip(".").lower()
        return any(
            entry in (name, f"{name}:{port}") or (entry.startswith("*.") and name.endswith(entry[1:]))
            for entry in self._entries
        )


def is_public(address: Address) -> bool:
    """Whether `address`, and every address hidden in it, belongs to the public internet."""
    if not address.is_global or address.is_multicast or (address.is_reserved and address not in _NAT64):
        return False
    if any(address in network for network in _NEVER_PUBLIC if network.version == address.version):
        return False
    hidden = _hidden_in(address) if isinstance(address, ipaddress.IPv6Address) else ()
    return all(map(is_public, hidden))


def system_resolver(host: str, port: int) -> Sequence[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _hidden_in(address: ipaddress.IPv6Address) -> Sequence[ipaddress.IPv4Address]:
    """IPv4 addresses that packets to `address` may end up at: mapped, compatible, 6to4, Teredo, NAT64."""
    embedded = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    hidden = [inner for inner in embedded if inner is not None]
    if address in _NAT64 or int(address) < 2**32:
        hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return hidden


def _parse(entry: str) -> _Allowed:
    network = _network(entry)
    if network is not None:
        return _Allowed(None, network, None)
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ExecutorError(f"http_allow holds '{entry}'; write host, host:port, CIDR, CIDR:port or [IPv6 CIDR]:port")
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 1 <= port <= 65535:
        raise ExecutorError(f"http_allow holds '{entry}'; its port must be between 1 and 65535")
    host = match["host"].strip("[]").rstrip(".").lower()
    network = _network(host)
    if network is None and "/" in host:
        raise ExecutorError(f"http_allow holds '{entry}'; '{host}' is no network")
    return _Allowed(None if network is not None else host, network, port)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
