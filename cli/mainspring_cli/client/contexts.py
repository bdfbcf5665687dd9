"""The servers that a user knows by name: a file of mode 0600, because the file holds tokens."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mainspring_cli.config import ConfigError

__all__ = ["Contexts", "Server", "address_of", "contexts_path", "read_contexts", "server_of", "write_contexts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The address of a server and the token for the server."""

    url: str
    """Without `/api/v2`."""
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contexts:
    """What the file says."""

    current: str | None = None
    servers: Mapping[str, Server] = field(default_factory=dict)

    def with_server(self, name: str, server: Server) -> "Contexts":
        """A copy with a further server; the first server becomes the current server."""
        return replace(self, servers={**self.servers, name: server}, current=self.current or name)

    def without(self, name: str) -> "Contexts":
        servers = {key: server for key, server in self.servers.items() if key != name}
        return replace(self, servers=servers, current=None if self.current == name else self.current)

    def require(self, name: str) -> Server:
        """
        Raises:
            ConfigError: There is no context of this name.
        """
        if name not in self.servers:
            names = ", ".join(sorted(self.servers)) or "none"
            raise ConfigError([f"there is no context {name!r}; known: {names} (mainspring contexts add)"])
        return self.servers[name]


def address_of(url: str) -> str:
    """The server's URL, from an address in the user's spelling.

    Raises:
        ConfigError: It is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError([f"{url!r} is no address of a server; write http://HOST:PORT or https://HOST"])
    return url.rstrip("/").removesuffix("/api/v2")


def server_of(url: str, token: str, *, origin: str) -> Server:
    """The server at an address, and the token from `origin`.

    Raises:
        ConfigError: The text is no address, or no token; the token itself is not told.
    """
    if not (token.isascii() and token.isprintable()) or " " in token or not token:
        raise ConfigError([f"what {origin} gives is no token: those are one word of ASCII characters"])
    return Server(url=address_of(url), token=token)


def contexts_path(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME") or os.path.join(environment.get("HOME", "~"), ".config")
    return Path(environment.get("MAINSPRING_CONTEXTS") or Path(base, "mainspring", "contexts.json")).expanduser()


def read_contexts(path: Path) -> Contexts:
    """What the file says; nothing when there is none.

    Raises:
        ConfigError: Other users may read the file, or the file has an unknown format.
    """
    try:
        mode = path.stat().st_mode
        document = json.loads(path.read_text(encoding="utf-8"))
        servers = {name: Server(url=entry["url"], token=entry["token"]) for name, entry in document["contexts"].items()}
        contexts = Contexts(current=document["current"], servers=servers)
    except FileNotFoundError:
        return Contexts()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigError([f"{path}: cannot be read as contexts ({exc!r}); mend it or remove it"]) from exc
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError([f"{path}: others may read this file, and it holds tokens: chmod 600 {path}"])
    return contexts


def write_contexts(path: Path, contexts: Contexts) -> None:
    """Put the file in place at once, readable by its owner alone from its first byte on."""
    document: dict[str, Any] = {
        "current": contexts.current,
        "contexts": {name: {"url": server.url, "token": server.token} for name, server in contexts.servers.items()},
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
    draft.replace(path)
