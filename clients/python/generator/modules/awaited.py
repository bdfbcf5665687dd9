"""A run from its start to its end in one call."""

import secrets
import time
from asyncio import sleep
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from .api.dag_runs import get_dag_run, trigger_dag_run, wait_dag_run_until_finished
from .client import AuthenticatedClient, Client
from .errors import ApiError
from .models.dag_run import DagRun
from .models.trigger_body import TriggerBody
from .types import UNSET

__all__ = ["run_and_wait", "run_and_wait_async"]

WAIT_SECONDS = 55.0
"""Of one request."""
REACH_SECONDS = 60.0
"""Default for the time from the first request without an answer until a call gives up."""
_KEEP_ALIVE_SECONDS = 15.0
"""Between two bytes of the server during a wait. A client that waits less for a byte asks for shorter waits."""
_PAUSE_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between requests to a server that does not answer; the last one repeats."""
_REFUSED_PAUSE_SECONDS = 1.0
"""After a wait that the server refused, and a question in its place."""
_BUSY = frozenset({429, 500, 502, 503, 504})
_REFUSED = frozenset({429, 503})
"""Of a trigger that the server did not carry out. After the other statuses a run may exist."""
_LATER = frozenset({"idempotency_key_in_use", "too_many_requests", "too_many_waits"})
"""Codes of a server that is well. With a key in use, the server is still answering the same request."""


def run_and_wait(
    dag_id: str,
    trigger: TriggerBody | Mapping[str, Any] | None = None,
    *,
    client: AuthenticatedClient | Client,
    timeout: float | None = None,
    reach_seconds: float = REACH_SECONDS,
    traceparent: str | None = None,
) -> DagRun:
    """Start one run and give it at its end, or as it is after `timeout` seconds: see `is_finished`.

    Each request is repeated after a lost answer, with one idempotency key: there is never a second run.

    Args:
        trigger: What to run; None = the defaults of the DAG.
        timeout: Seconds to wait for the end at most; None = no limit. The run goes on afterwards.
        reach_seconds: Seconds without any answer of the server before the call gives up.
        traceparent: Span of the caller, as W3C Trace Context writes it; the run continues its trace. None = no span.

    Raises:
        ApiError: The server refused the trigger, with 429 and 503 until `timeout` was over; or the run was deleted.
        httpx.HTTPError: No answer for too long. The run may have been started.
    """
    course = _Course(client, timeout, reach_seconds, traceparent)
    run: DagRun | None = None
    while run is None or not (run.is_finished or course.is_over):
        with course.outage(is_started=run is not None):
            if run is None:
                run = trigger_dag_run.sync(dag_id, client=client, body=trigger or {}, **course.trigger_options)
            else:
                with course.wait():
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
    traceparent: str | None = None,
) -> DagRun:
    """As `run_and_wait`, without blocking."""
    course = _Course(client, timeout, reach_seconds, traceparent)
    run: DagRun | None = None
    while run is None or not (run.is_finished or course.is_over):
        with course.outage(is_started=run is not None):
            if run is None:
                run = await trigger_dag_run.asyncio(dag_id, client=client, body=trigger or {}, **course.trigger_options)
            else:
                with course.wait():
                    await wait_dag_run_until_finished.asyncio(
                        dag_id, run.dag_run_id, client=client, timeout=course.seconds
                    )
                run = await get_dag_run.asyncio(dag_id, run.dag_run_id, client=client)
        await sleep(course.pause)
    return run


class _Course:
    """How long the call goes on, and the pauses between its requests."""

    def __init__(
        self,
        client: AuthenticatedClient | Client,
        timeout: float | None,
        reach_seconds: float,
        traceparent: str | None,
    ) -> None:
        read = client.get_httpx_client().timeout.read
        self._seconds_max = WAIT_SECONDS if read is None or read > _KEEP_ALIVE_SECONDS else read / 2
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._reach_seconds = reach_seconds
        self._silent_since: float | None = None
        self._failures = 0
        self._is_wait_refused = False
        # The key belongs to one request: its parameters stay the same when it is repeated.
        self.trigger_options: dict[str, Any] = {
            "wait": self.seconds,
            "idempotency_key": secrets.token_hex(16),
            "traceparent": UNSET if traceparent is None else traceparent,
        }

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
        if self._failures:
            return _PAUSE_SECONDS[min(self._failures, len(_PAUSE_SECONDS)) - 1]
        return _REFUSED_PAUSE_SECONDS if self._is_wait_refused else 0.0

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Swallow the refusal of a wait for which the server has no place: the client asks for the run instead."""
        self._is_wait_refused = False
        try:
            yield
        except ApiError as exc:
            if not _is_answer(exc):
                raise
            self._is_wait_refused = True

    @contextmanager
    def outage(self, *, is_started: bool) -> Iterator[None]:
        """Swallow the failure of a request that may be repeated.

        Raises:
            httpx.HTTPError, ApiError: The server was silent for `reach_seconds`, refuses for good, or refuses to start
                the run after `timeout`.
        """
        try:
            yield
        except (httpx.HTTPError, ApiError) as exc:
            self._failures += 1
            now = time.monotonic()
            if _is_answer(exc):
                self._silent_since = None
            elif self._silent_since is None:
                # The time inside a request is no silence: the server may answer a wait for a minute.
                self._silent_since = now
            is_late = self._silent_since is not None and now - self._silent_since >= self._reach_seconds
            is_given_up = not is_started and self.is_over and _is_refusal(exc)
            if is_late or is_given_up or not _may_pass(exc):
                raise
        else:
            self._silent_since, self._failures = None, 0


def _is_answer(exc: httpx.HTTPError | ApiError) -> bool:
    """Whether the server is well and refuses a request that may pass later."""
    return isinstance(exc, ApiError) and exc.code in _LATER


def _is_refusal(exc: httpx.HTTPError | ApiError) -> bool:
    return isinstance(exc, ApiError) and int(exc.status_code) in _REFUSED


def _may_pass(exc: httpx.HTTPError | ApiError) -> bool:
    return not isinstance(exc, ApiError) or _is_answer(exc) or int(exc.status_code) in _BUSY
