"""The configuration of a host, which arrives in its first frame."""

import dataclasses
import socket
from dataclasses import dataclass

import orjson

from mainspring_executors.protocol.frames import receive_frame

__all__ = ["HostConfig", "receive_config"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HostConfig:
    """Settings of one host process."""

    epoch: str
    """The mark of this host. Every message of the host begins with it."""
    mode: str
    """`threads` or `processes`."""
    concurrency: int
    code_path: tuple[str, ...]
    http_allow: tuple[str, ...]
    self_fence_seconds: float
    folder: str
    """Existing parent of the private folders of the attempts."""

    def encode(self) -> bytes:
        return orjson.dumps(dataclasses.asdict(self))


def receive_config(control: socket.socket) -> HostConfig:
    """Read exactly the first frame of a blocking socket. Ends the process when the scheduler is gone.

    The next frames hold attempts with secrets. They must not be in this process when it forks the fork server.
    """
    payload = receive_frame(control)
    if payload is None:
        raise SystemExit(0)
    fields = orjson.loads(payload)
    fields["code_path"] = tuple(fields["code_path"])
    fields["http_allow"] = tuple(fields["http_allow"])
    return HostConfig(**fields)
