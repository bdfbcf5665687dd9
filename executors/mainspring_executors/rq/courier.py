"""The worker's side of the execution API."""

import os
import socket
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from mainspring.attempts import Attempt, Finished, Limits, LogChunk
from mainspring.errors import ExecutorError

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Claim", "Courier", "Heard", "Refused", "Unauthorized", "Unreachable", "attempt_from_json"]

_CONNECT_SECONDS_MAX = 3.0
_ANSWER_SECONDS_MAX = 10.0
_HOSTNAME_CHARS_MAX = 255


class Unreachable(ExecutorError):
    """The execution API did not answer, or not now. Whether it did what was asked is unknown; asking again is safe."""


class Unauthorized(Unreachable):
    """The execution API does not know this worker's token. It may while the token is being changed."""


class Refused(ExecutorError):
    """The execution API will never take what was sent."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that this worker now carries."""

    attempt: Attempt
    token: str = field(repr=False)
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer to a beat."""

    stop: frozenset[str]
    """Attempts of ours that are not wanted any more."""
    lease: timedelta


class Courier:
    """One worker's connection. Not safe for threads. Never follows redirects, takes no proxy from the environment.

    Every call raises `Unreachable` when it may be repeated, and `Refused` when that is of no use.
    """

    def __init__(self, url: str, worker_token: str, *, queue: str) -> None:
        from requests import Session

        self._url = f"{url.rstrip('/')}/execution/v1"
        self.patience_seconds = _ANSWER_SECONDS_MAX
        """How long a beat or a piece of log may wait for its connection, and for its answer: the task host must hear
        from us between two calls. A claim and an end are worth waiting for."""
        self._session: Session = Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {worker_token}"
        self._worker = {
            "incarnation": str(uuid4()),
            "hostname": socket.gethostname()[:_HOSTNAME_CHARS_MAX],
            "pid": os.getpid(),
            "version": version("mainspring"),
            "queue": queue,
        }

    def claim(self, attempt_id: str, token: str) -> Claim | None:
        """Take an attempt; None when it is not to be had, and never will be.

        token: what the attempt's other calls are made with: random, ours alone. A claim that is repeated with the same
            one, because its answer was lost, is answered again.
        """
        body = {"hostname": self._worker["hostname"]}
        answer = self._answer(self._post(f"/attempts/{attempt_id}/claim", body, token=token))
        if answer is None:
            return None
        return Claim(attempt_from_json(answer["attempt"]), token, timedelta(seconds=answer["lease_seconds"]))

    def beat(self, attempt_ids: Sequence[str], *, is_last: bool = False) -> Heard:
        """Say that this worker lives, and renew the leases of what it carries.

        is_last: it is about to end.
        """
        body = {"worker": {**self._worker, "is_stopped": is_last}, "attempts": list(attempt_ids)}
        answer = self._answer(self._post("/beat", body, patience=self.patience_seconds))
        return Heard(frozenset(answer["stop"]), timedelta(seconds=answer["lease_seconds"]))

    def log(self, claim: Claim, chunk: LogChunk) -> bool:
        """Append to the log; False when the attempt is not ours any more."""
        return self._report(claim, "log", _chunk(chunk), patience=self.patience_seconds)

    def finish(self, claim: Claim, report: Finished, chunks: Sequence[LogChunk]) -> bool:
        """Report the end, with the last of the log; False when the attempt is not ours any more."""
        body = {
            "at": report.at.isoformat(),
            "outcome": report.outcome,
            "reason": report.reason,
            "message": report.message,
            "exit_code": report.exit_code,
            "outputs": dict(report.outputs),
            "log_bytes": report.log_bytes,
            "log": [_chunk(chunk) for chunk in chunks],
        }
        return self._report(claim, "finish", body)

    def close(self) -> None:
        self._session.close()

    def _report(
        self, claim: Claim, call: str, body: Mapping[str, Any], *, patience: float = _ANSWER_SECONDS_MAX
    ) -> bool:
        path = f"/attempts/{claim.attempt.attempt_id}/{call}"
        return self._answer(self._post(path, body, token=claim.token, patience=patience)) is not None

    def _post(
        self, path: str, body: Mapping[str, Any], *, token: str | None = None, patience: float = _ANSWER_SECONDS_MAX
    ) -> "Response":
        from requests import RequestException

        try:
            return self._session.post(
                self._url + path,
                data=orjson.dumps(body),
                headers={"Content-Type": "application/json", **({"Attempt-Token": token} if token else {})},
                timeout=(min(_CONNECT_SECONDS_MAX, patience), patience),
                allow_redirects=False,
            )
        except RequestException as exc:
            raise Unreachable(f"the execution API at {self._url} cannot be reached: {exc}") from exc

    def _answer(self, response: "Response") -> Any:
        """The decoded body; None for 409: the attempt is not ours to have."""
        if response.status_code == 409:
            return None
        if response.status_code == 401:
            raise Unauthorized("the execution API does not know this worker: MAINSPRING_WORKER_TOKEN is not its token")
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise Unreachable(f"the execution API answers {response.status_code} now")
        if response.status_code != 200:
            raise Refused(f"the execution API answers {response.status_code}: {response.text[:500]}")
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as exc:
            raise Unreachable(f"what answers at {self._url} is not the execution API: {exc}") from exc


def attempt_from_json(fields: Mapping[str, Any]) -> Attempt:
    """A work order as the execution API sends it."""
    timeout = fields["timeout_seconds"]
    return Attempt(
        attempt_id=fields["attempt_id"],
        dag_id=fields["dag_id"],
        run_id=fields["run_id"],
        task_id=fields["task_id"],
        map_index=fields["map_index"],
        try_number=fields["try_number"],
        queue=fields["queue"],
        task_type=fields["task_type"],
        payload=fields["payload"],
        secrets=fields["secrets"],
        context=fields["context"],
        timeout=None if timeout is None else timedelta(seconds=timeout),
        cancel_grace=timedelta(seconds=fields["cancel_grace_seconds"]),
        limits=Limits(output_bytes_max=fields["output_bytes_max"], log_bytes_max=fields["log_bytes_max"]),
    )


def _chunk(chunk: LogChunk) -> Mapping[str, Any]:
    return {"offset": chunk.offset, "data": b64encode(chunk.data).decode()}
