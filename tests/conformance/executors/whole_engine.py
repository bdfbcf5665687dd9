"""The real scheduler with one executor and all that belongs to it: for what the store and an executor do together."""

import json
import secrets
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import orjson
from sqlalchemy import select as query

from mainspring.definition import parse_definition
from mainspring.large_values import LargeValue
from mainspring.states import RUN_FINISHED, RunType
from mainspring_api.execution import ExecutionSettings, close_execution_app, create_execution_app
from mainspring_executors import ExecutorSettings
from mainspring_scheduler.duties.value_carrier import open_carried
from mainspring_scheduler.scheduler import Scheduler
from mainspring_store import open_database
from mainspring_store.database.key_ring import KeyRing
from mainspring_store.queries.large_values import read_value
from mainspring_store.resources.dags import save_dag
from mainspring_store.state.runs import NewRun, create_run
from mainspring_store.tables import dag_run, task_instance, task_try, xcom
from tests.invariants import assert_sound
from tests.services.environment import child_environment

from .remote import LEASE, WORKER, WORKER_TOKEN, _serve

DEADLINE_SECONDS = 30.0


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()


class WholeEngine:
    """Runs DAGs to their ends. Each task goes to the one executor."""

    def __init__(self, name: str, folder: Path, template: Path, *, code: Path, redis_url: str | None) -> None:
        self.name = name
        self._folder = folder
        shutil.copyfile(template, folder / "mainspring.db")
        url = f"sqlite:///{folder / 'mainspring.db'}"
        self._stack = ExitStack()
        self.database = open_database(url, synchronous="NORMAL")
        self._stack.callback(self.database.close)
        self.key_ring = KeyRing(folder / "keys")
        self._queue = secrets.token_hex(4)
        settings = ExecutorSettings(
            concurrency=2, code_path=(code,), state_dir=folder / "state", redis_url=redis_url,
            self_fence=timedelta(hours=1),
        )  # fmt: skip
        self.executor = open_carried(name, settings, self.database)
        self._stack.callback(self.executor.close, timedelta(0))
        if redis_url is not None:
            self._serve_workers(url, redis_url, code)
        self._scheduler = Scheduler(
            self.database, {name: self.executor}, incarnation="test", clock=_Clock(), random=Random(1),
            key_ring=self.key_ring,
        )  # fmt: skip

    def _serve_workers(self, url: str, redis_url: str, code: Path) -> None:
        settings = ExecutionSettings(
            database_url=url, worker_tokens=[WORKER_TOKEN], key_ring=self.key_ring, lease=LEASE, synchronous="NORMAL"
        )
        app = create_execution_app(settings)
        self._stack.callback(close_execution_app, app)
        server = _serve(app)
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        self.execution_url = f"http://127.0.0.1:{server.server_port}"
        self._worker_settings = {
            "redis_url": redis_url, "execution_url": self.execution_url, "worker_token": WORKER_TOKEN,
            "queue": self._queue, "code_path": [str(code)], "http_allow": [], "environment": [],
            "state_dir": str(self._folder / "worker"),
        }  # fmt: skip
        self.start_worker()

    def start_worker(self, **environment: str) -> "subprocess.Popen[bytes]":
        """A worker process, stopped with the engine."""
        with (self._folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(self._worker_settings)],
                env={**child_environment(), **environment}, stdin=subprocess.DEVNULL, stderr=log, stdout=log,
            )  # fmt: skip
        self._stack.callback(worker.wait, timeout=30)
        self._stack.callback(worker.terminate)
        return worker

    def close(self) -> None:
        assert_sound(self.database)
        self._stack.close()

    def run(self, tasks: Mapping[str, Mapping[str, Any]], **fields: Any) -> "Ended":
        """One run of these tasks, to its end. fields: of the DAG."""
        dag_id = f"dag-{secrets.token_hex(4)}"
        document = {
            "dag_id": dag_id,
            "is_paused_upon_creation": False,
            "tasks": {name: {"queue": self._queue, "executor": self.name, **task} for name, task in tasks.items()},
            **fields,
        }
        definition = parse_definition(document, media="json", dag_id=dag_id)
        now = datetime.now(UTC)
        version = save_dag(self.database, definition, by=None, now=now).version
        new = NewRun(
            version=version, run_id="r", run_type=RunType.MANUAL, conf={}, params={}, run_after=now, logical_date=None,
            data_interval=None,
        )  # fmt: skip
        key = create_run(self.database, new, now=now)
        ended = Ended(self, key)
        deadline = monotonic() + DEADLINE_SECONDS
        while ended.state not in RUN_FINISHED:
            assert monotonic() < deadline, f"the run does not end: {ended.states()}"
            self._scheduler.run_once(is_woken=True)
            select.select([self.executor.fileno()], [], [], 0.05)
        return ended

    def until_no_files(self) -> None:
        """Wait until the files of large values are deleted."""
        folders = [self._folder / "state", self._folder / "worker"]
        deadline = monotonic() + DEADLINE_SECONDS
        while files := [path for folder in folders for path in folder.glob("values/*/*")]:
            assert monotonic() < deadline, files
            self._scheduler.run_once(is_woken=True)
            select.select([self.executor.fileno()], [], [], 0.05)


class Ended:
    """A run at its end."""

    def __init__(self, engine: WholeEngine, key: int) -> None:
        self._database = engine.database
        self.key = key

    @property
    def state(self) -> str:
        with self._database.read() as connection:
            return str(connection.scalars(query(dag_run.c.state).where(dag_run.c.id == self.key)).one())

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Task id -> state and reason."""
        return {row.task_id: (row.state, row.state_reason) for row in self._rows(query(task_instance))}

    def message(self, task_id: str) -> str:
        """Of the latest try."""
        (row,) = self._rows(
            query(task_try.c.message)
            .join(task_instance, task_instance.c.attempt_id == task_try.c.attempt_id)
            .where(task_instance.c.task_id == task_id)
        )
        return row.message or ""

    def outputs(self, task_id: str) -> dict[str, Any]:
        """Name -> value; a `LargeValue` stands for a value that is kept by reference."""
        rows = self._rows(
            query(xcom)
            .join(task_instance, task_instance.c.id == xcom.c.task_instance_id)
            .where(task_instance.c.task_id == task_id)
        )
        values = {row.key: (orjson.loads(row.value), row.large_id) for row in rows}
        return {
            name: value if large_id is None else LargeValue.from_json(value)
            for name, (value, large_id) in values.items()
        }

    def whole(self, task_id: str, name: str) -> bytes:
        """The JSON text of a value that is kept by reference."""
        return read_value(self._database, self.outputs(task_id)[name])

    def _rows(self, statement: Any) -> Sequence[Any]:
        with self._database.read() as connection:
            return connection.execute(statement.where(task_instance.c.dag_run_id == self.key)).all()
