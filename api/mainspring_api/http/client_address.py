"""The address of the client, directly or behind proxies that the settings name.

Any client can send `X-Forwarded-For`, so only the entries of configured proxies are believed: the reading starts at the
other end of the connection and goes from right to left, one entry for each configured proxy.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import g

__all__ = ["TrustedProxies", "client_address", "client_network", "is_client_on_this_machine"]

_NETWORK_BITS_IPV6 = 64
"""The smallest network of a customer of an internet provider: all its addresses belong to one client."""
_ENTRIES_MAX = 50

_Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """networks: addresses or CIDR ranges. Raises ValueError for anything else."""
        self._networks = tuple(ip_network(network) for network in networks)

    def client(self, peer: str, forwarded: str) -> str:
        """The address of the client behind the proxies; the peer itself when the peer is no configured proxy.

        peer: the other end of the connection.
        forwarded: the header `X-Forwarded-For`, empty when the request has none.
        """
        address = _parse(peer)
        if address is None:
            return peer
        entries = forwarded.split(",")[-_ENTRIES_MAX:] if forwarded else []
        while entries and self._is_trusted(address):
            previous = _parse(entries.pop())
            if previous is None:
                break
            address = previous
        return str(address)

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def client_address() -> str:
    """The client address of the current request, set by the middleware."""
    address: str = g.client_address
    return address


def client_network() -> str:
    """The address that limits count for: of IPv6 the /64 network, because a client owns all addresses of the
    network."""
    address = _parse(client_address())
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), _NETWORK_BITS_IPV6), strict=False))
    return client_address()


def is_client_on_this_machine() -> bool:
    """Whether the current request came over the loopback interface, and through no proxy that a client is behind."""
    address = _parse(client_address())
    return address is not None and address.is_loopback


def _parse(entry: str) -> _Address | None:
    """An address, with or without a port; None = something else."""
    entry = entry.strip()
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        address = ip_address(entry)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
