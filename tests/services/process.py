"""A server as a child process that cannot outlive the process that started it."""

import ctypes
import importlib.util
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.services.environment import child_environment

__all__ = ["ServerError", "package_folder", "spawn", "stop", "wait_until_ready"]

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerError(RuntimeError):
    """A server that the tests need did not start. A failure, never a skip."""


def package_folder(name: str) -> Path:
    """Where the installed package `name` lies, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"package {name!r} is not installed; it brings a server that the tests need: ./dev test")
    return Path(spec.submodule_search_locations[0])


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    uid: int | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `log`; as user and group `uid` when given (root only).
    `environment`: by default that of every process of the tests.

    On Linux the kernel kills it when the calling thread ends, so call it from one that lives as long as the server.
    """

    def die_with_parent() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child_environment() if environment is None else environment,
            pass_fds=pass_fds,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            start_new_session=True,  # a Ctrl-C at the terminal is for pytest alone
            preexec_fn=die_with_parent,
        )


def wait_until_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], *, log: Path, timeout_seconds: float = 30
) -> None:
    """Return once `is_ready()` is true.

    Raises:
        ServerError: the process ended, or was not ready in time; the message holds the end of its log.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            state = "not ready in time" if process.returncode is None else f"exit code {process.returncode}"
            stop(process)
            tail = log.read_text(errors="replace")[-2000:]
            raise ServerError(f"{Path(str(process.args[0])).name}: {state}\n{tail}")  # type: ignore[index]
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], *, with_signal: signal.Signals = signal.SIGTERM) -> None:
    """End the server; kill it when it has not gone after ten seconds. Calling it again does nothing."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
