"""The worker's side of the execution API."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from mainspring.attempts import Attempt, Finished, Limits, LogChunk
from mainspring.errors import ExecutorError

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Claim", "Courier", "Unreachable"]

_CONNECT_SECONDS_MAX = 3.0
_ANSWER_SECONDS_MAX = 10.0


class Unreachable(ExecutorError):
    """The execution API did not answer, or not now. Whether it did what was asked is unknown; asking again is safe."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that this worker now carries."""

    attempt: Attempt
    token: str
    lease: timedelta


class Courier:
    """One worker's connection. Not safe for threads. Never follows redirects, takes no proxy from the environment."""

    def __init__(self, url: str, worker_token: str, *, hostname: str) -> None:
        from requests import Session

        self._url = f"{url.rstrip('/')}/execution/v1"
        self._hostname = hostname
        self._session: Session = Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {worker_token}"

    def claim(self, attempt_id: str) -> Claim | None:
        """Take an attempt; None when it is not to be had, and never will be."""
        response = self._post(f"/attempts/{attempt_id}/claim", {"hostname": self._hostname})
        if response.status_code == 409:
            return None
        body = self._checked(response)
        return Claim(_attempt(body["attempt"]), body["token"], timedelta(seconds=body["lease_seconds"]))

    def beat(self, attempt_ids: Sequence[str]) -> Sequence[str]:
        """Renew the leases of these attempts; returns those that are to be stopped."""
        stop: Sequence[str] = self._checked(self._post("/beat", {"attempts": list(attempt_ids)}))["stop"]
        return stop

    def log(self, claim: Claim, chunk: LogChunk) -> bool:
        """Append to the log; False when the attempt is not ours any more."""
        return self._reported(claim, "log", _chunk(chunk))

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
        return self._reported(claim, "finish", body)

    def close(self) -> None:
        self._session.close()

    def _reported(self, claim: Claim, call: str, body: Mapping[str, Any]) -> bool:
        response = self._post(f"/attempts/{claim.attempt.attempt_id}/{call}", body, token=claim.token)
        if response.status_code == 409:
            return False
        self._checked(response)
        return True

    def _post(self, path: str, body: Mapping[str, Any], *, token: str | None = None) -> "Response":
        from requests import RequestException

        try:
            return self._session.post(
                self._url + path,
                data=orjson.dumps(body),
                headers={"Content-Type": "application/json", **({"Attempt-Token": token} if token else {})},
                timeout=(_CONNECT_SECONDS_MAX, _ANSWER_SECONDS_MAX),
                allow_redirects=False,
            )
        except RequestException as exc:
            raise Unreachable(f"the execution API at {self._url} cannot be reached: {exc}") from exc

    def _checked(self, response: "Response") -> Any:
        if response.status_code >= 500:
            raise Unreachable(f"the execution API answers {response.status_code} now")
        if response.status_code == 401:
            raise ExecutorError("the execution API refuses this worker: MAINSPRING_WORKER_TOKEN is not its token")
        if response.status_code >= 300:
            raise ExecutorError(f"the execution API answers {response.status_code}: {response.text[:500]}")
        return orjson.loads(response.content)


def _attempt(fields: Mapping[str, Any]) -> Attempt:
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
