"""The worker's client of the execution API."""

import os
import secrets
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from time import monotonic
from typing import Any
from uuid import uuid4

import orjson

from mainspring.attempt_json import attempt_from_json
from mainspring.attempts import Attempt, Finished, LogChunk
from mainspring.errors import ExecutorError
from mainspring.large_values import LargeValue
from mainspring_executors.contract import Refusals
from mainspring_executors.rq.http_connection import Answer, Connection, Unreachable

__all__ = [
    "Claim",
    "ClaimRequest",
    "End",
    "ExecutionClient",
    "HeartbeatAnswer",
    "Outdated",
    "Refused",
    "Unauthorized",
    "Unreachable",
]

_ANSWER_SECONDS_MAX = 10.0
_HOSTNAME_CHARS_MAX = 255
_NO_REFUSALS = Refusals(count=0, cause=None)


class Unauthorized(Unreachable):
    """The execution API does not know this worker's token. A running change of the token can be the cause."""


class Outdated(ExecutorError):
    """The execution API does not speak this worker's version of the protocol: the worker must end."""


class Refused(ExecutorError):
    """The execution API will never accept this request."""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A worker's request to own an attempt."""

    attempt_id: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """Random and secret. All later calls about the attempt carry the token. The server answers a repeated claim with
    the same token again, so a lost answer does no harm."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that this worker owns."""

    attempt: Attempt
    token: str = field(repr=False)
    lease: timedelta
    asked_at: float
    """When the worker sent the request, by the monotonic clock. The server granted the lease after this instant, so a
    lease counted from here never ends too late."""
    is_ahead: bool
    """The claim was prefetched and does not report the start of the attempt."""


@dataclass(frozen=True, slots=True)
class End:
    """The result of an attempt, as the worker reports it."""

    claim: Claim
    report: Finished
    chunks: Sequence[LogChunk]
    """The last chunks of the log."""
    started_at: datetime | None
    """The start of a prefetched attempt, when the worker has not reported it yet; else None."""


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer:
    """The answer to a heartbeat."""

    stop: frozenset[str]
    """Attempts that this worker must stop."""
    lease: timedelta


