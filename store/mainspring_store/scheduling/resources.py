"""Resources named by tasks: secrets and variables."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select

from mainspring_store.scheduling.parts import PassPart
from mainspring_store.tables import secret, variable

__all__ = ["ResourceReads"]


class ResourceReads(PassPart):
    """The part of a pass that reads secrets and variables."""

    def secrets(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Name -> ciphertext; missing secrets are absent."""
        return {row.name: row.ciphertext for row in self._connection.execute(_SECRETS, {"names": list(names)})}

    def variables(self, keys: Iterable[str]) -> Mapping[str, str]:
        """Key -> text; missing variables are absent."""
        return {row.key: row.value for row in self._connection.execute(_VARIABLES, {"keys": list(keys)})}


_SECRETS = select(secret.c.name, secret.c.ciphertext).where(secret.c.name.in_(bindparam("names", expanding=True)))
_VARIABLES = select(variable.c.key, variable.c.value).where(variable.c.key.in_(bindparam("keys", expanding=True)))
