"""How often passwords may be tried.

A try counts as failed until its permit is returned. It needs a permit for the account from this address, for the
address, for the account from all addresses, and for all tries together, in this order: an address that has none left
uses up nothing of an account, and an account that has none left nothing of the total. So one address cannot lock a user
out, and many addresses can lock out only clients that have not logged in lately: a client with a device token of the
user needs a permit of that device alone.
"""

from dataclasses import dataclass

from mainspring_api.http.limits import RateLimit
from mainspring_store import Database
from mainspring_store.access.rate_limits import Bucket

__all__ = ["LoginLimits", "LoginTry", "login_limits_of"]

_ALL = "all"
_WHAT = "failed logins"


@dataclass(frozen=True, slots=True)
class LoginTry:
    """A try of a password that counts as failed until `give_back`."""

    permits: tuple[tuple[RateLimit, str], ...]

    def give_back(self) -> None:
        """The password was right, or was not looked at."""
        for limit, holder in self.permits:
            limit.give_back(holder)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginLimits:
    """The limits of failed logins, counted for all API processes together."""

    pairs: RateLimit
    """Of one account from one address."""
    networks: RateLimit
    """Of one address, under any name."""
    accounts: RateLimit
    """Of one account, from any address."""
    total: RateLimit
    devices: RateLimit
    """Of one device of one user; nothing else counts for it."""
    changes: RateLimit
    """Limit for a user who changes the password and must send the present password."""

    def take(self, username: str, *, network: str, device_id: str | None) -> LoginTry:
        """Count a try to log in.

        device_id: of a device with a recent login of this user; `None` = an unknown one.

        Raises:
            TooManyRequests: One of the limits is reached.
        """
        if device_id is not None:
            return _taken((self.devices, device_id))
        return _taken(
            (self.pairs, f"{network} {username}"),
            (self.networks, network),
            (self.accounts, username),
            (self.total, _ALL),
        )

    def take_identity(self, network: str) -> LoginTry:
        """Count a try to log in with an identity provider, or to exchange a token. Raises TooManyRequests."""
        return _taken((self.networks, network), (self.total, _ALL))

    def take_change(self, user_id: str) -> LoginTry:
        """Count a try to change a password. Raises TooManyRequests."""
        return _taken((self.changes, user_id))


def _taken(*permits: tuple[RateLimit, str]) -> LoginTry:
    for limit, holder in permits:
        limit.take(holder)
    return LoginTry(permits)


def login_limits_of(database: Database) -> LoginLimits:
    def limit(name: str, *, size: float, every_seconds: float) -> RateLimit:
        return RateLimit(_WHAT, database, Bucket(name=name, per_second=1 / every_seconds, size=size))

    return LoginLimits(
        pairs=limit("logins", size=10, every_seconds=6),
        networks=limit("login_networks", size=30, every_seconds=6),
        accounts=limit("login_accounts", size=50, every_seconds=12),
        total=limit("logins_total", size=100, every_seconds=0.5),
        devices=limit("login_devices", size=10, every_seconds=6),
        changes=limit("password_changes", size=10, every_seconds=6),
    )
