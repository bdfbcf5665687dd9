"""What a host is told in its first frame."""

import dataclasses
import socket
from dataclasses import dataclass
from typing import Any

import orjson

from mainspring_executors.protocol.frames import FrameReader

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


def receive_config(control: socket.socket) -> tuple[HostConfig, list[Any], FrameReader]:
    """The first frame of a blocking socket, the messages that came right behind it, and the reader to go on with."""
    reader = FrameReader()
    payloads: list[bytes] = []
    while not payloads:
        data = control.recv(256 * 1024)
        if not data:
            raise SystemExit(0)
        payloads = list(reader.feed(data))
    fields = orjson.loads(payloads[0])
    fields["code_path"] = tuple(fields["code_path"])
    fields["http_allow"] = tuple(fields["http_allow"])
    messages = [message for payload in payloads[1:] for message in orjson.loads(payload)]
    return HostConfig(**fields), messages, reader
