"""Keeps child processes running side by side, and leaves none behind.

A child that ends is started again with backoff; a service that repeatedly ends soon after its start ends the
supervisor, so that the caller sees the failure. The kernel signals the children when the supervisor is killed.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mainspring_cli.services.logs import JsonFormatter, own_formatter

__all__ = ["Service", "follow_parent", "supervise"]

_log = logging.getLogger(__name__)

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: starting again cannot help
_FAILURES_MAX = 5
_STEADY_SECONDS = 10.0
_BACKOFF_SECONDS_MAX = 10.0
_STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_PR_SET_PDEATHSIG = 1


@dataclass(kw_only=True)
class Service:
    """A child process and its history of restarts."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    """Of the monotonic clock."""
    failures: int = 0
    """Ends in a row that each came within `_STEADY_SECONDS` of the start."""
    restart_at: float = 0.0
    """Of the monotonic clock; counts while there is no process."""

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at the terminal reaches the supervisor, which stops its children in order
            preexec_fn=follow_parent(os.getpid()),
        )

    def ended(self) -> int | None:
        """Exit code of a child that has ended since the last call; it is then no longer ours."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        return code

    def plan_restart(self) -> None:
        now = time.monotonic()
        self.failures = self.failures + 1 if now - self.started_at < _STEADY_SECONDS else 0
        self.restart_at = now + min(0.25 * 2**self.failures, _BACKOFF_SECONDS_MAX)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def supervise(services: Sequence[Service], *, stop_seconds: float) -> int:
    """Run the services until SIGINT, SIGTERM or SIGHUP, then stop them all; returns the exit code to end with.

    A service that is still running after `stop_seconds`, or at a second SIGINT from an impatient user, is killed. Must
    be called from the only thread.
    """
    watched = _STOP_SIGNALS | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    for service in services:
        service.start()
    try:
        return _watch(services, watched)
    finally:
        _stop(services, watched, seconds=stop_seconds)


def _watch(services: Sequence[Service], watched: frozenset[signal.Signals]) -> int:
    while True:
        resting = [service.restart_at for service in services if service.process is None]
        received = _next_signal(watched, until=min(resting, default=None))
        if received in _STOP_SIGNALS:
            return 0
        for service in services:
            code = service.ended()
            if code is not None:
                service.plan_restart()
                if code == EXIT_CONFIG or service.failures >= _FAILURES_MAX:
                    _say(f"{service.name} cannot run (exit code {code}); stopping")
                    return code if code > 0 else 1
                _say(f"{service.name} ended (exit code {code}); starting it again")
            elif service.process is None and service.restart_at <= time.monotonic():
                service.start()


def _stop(services: Sequence[Service], watched: frozenset[signal.Signals], *, seconds: float) -> None:
    for service in services:
        service.send(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(service.is_running() for service in services) and time.monotonic() < deadline:
        if _next_signal(watched, until=deadline) == signal.SIGINT:
            break
    for service in services:
        service.kill()


def _next_signal(watched: frozenset[signal.Signals], *, until: float | None) -> int | None:
    """Wait for a signal up to the instant `until` of the monotonic clock; `None` when none came."""
    if until is None:
        return signal.sigwait(watched)
    received = signal.sigtimedwait(watched, max(until - time.monotonic(), 0.0))
    return None if received is None else received.si_signo


def follow_parent(parent_pid: int) -> Callable[[], None]:
    """Code that a child runs before its program, so that the kernel sends SIGTERM to the child when this process ends.

    The starting thread must live as long as the child: the kernel takes its end for the parent's.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def in_child() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent_pid:  # it ended before the kernel was told
                os._exit(1)

    return in_child


def _say(message: str) -> None:
    if isinstance(own_formatter(), JsonFormatter):
        _log.warning("%s", message)
    else:
        print(f"mainspring: {message}", file=sys.stderr, flush=True)
