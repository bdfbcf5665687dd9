"""A stand-in for PgBouncer before PostgreSQL, as far as a client can tell at the start of a session."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

__all__ = ["pooled"]

_FOREIGN_PID = 4_000_000


@contextmanager
def pooled(url: str, folder: Path, *, takes_options: bool) -> Iterator[str]:
    """The URL of the same database through a pooler; `url` leads to a unix socket.

    takes_options: as with `ignore_startup_parameters = options`; by default PgBouncer refuses them.
    """
    parts = urlsplit(url)
    (server_folder,) = parse_qs(parts.query)["host"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen()
        serve = threading.Thread(
            target=_serve, args=(listener, f"{server_folder}/.s.PGSQL.5432", takes_options), daemon=True
        )
        serve.start()
        yield urlunsplit(parts._replace(query=f"host={quote(str(folder), safe='')}"))
        listener.shutdown(socket.SHUT_RDWR)
        serve.join()


def _serve(listener: socket.socket, server: str, takes_options: bool) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        startup = _startup(client)
        if takes_options:
            threading.Thread(target=_relay, args=(client, server, startup), daemon=True).start()
            continue
        fields = b"SFATAL\0C08P01\0Munsupported startup parameter in options: lock_timeout\0\0"
        client.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        client.close()


def _startup(client: socket.socket) -> bytes:
    """The first message of a client; refuses encryption, as a server on a unix socket does."""
    while True:
        (length,) = struct.unpack("!I", client.recv(4, socket.MSG_WAITALL))
        body = client.recv(length - 4, socket.MSG_WAITALL)
        if struct.unpack("!I", body[:4])[0] == 3 << 16:
            return struct.pack("!I", length) + body
        client.sendall(b"N")


def _relay(client: socket.socket, address: str, startup: bytes) -> None:
    with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
        server.connect(address)
        server.sendall(startup)
        threading.Thread(target=_copy, args=(client, server), daemon=True).start()
        kind = b""
        while kind != b"K":
            kind = server.recv(1)
            head = server.recv(4, socket.MSG_WAITALL)
            body = server.recv(struct.unpack("!I", head)[0] - 4, socket.MSG_WAITALL)
            client.sendall(kind + head + (struct.pack("!I", _FOREIGN_PID) + body[4:] if kind == b"K" else body))
        _copy(server, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
