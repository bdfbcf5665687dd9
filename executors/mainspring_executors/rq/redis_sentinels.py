"""Redis behind Sentinels, which say which server is the master now.

The address has the form `redis+sentinel://user:password@host:26379,host2:26379/service/db`; with `rediss+sentinel` the
server is reached by TLS. User and password are those of the server. The Sentinels get `sentinel_user` and
`sentinel_password` of the query, in clear text; `ssl_ca_certs` names the file of the authority of the server.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mainspring.errors import ExecutorError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["LOOPBACK", "QUOTING", "SENTINEL_SCHEMES", "connect_by_sentinels", "hosts_of_sentinels", "without_password"]

SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
QUOTING = (
    "in a password `/`, `?`, `#`, `%`, `[` and `]` must be written as %2F, %3F, %23, %25, %5B and %5D, as in"
    " redis://user:pass%2Fword@host:6379/0"
)
_PORT = 26379
_FORM = "redis+sentinel://user:password@host:26379,host2:26379/service/0"
_WITHOUT_PASSWORD = (
    "redis_url names Sentinels and has no password: they may name a Redis on another machine, where any client that"
    f" reaches it could hold up every task; set one, as in {_FORM}"
)


def without_password(hostname: str) -> str:
    """Why an address of another machine needs a password."""
    return (
        f"Redis at {hostname} is on another machine and its address has no password: any client that reaches it"
        " could hold up every task; set one, as in rediss://user:password@host:6379/0"
    )


def connect_by_sentinels(url: str, options: dict[str, Any]) -> "Redis":
    """A client of the master. Each new connection asks the Sentinels; a connection to a former master ends.

    options: of each connection.

    Raises:
        ExecutorError: The address is malformed, or has no password.
    """
    from redis.sentinel import Sentinel

    try:
        parts = urlsplit(url)
        hosts = hosts_of_sentinels(parts)
        service, _, number = parts.path.strip("/").partition("/")
        database = int(number or 0)
    except ValueError:
        raise ExecutorError(f"redis_url cannot be read; {QUOTING}") from None
    if not hosts or not service or "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        raise ExecutorError(f"redis_url names no host or no service: write it as {_FORM}; {QUOTING}")
    if not parts.password:
        raise ExecutorError(_WITHOUT_PASSWORD)
    query = parse_qs(parts.query)
    plain = options
    of_sentinels = {"username": query.get("sentinel_user"), "password": query.get("sentinel_password")}
    if parts.scheme == "rediss+sentinel":
        options = {**options, "ssl": True, "ssl_ca_certs": query.get("ssl_ca_certs", [None])[-1]}
    make: Any = Sentinel  # the library gives it no types
    sentinel = make(
        hosts, sentinel_kwargs={**plain, **{name: value[-1] for name, value in of_sentinels.items() if value}}
    )
    client: Redis = sentinel.master_for(
        service,
        db=database,
        username=_unquoted(parts.username),
        password=_unquoted(parts.password),
        **options,
    )
    return client


def hosts_of_sentinels(parts: SplitResult) -> list[tuple[str, int]]:
    """Host and port of each Sentinel of an address, in order.

    Raises:
        ValueError: A port is no number.
    """
    places = parts.netloc.rpartition("@")[2]
    hosts = []
    for place in filter(None, places.split(",")):
        split = urlsplit(f"//{place}")
        if split.hostname:
            hosts.append((split.hostname, split.port or _PORT))
    return hosts


def _unquoted(text: str | None) -> str | None:
    return None if not text else unquote(text)