class ExecutionClient:
    """Client of the execution API for one worker. Not safe for threads.

    Every call raises `Unreachable` when the caller may repeat it, and `Refused` when a repetition is of no use.
    """

    def __init__(self, url: str, worker_token: str, *, queue: str) -> None:
        self._url = url
        self.patience_seconds = _ANSWER_SECONDS_MAX
        """How long a heartbeat or a log chunk may wait for its connection, and again for its answer. Short, because the
        task host stops itself when this worker is silent for too long. A claim or a result may wait longer."""
        self.supports_prefetch = False
        """Whether the server supports prefetching, as of its last heartbeat answer. The previous release does not."""
        self.refusals: Callable[[], Refusals] = lambda: _NO_REFUSALS
        """What this machine had no room for; each beat says so."""
        headers = {
            "Authorization": f"Bearer {worker_token}",
            "Content-Type": "application/json",
            # The execution API derives this worker's instance id from the key: no other client can beat as this worker.
            "Worker-Key": secrets.token_urlsafe(32),
        }
        self._connection = Connection(f"{url.rstrip('/')}/execution/v1", headers)
        self._worker = {
            "incarnation": str(uuid4()),
            "hostname": socket.gethostname()[:_HOSTNAME_CHARS_MAX],
            "pid": os.getpid(),
            "version": version("mainspring"),
            "queue": queue,
        }

    def claim(self, claim_request: ClaimRequest) -> Claim | None:
        """Claim an attempt; None when this worker can never have it."""
        asked_at = monotonic()
        path = f"/attempts/{claim_request.attempt_id}/claim"
        answer = self._answer(self._post(path, self._claimant, token=claim_request.token))
        return None if answer is None else _claim(answer, claim_request, asked_at, is_ahead=False)

    def heartbeat(self, attempt_ids: Sequence[str], *, is_last: bool = False) -> HeartbeatAnswer:
        """Show that this worker lives, and renew the leases of its attempts.

        is_last: the worker is about to end.
        """
        refusals = self.refusals()
        worker = {
            **self._worker,
            "is_stopped": is_last,
            "refusals": {"count": refusals.count, "cause": refusals.cause},
        }
        body = {"worker": worker, "attempts": list(attempt_ids)}
        answer = self._answer(self._post("/beat", body, patience=self.patience_seconds))
        self.supports_prefetch = answer.get("takes_claims_ahead", False)
        return HeartbeatAnswer(frozenset(answer["stop"]), timedelta(seconds=answer["lease_seconds"]))

    def log(self, claim: Claim, chunk: LogChunk) -> bool:
        """Append to the log; False when this worker no longer owns the attempt."""
        return self._report(claim, "log", _chunk(chunk), patience=self.patience_seconds) is not None

    def send_value(self, claim: Claim, value: LargeValue, position: int, data: bytes) -> bool:
        """Send a piece of a large output; False when this worker no longer owns the attempt."""
        body = {"value": _reference(value), "position": position, "data": b64encode(data).decode()}
        return self._transfer(claim, "value", body) is not None

    def fetch_piece(self, claim: Claim, value: LargeValue, position: int) -> bytes:
        """A piece of a value that the attempt is handed. Raises `Refused` also when this worker no longer owns it."""
        body = {"value_id": value.id, "position": position}
        answer = self._transfer(claim, "input", body)
        if answer is None:
            raise Refused("this worker no longer owns the attempt")
        return b64decode(answer["data"])

    def start(self, claim: Claim, at: datetime) -> None:
        """Report the start of a prefetched attempt. Does nothing when this worker no longer owns the attempt."""
        self._report(claim, "start", self._started(at), patience=self.patience_seconds)

    def release(self, claim_request: ClaimRequest) -> None:
        """Release a prefetched claim for other workers. Does nothing when the claim was not granted."""
        self._answer(
            self._post(
                f"/attempts/{claim_request.attempt_id}/release",
                {},
                token=claim_request.token,
                patience=self.patience_seconds,
            )
        )

    def finish(
        self, end: End, claim_request: ClaimRequest | None, *, patience: float = _ANSWER_SECONDS_MAX
    ) -> Claim | None:
        """Report a result and, in the same call, claim the next attempt. The report does nothing when this worker no
        longer owns the attempt.

        Returns the claim that `claim_request` asks for. None when the server granted none; a separate `claim` gives
        the reason.
        """
        body = self._end(end)
        if claim_request is not None:
            body["next"] = self._claim_body(claim_request)
        asked_at = monotonic()
        order = (self._report(end.claim, "finish", body, patience=patience) or {}).get("next")
        return (
            None if claim_request is None or order is None else _claim(order, claim_request, asked_at, is_ahead=False)
        )

    def report_and_claim(self, ends: Sequence[End], claim_requests: Sequence[ClaimRequest]) -> Mapping[str, Claim]:
        """Report results and prefetch claims in one call. Only while `supports_prefetch`.

        Results of attempts that this worker no longer owns have no effect. Returns attempt id -> claim; this worker can
        never have the attempts that the answer lacks.
        """
        body = {
            "ends": [
                {"attempt_id": end.claim.attempt.attempt_id, "token": end.claim.token, **self._end(end)} for end in ends
            ],
            "bids": [self._claim_body(claim_request) for claim_request in claim_requests],
        }
        asked_at = monotonic()
        answer = self._answer(self._post("/exchange", body, patience=self.patience_seconds))
        orders = {order["attempt"]["attempt_id"]: order for order in answer["claimed"]}
        return {
            claim_request.attempt_id: _claim(orders[claim_request.attempt_id], claim_request, asked_at, is_ahead=True)
            for claim_request in claim_requests
            if claim_request.attempt_id in orders
        }

    def close(self) -> None:
        self._connection.close()

    @property
    def _claimant(self) -> dict[str, Any]:
        return {"hostname": self._worker["hostname"], "queue": self._worker["queue"], "takes_values": True}

    def _claim_body(self, claim_request: ClaimRequest) -> dict[str, Any]:
        return {"attempt_id": claim_request.attempt_id, "token": claim_request.token, **self._claimant}

    def _end(self, end: End) -> dict[str, Any]:
        report = end.report
        return {
            "at": report.at.isoformat(),
            "outcome": report.outcome,
            "reason": report.reason,
            "message": report.message,
            "exit_code": report.exit_code,
            "outputs": dict(report.outputs),
            "log_bytes": report.log_bytes,
            "log": [_chunk(chunk) for chunk in end.chunks],
            **({} if end.started_at is None else {"started": self._started(end.started_at)}),
            **({} if not report.large else {"large": [_reference(value) for value in report.large.values()]}),
        }

    def _started(self, at: datetime) -> dict[str, Any]:
        return {"at": at.isoformat(), "hostname": self._worker["hostname"]}

    def _report(
        self, claim: Claim, call: str, body: Mapping[str, Any], *, patience: float = _ANSWER_SECONDS_MAX
    ) -> Any:
        path = f"/attempts/{claim.attempt.attempt_id}/{call}"
        return self._answer(self._post(path, body, token=claim.token, patience=patience))

    def _transfer(self, claim: Claim, call: str, body: Mapping[str, Any]) -> Any:
        path = f"/attempts/{claim.attempt.attempt_id}/{call}"
        answer = self._post(path, body, token=claim.token, patience=self.patience_seconds)
        if answer.status == 404:
            # During an upgrade, a further connection may reach a process of this release.
            self._connection.close()
            raise Unreachable("this execution API is of the release before and knows no large values; renew it")
        return self._answer(answer)

    def _post(
        self, path: str, body: Mapping[str, Any], *, token: str | None = None, patience: float = _ANSWER_SECONDS_MAX
    ) -> Answer:
        headers = {"Attempt-Token": token} if token else {}
        return self._connection.post(path, orjson.dumps(body), headers, patience_seconds=patience)

    def _answer(self, answer: Answer) -> Any:
        """The decoded body; None for 409: this worker does not own the attempt."""
        if answer.status == 409:
            return None
        if answer.status == 401:
            raise Unauthorized("the execution API does not know this worker: MAINSPRING_WORKER_TOKEN is not its token")
        if answer.status == 426:
            text = answer.content[:500].decode(errors="replace")
            raise Outdated(f"this worker's release and the execution API's do not fit together: {text}")
        if answer.status in (408, 429) or answer.status >= 500:
            raise Unreachable(f"the execution API answers {answer.status} now")
        if answer.status != 200:
            text = answer.content[:500].decode(errors="replace")
            raise Refused(f"the execution API answers {answer.status}: {text}")
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as exc:
            raise Unreachable(f"what answers at {self._url} is not the execution API: {exc}") from exc


def _claim(answer: Mapping[str, Any], claim_request: ClaimRequest, asked_at: float, *, is_ahead: bool) -> Claim:
    lease = timedelta(seconds=answer["lease_seconds"])
    return Claim(attempt_from_json(answer["attempt"]), claim_request.token, lease, asked_at, is_ahead)


def _reference(value: LargeValue) -> Mapping[str, Any]:
    """A large output as the server reads it, which makes the id itself."""
    return {name: item for name, item in value.to_json().items() if name not in ("id", "path")}


def _chunk(chunk: LogChunk) -> Mapping[str, Any]:
    return {"offset": chunk.offset, "data": b64encode(chunk.data).decode()}
