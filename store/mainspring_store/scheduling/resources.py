"""What tasks name beside their run: secrets and variables."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select

from mainspring_store.tables import secret

__all__ = ["ResourceReads"]


class ResourceReads:
    """The part of a pass that reads what definitions name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def secrets(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Name -> ciphertext, of those that exist."""
        return {row.name: row.ciphertext for row in self._connection.execute(_SECRETS, {"names": list(names)})}


_SECRETS = select(secret.c.name, secret.c.ciphertext).where(secret.c.name.in_(bindparam("names", expanding=True)))
