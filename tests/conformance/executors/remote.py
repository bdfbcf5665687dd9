"""The `rq` executor with all that belongs to it, as one executor: Redis, the execution API over a database, workers.

What the scheduler does between its executor and the execution API is done here: attempts are written before they are
handed over, a cancel is a mark in the store, reports come out of the inbox.
"""

import json
import logging
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy import select as query
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from mainspring.attempt_json import attempt_from_json, attempt_to_json
from mainspring.attempts import Attempt, Finished, LogChunk, Outcome, Report, Started
from mainspring.states import AttemptState, StateReason
from mainspring_api.execution import ExecutionSettings, close_execution_app, create_execution_app
from mainspring_executors import ExecutorSettings
from mainspring_executors.contract import AttemptLocation, Refusals, SubmitResult, Submitted
from mainspring_executors.rq.executor import RqExecutor
from mainspring_store import open_database, scheduling
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.database.notify import open_listener
from mainspring_store.tables import dag, dag_run, dag_version, service, task_instance, task_log, task_try
from tests.services.environment import child_environment

WORKER = Path(__file__).with_name("rq_worker.py")
WORKER_TOKEN = "the workers' token"
LEASE = timedelta(seconds=12)
POLL_SECONDS = 0.2


class Remote:
    """Looks like an executor to the suite."""

    capabilities = RqExecutor.capabilities

    def __init__(self, settings: ExecutorSettings, *, redis_url: str, template: Path) -> None:
        assert settings.state_dir is not None
        self._folder = settings.state_dir
        self._folder.mkdir(exist_ok=True)
        shutil.copyfile(template, self._folder / "mainspring.db")
        url = f"sqlite:///{self._folder / 'mainspring.db'}"
        self._database = open_database(url, synchronous="NORMAL")
        self._bell = open_listener(self._database)
        self._app = create_execution_app(
            ExecutionSettings(
                database_url=url,
                worker_tokens=[WORKER_TOKEN],
                key_ring=KeyRing(self._folder / "keys"),
                lease=LEASE,
                synchronous="NORMAL",
            ),
            order=lambda claimed: attempt_from_json(claimed.payload),
        )
        self._server = _serve(self._app)
        self._queue = secrets.token_hex(4)
        self._executor = RqExecutor(ExecutorSettings(redis_url=redis_url))
        self._live: dict[str, Attempt] = {}
        self._offsets: dict[str, int] = {}
        self._over: set[str] = set()
        self._ready: list[Report] = []
        self._is_closed = False
        self._write_run()
        self.workers = [self._start_worker(settings, redis_url, number) for number in range(settings.concurrency or 1)]

    # -- the contract

    def submit(self, attempts: Sequence[Attempt]) -> Sequence[Submitted]:
        new = {one.attempt_id: one for one in attempts if one.attempt_id not in {*self._live, *self._over}}
        self._write(list(new.values()))
        self._live |= new
        accepted = self._executor.submit(
            [Attempt(attempt_id=one.attempt_id, queue=self._queue, **_BORING) for one in attempts]
        )
        assert all(answer.result is SubmitResult.ACCEPTED for answer in accepted)
        return accepted

    def reports(self, timeout: float) -> Sequence[Report]:
        deadline = monotonic() + timeout
        while not (found := self._take()) and (patience := deadline - monotonic()) > 0:
            select([self._bell], [], [], min(patience, POLL_SECONDS))
        return found

    def fileno(self) -> int:
        return self._bell.fileno()

    def cancel(self, attempt_ids: Sequence[str]) -> None:
        """As the scheduler does it: fenced in the store, so that it is not claimed, or not renewed."""
        now = datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(
                update(task_try)
                .where(task_try.c.attempt_id.in_(attempt_ids), task_try.c.stopped_at.is_(None))
                .values(cancel_requested_at=now)
            )
            unclaimed = connection.scalars(
                query(task_try.c.attempt_id).where(
                    task_try.c.attempt_id.in_(attempt_ids), task_try.c.claimed_at.is_(None)
                )
            ).all()
        for attempt_id in unclaimed:
            if attempt_id in self._live:
                self._ready += self._end(_cancelled(attempt_id, now))
                self._app.extensions["mainspring_execution"].notifier.notify()
        self._executor.cancel(attempt_ids)

    def recover(self, attempt_ids: Sequence[str]) -> Mapping[str, AttemptLocation]:
        with self._database.read() as connection:
            rows = connection.execute(
                query(task_try.c.attempt_id, task_try.c.claimed_at).where(task_try.c.attempt_id.in_(attempt_ids))
            )
            claimed_at = {row.attempt_id: row.claimed_at for row in rows}
        unclaimed = [one for one in attempt_ids if one in claimed_at and claimed_at[one] is None]
        places = dict(self._executor.recover(unclaimed))
        for one in set(attempt_ids) - set(unclaimed):
            places[one] = AttemptLocation.RUNNING if one in self._live else AttemptLocation.FINISHED
            if one not in claimed_at:
                places[one] = AttemptLocation.ABSENT
        return places

    def capacity(self) -> int:
        return self._executor.capacity()

    def headroom(self) -> float:
        return self._executor.headroom()

    def refusals(self) -> Refusals:
        """As the workers say in their beats."""
        with self._database.read() as connection:
            details = connection.scalars(query(service.c.details).where(service.c.kind == "worker")).all()
        causes = [fields["refused_for"] for fields in details if "refused_for" in fields]
        return Refusals(count=sum(fields.get("refusals", 0) for fields in details), cause=next(iter(causes), None))

    def close(self, grace: timedelta) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            # One that was still starting had no handler for the signal yet.
            assert worker.wait(timeout=30) in (0, -signal.SIGTERM), (self._folder / "workers.log").read_text()
        self._executor.close(grace)
        self._server.shutdown()
        self._server.server_close()
        close_execution_app(self._app)
        self._bell.close()
        self._database.close()

    # -- what the scheduler and the store do

    def _take(self) -> list[Report]:
        """Reports and log in order: start, log, end."""
        self._bell.clear()
        found, self._ready = self._ready, []
        with scheduling.begin_pass(self._database) as current:
            taken = current.reports.take_remote(1000)
        found += [one for one in taken if isinstance(one, Started)]
        for chunk in self._new_log():
            if chunk.attempt_id in self._live:
                assert chunk.offset == self._offsets.get(chunk.attempt_id, 0)
                self._offsets[chunk.attempt_id] = chunk.offset + len(chunk.data)
                found.append(chunk)
        for one in taken:
            if isinstance(one, Finished):
                found += self._end(one)
        return found

    def _end(self, report: Finished) -> list[Report]:
        if report.attempt_id not in self._live:
            return []
        del self._live[report.attempt_id]
        self._over.add(report.attempt_id)
        with self._database.write() as connection:
            connection.execute(
                update(task_try)
                .where(task_try.c.attempt_id == report.attempt_id)
                .values(state=AttemptState.SUCCESS, stopped_at=report.at)
            )
        return [report]

    def _new_log(self) -> Iterator[LogChunk]:
        with self._database.read() as connection:
            for attempt_id in list(self._live):
                rows = connection.execute(
                    query(task_log)
                    .where(task_log.c.attempt_id == attempt_id, task_log.c.offset >= self._offsets.get(attempt_id, 0))
                    .order_by(task_log.c.offset)
                ).all()
                for row in rows:
                    yield LogChunk(attempt_id=attempt_id, offset=row.offset, data=row.data, at=row.at)

    def _write_run(self) -> None:
        now = datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(
                insert(dag).values(
                    dag_id="etl", is_paused=False, version_id=1, display_name="etl", owners=[], max_active_runs=1,
                    max_active_tasks=1, created_at=now, updated_at=now,
                )
            )  # fmt: skip
            connection.execute(
                insert(dag_version).values(
                    id=1, uuid="1", dag_id="etl", version_number=1, content_hash="", document={}, created_at=now
                )
            )
            connection.execute(
                insert(dag_run).values(
                    id=1, dag_id="etl", run_id="r", dag_version_id=1, run_type="manual", state="running", conf={},
                    params={}, run_after=now, queued_at=now, updated_at=now, triggered_by="test", tasks_total=1,
                    tasks_unfinished=1, max_active_tasks=1,
                )
            )  # fmt: skip

    def _write(self, attempts: Sequence[Attempt]) -> None:
        """Each attempt as the one of an instance of its own; its payload is the whole work order."""
        now = datetime.now(UTC)
        first = len(self._live) + len(self._over) + 1
        instances = [
            {
                "id": number, "dag_run_id": 1, "task_id": "t", "task_index": number, "state": "queued", "max_tries": 0,
                "up_total": 0, "wake_on": 0, "operator": "shell", "rank": 0, "pool": "p", "pool_slots": 1,
                "queue": self._queue, "updated_at": now,
            }
            for number in range(first, first + len(attempts))
        ]  # fmt: skip
        tries = [
            {
                "attempt_id": one.attempt_id, "task_instance_id": instance["id"], "generation": 1, "try_number": 1,
                "state": "queued", "executor": "rq", "owner": "test", "queued_at": now, "payload": attempt_to_json(one),
            }
            for one, instance in zip(attempts, instances, strict=True)
        ]  # fmt: skip
        if attempts:
            with self._database.write() as connection:
                connection.execute(insert(task_instance), instances)
                connection.execute(insert(task_try), tries)

    def _start_worker(self, settings: ExecutorSettings, redis_url: str, number: int) -> "subprocess.Popen[bytes]":
        folder = self._folder / f"worker-{number}"
        folder.mkdir(exist_ok=True)
        given: dict[str, Any] = {
            "redis_url": redis_url,
            "execution_url": f"http://127.0.0.1:{self._server.server_port}",
            "worker_token": WORKER_TOKEN,
            "queue": self._queue,
            "code_path": [str(path) for path in settings.code_path],
            "http_allow": list(settings.http_allow),
            "environment": list(settings.environment),
            "state_dir": str(folder),
        }
        with (self._folder / "workers.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(given)],
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
            )


_BORING: Mapping[str, Any] = {"dag_id": "etl", "run_id": "r", "task_id": "t", "task_type": "shell", "payload": {}}


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as by gunicorn

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger("execution").debug(message, *args)


def _serve(app: Any) -> BaseWSGIServer:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def _cancelled(attempt_id: str, at: datetime) -> Finished:
    return Finished(
        attempt_id=attempt_id, seq=2, at=at, outcome=Outcome.CANCELLED, reason=StateReason.CANCELLED, message=None
    )
