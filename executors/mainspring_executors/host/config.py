"""What a host is told in its first frame."""

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
    """Names this host; every message it sends begins with it."""
    mode: str
    """`threads` or `processes`."""
    concurrency: int
    code_path: tuple[str, ...]
    http_allow: tuple[str, ...]
    self_fence_seconds: float
    folder: str
    """Where the private folders of its attempts are made; exists."""

    def encode(self) -> bytes:
        return orjson.dumps(dataclasses.asdict(self))


def receive_config(control: socket.socket) -> HostConfig:
    """The first frame of a blocking socket, and nothing behind it: the next frames hold attempts, which the fork server
    must not know. Ends the process when the scheduler is gone."""
    payload = receive_frame(control)
    if payload is None:
        raise SystemExit(0)
    fields = orjson.loads(payload)
    fields["code_path"] = tuple(fields["code_path"])
    fields["http_allow"] = tuple(fields["http_allow"])
    return HostConfig(**fields)
