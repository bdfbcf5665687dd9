"""A run from its start to its end in one call."""

import secrets
import time
from asyncio import sleep
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx

from .api.dag_runs import get_dag_run, trigger_dag_run, wait_dag_run_until_finished
from .client import AuthenticatedClient, Client
from .errors import ApiError
from .models.dag_run import DagRun
from .models.trigger_body import TriggerBody

__all__ = ["run_and_wait", "run_and_wait_async"]

WAIT_SECONDS = 55.0
"""Of one request."""
REACH_SECONDS = 60.0
"""Default for the time without an answer before a call gives up."""
_KEEP_ALIVE_SECONDS = 15.0
"""Between two bytes of the server during a wait. A client that waits less for a byte asks for shorter waits."""
_PAUSE_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between requests to a server that does not answer; the last one repeats."""
_BUSY = frozenset({429, 500, 502, 503, 504})


def run_and_wait(
    dag_id: str,
    trigger: TriggerBody | Mapping[str, Any] | None = None,
    *,
    client: AuthenticatedClient | Client,
    timeout: float | None = None,
    reach_seconds: float = REACH_SECONDS,
) -> DagRun:
    """Start one run and give it at its end, or as it is after `timeout` seconds: see `is_finished`.

    Each request is repeated after a lost answer, with one idempotency key: there is never a second run.

    Args:
        trigger: What to run; None = the defaults of the DAG.
        timeout: Seconds to wait for the end at most; None = no limit. The run goes on afterwards.
        reach_seconds: Seconds without any answer of the server before the call gives up.

    Raises:
        ApiError: The server refused the trigger, or the run was deleted.
        httpx.HTTPError: No answer for too long. The run may have been started.
    """
    course = _Course(client, timeout, reach_seconds)
    run: DagRun | None = None
    while run is None or not (run.is_finished or course.is_over):
        with course.outage():
            if run is None:
                run = trigger_dag_run.sync(dag_id, client=client, body=trigger or {}, **course.trigger_options)
            else:
                wait_dag_run_until_finished.sync(dag_id, run.dag_run_id, client=client, timeout=course.seconds)
                run = get_dag_run.sync(dag_id, run.dag_run_id, client=client)
        time.sleep(course.pause)
    return run


async def run_and_wait_async(
    dag_id: str,
    trigger: TriggerBody | Mapping[str, Any] | None = None,
    *,
    client: AuthenticatedClient | Client,
    timeout: float | None = None,
    reach_seconds: float = REACH_SECONDS,
) -> DagRun:
    """As `run_and_wait`, without blocking."""
    course = _Course(client, timeout, reach_seconds)
    run: DagRun | None = None
    while run is None or not (run.is_finished or course.is_over):
        with course.outage():
            if run is None:
                run = await trigger_dag_run.asyncio(dag_id, client=client, body=trigger or {}, **course.trigger_options)
            else:
                await wait_dag_run_until_finished.asyncio(dag_id, run.dag_run_id, client=client, timeout=course.seconds)
                run = await get_dag_run.asyncio(dag_id, run.dag_run_id, client=client)
        await sleep(course.pause)
    return run


class _Course:
    """How long the call goes on, and the pauses between its requests."""

    def __init__(self, client: AuthenticatedClient | Client, timeout: float | None, reach_seconds: float) -> None:
        read = client.get_httpx_client().timeout.read
        self._seconds_max = WAIT_SECONDS if read is None or read > _KEEP_ALIVE_SECONDS else read / 2
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._reach_seconds = reach_seconds
        self._answered_at = time.monotonic()
        self._failures = 0
        # The key belongs to one request: its parameters stay the same when it is repeated.
        self.trigger_options = {"wait": self.seconds, "idempotency_key": secrets.token_hex(16)}

    @property
    def seconds(self) -> float:
        """Seconds for the next wait."""
        if self._deadline is None:
            return self._seconds_max
        return min(self._seconds_max, max(0.0, self._deadline - time.monotonic()))

    @property
    def is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    @property
    def pause(self) -> float:
        """Seconds until the next request; 0 after an answer."""
        return _PAUSE_SECONDS[min(self._failures, len(_PAUSE_SECONDS)) - 1] if self._failures else 0.0

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Swallow the failure of a request that may be repeated, while the server was silent for no longer than
        `reach_seconds`."""
        try:
            yield
        except (httpx.HTTPError, ApiError) as exc:
            self._failures += 1
            if not _may_pass(exc) or time.monotonic() - self._answered_at >= self._reach_seconds:
                raise
        else:
            self._answered_at, self._failures = time.monotonic(), 0


def _may_pass(exc: httpx.HTTPError | ApiError) -> bool:
    if not isinstance(exc, ApiError):
        return True
    # The server is answering the same request, whose answer the client did not wait for.
    is_in_use = exc.status_code == HTTPStatus.CONFLICT and exc.code == "idempotency_key_in_use"
    return is_in_use or int(exc.status_code) in _BUSY
