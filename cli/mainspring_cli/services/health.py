"""`mainspring health`: whether a service of this machine works, for process supervisors."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from mainspring_cli.client.plain_client import ApiError, Client
from mainspring_cli.config import Config

__all__ = ["SERVICES", "check_health"]

_ANSWER_SECONDS_MAX = 5.0
_HEARTBEAT_AGE_MAX = timedelta(seconds=30)


def check_health(service: str, config: Config) -> None:
    """Ask the service, or the API that receives its heartbeats. The command uses the settings of the service.

    Raises:
        ApiError: it does not work; says why.
        StoreUnavailable: the database of the scheduler cannot be used.
    """
    SERVICES[service](config)


def _check_api(config: Config) -> None:
    _expect_200(config.host, config.port, "/ready", has_tls=config.tls_certificate is not None)


def _check_execution_api(config: Config) -> None:
    _expect_200(config.execution_host, config.execution_port, "/execution/v1/health", has_tls=config.has_execution_tls)


def _check_scheduler(config: Config) -> None:
    from mainspring_store import open_database
    from mainspring_store.resources.heartbeats import count_alive

    database = open_database(config.store_url, connections_max=1)
    try:
        since = datetime.now(UTC) - _HEARTBEAT_AGE_MAX
        alive = count_alive(database, kind="scheduler", hostname=socket.gethostname(), since=since)
    finally:
        database.close()
    if not alive:
        raise ApiError("no scheduler of this machine has given a sign of life lately")


def _check_worker(config: Config) -> None:
    from mainspring_cli.services.commands import shown_worker_token

    client = Client(url=f"{config.execution_url.rstrip('/')}/execution/v1", token=shown_worker_token(config))
    alive = client.get(f"/workers/{socket.gethostname()}")["alive"]
    if alive < len(config.queues):
        raise ApiError(f"{alive} workers of this machine are heard of; there should be {len(config.queues)}")


SERVICES: Mapping[str, Callable[[Config], None]] = {
    "api": _check_api,
    "execution-api": _check_execution_api,
    "scheduler": _check_scheduler,
    "worker": _check_worker,
}


def _expect_200(host: str, port: int, path: str, *, has_tls: bool) -> None:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(address, port, timeout=_ANSWER_SECONDS_MAX)
    if has_tls:
        # The certificate has a different name, and the check sends no secret.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(address, port, timeout=_ANSWER_SECONDS_MAX, context=context)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read(10_000)
    except (OSError, http.client.HTTPException) as exc:
        raise ApiError(f"{address}:{port}{path}: {exc}") from exc
    finally:
        connection.close()
    if answer.status != 200:
        raise ApiError(f"{address}:{port}{path}: {answer.status} {json.loads(body).get('detail')}")
