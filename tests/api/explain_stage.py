"""The stage of the explanations: a DAG of each test in a shared API, its services, and what the answers name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import delete, insert, update

from mainspring.attempts import Outcome
from mainspring.blockers import BlockCode
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from mainspring_store.tables import dag, dag_version, scheduler_outage, service
from tests.api.harness import SHELL, Api
from tests.scheduler.engine import Engine

_numbers = count()


class Stage:
    """An API shared by all tests of a kind of database, and a DAG id of each test."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.dag_id = f"dag{next(_numbers)}"
        self.engine.executor.slots = 1_000_000
        self.now = datetime.now(UTC)
        self.services()

    @property
    def engine(self) -> Engine:
        return self.api.engine

    def services(
        self, *, scheduler: Mapping[str, Any] | None = None, is_alive: bool = True, offset: float = 0.0
    ) -> None:
        """Leave one scheduler, with these further details."""
        details = {"executors": ["thread"], "remote": [], "room": {"thread": 8}, **(scheduler or {})}
        at = self.now if is_alive else self.now - timedelta(minutes=5)
        with self.api.database.write() as connection:
            connection.execute(delete(scheduler_outage))
            connection.execute(delete(service))
            connection.execute(insert(service), self._service("scheduler", at, details, offset))

    def worker(self, queue: str, **details: Any) -> None:
        with self.api.database.write() as connection:
            details = {"queue": queue, "lease_seconds": 60, "attempts": [], **details}
            connection.execute(insert(service), self._service("worker", self.now, details, 0.0))

    def _service(self, kind: str, at: datetime, details: Mapping[str, Any], offset: float) -> dict[str, Any]:
        return {
            "incarnation": f"{kind}{next(_numbers)}",
            "kind": kind,
            "hostname": "here",
            "pid": 1,
            "version": "1",
            "started_at": at,
            "heartbeat_at": at,
            "clock_offset_seconds": offset,
            "details": details,
        }

    def viewer(self) -> str:
        """A token that sees the DAG of this test alone."""
        token = f"ms_{self.dag_id}"
        grants = [Grant(pattern=self.dag_id, role=Role.VIEWER)]
        add_token(self.api.database, token, name=token, role=None, now=self.now, grants=grants)
        return token

    def save(self, tasks: Mapping[str, Any] | None = None, **more: Any) -> None:
        self.api.save(self.dag_id, tasks or {"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}}, **more)

    def start(self, tasks: Mapping[str, Any] | None = None, run_id: str = "r1", **more: Any) -> None:
        """Save a DAG, trigger a run, and let the scheduler pass until nothing happens."""
        self.save(tasks, **more)
        self.trigger(run_id)

    def trigger(self, run_id: str = "r1", **more: Any) -> None:
        self.api.trigger(self.dag_id, run_id, **more)
        self.api.engine.run_until_idle()

    def pause(self, is_paused: bool = True) -> None:
        self.api.patch(f"/dags/{self.dag_id}", {"is_paused": is_paused})

    def finish(self, task_id: str, outcome: Outcome = Outcome.SUCCESS, run_id: str = "r1") -> None:
        with self.alone():
            self.engine.finish(task_id, outcome, run_id=run_id)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The executor knows the attempts of this DAG alone, because the engine finds attempts by task and run."""
        submitted = self.engine.executor.submitted
        others = {key: attempt for key, attempt in submitted.items() if attempt.dag_id != self.dag_id}
        for key in others:
            del submitted[key]
        yield
        submitted.update(others)

    def since(self, at: datetime) -> None:
        """Make the DAG and its versions as old as `at`."""
        with self.api.database.write() as connection:
            connection.execute(update(dag).where(dag.c.dag_id == self.dag_id).values(created_at=at))
            connection.execute(update(dag_version).where(dag_version.c.dag_id == self.dag_id).values(created_at=at))

    def of_task(self, task_id: str, run_id: str = "r1", **options: Any) -> Any:
        query = f"?map_index={options.pop('map_index')}" if "map_index" in options else ""
        path = f"/dags/{self.dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/explain{query}"
        return self.api.get(path, **options)

    def of_run(self, run_id: str = "r1", **options: Any) -> Any:
        return self.api.get(f"/dags/{self.dag_id}/dagRuns/{run_id}/explain", **options)

    def of_dag(self, query: str = "", **options: Any) -> Any:
        return self.api.get(f"/dags/{self.dag_id}/explain{query}", **options)


def codes(answer: Any) -> list[str]:
    assert all(blocker["text"] for blocker in answer["blockers"])
    return [blocker["code"] for blocker in answer["blockers"]]


def only(answer: Any, code: BlockCode) -> Any:
    """The blocker with a code, which must be the only one of it."""
    [blocker] = [blocker for blocker in answer["blockers"] if blocker["code"] == code]
    return blocker
