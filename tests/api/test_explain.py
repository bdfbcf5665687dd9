"""Explanations: every cause of a wait is staged on both kinds of database, and the answer names it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from mainspring.attempts import Outcome
from mainspring.blockers import CODES, BlockCode
from mainspring.states import StateReason
from mainspring_api.document.block_codes import with_table
from mainspring_store.access.roles import Grant, Role
from mainspring_store.access.tokens import add_token
from mainspring_store.resources.heartbeats import note_outage
from mainspring_store.tables import dag, dag_version, scheduler_outage, service, task_try
from tests.api.conftest import OpenApi
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_api(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    with ExitStack() as stack:
        yield stack.enter_context(open_api(request.param))


@pytest.fixture
def stage(shared_api: Api) -> Stage:
    return Stage(shared_api)


def codes(answer: Any) -> list[str]:
    assert all(blocker["text"] for blocker in answer["blockers"])
    return [blocker["code"] for blocker in answer["blockers"]]


def only(answer: Any, code: BlockCode) -> Any:
    """The blocker with a code, which must be the only one of it."""
    [blocker] = [blocker for blocker in answer["blockers"] if blocker["code"] == code]
    return blocker


# -- runs


def scheduler_down(stage: Stage) -> Any:
    stage.services(is_alive=False)
    stage.start()
    answer = stage.of_run()
    assert codes(answer) == ["scheduler_down"]
    assert only(answer, BlockCode.SCHEDULER_DOWN)["since"] is not None
    return answer


def database_degraded(stage: Stage) -> Any:
    begin = (stage.now - timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    stage.services(scheduler={"outage": {"from": begin, "to": begin}})
    stage.start()
    return stage.of_run()


def dag_paused(stage: Stage) -> Any:
    stage.save()
    stage.pause()
    stage.trigger()
    assert codes(stage.of_run()) == ["dag_paused"]
    return stage.of_task("a")


def paused_while_running(stage: Stage) -> Any:
    stage.start()
    stage.pause()
    stage.finish("a")
    assert codes(stage.of_task("b")) == ["dag_paused"]
    return stage.of_run()


def run_after_ahead(stage: Stage) -> Any:
    stage.save()
    stage.trigger(run_after="2099-01-01T00:00:00Z")
    answer = stage.of_run()
    assert answer["state"] == "queued"
    assert answer["earliest_start"] == "2099-01-01T00:00:00Z"
    assert codes(answer) == ["run_after_ahead"]
    return stage.of_task("a")


def backfill_paused(stage: Stage) -> Any:
    stage.save(schedule="@daily", start_date="2026-01-01", max_active_runs=4)
    stage.pause()
    body = {"dag_id": stage.dag_id, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-03T00:00:00Z"}
    backfill = stage.api.post("/backfills", {**body, "max_active_runs": 2})["id"]
    stage.pause(False)
    stage.engine.step()
    stage.engine.run_until_idle()
    stage.api.put(f"/backfills/{backfill}/pause", {})
    run_ids = [run["dag_run_id"] for run in stage.api.get(f"/backfills/{backfill}/dagRuns")["dag_runs"]]
    for run_id in run_ids:
        stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/{run_id}", {"state": "failed"})
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/{run_ids[0]}", {"state": "queued"})
    answer = stage.of_run(run_ids[0])
    assert only(answer, BlockCode.BACKFILL_PAUSED)["ids"] == [str(backfill)]
    return answer


def max_active_runs(stage: Stage) -> Any:
    stage.start(max_active_runs=1)
    stage.trigger("r2")
    stage.trigger("r3")
    blocker = only(stage.of_run("r3"), BlockCode.MAX_ACTIVE_RUNS)
    assert blocker["position"] == 2
    assert blocker["holders_total"] == 1
    holder = {"dag_id": stage.dag_id, "dag_run_id": "r1", "task_id": None, "map_index": None}
    assert blocker["holders"] == [holder]
    assert blocker["holders_hidden"] == 0
    return stage.of_task("a", "r2")


def run_decision_pending(stage: Stage) -> Any:
    stage.save()
    stage.api.trigger(stage.dag_id, "r1")
    return stage.of_run()


# -- tasks


def max_active_tasks(stage: Stage) -> Any:
    stage.start(dict.fromkeys(("a", "b", "c"), SHELL), max_active_tasks=1)
    assert only(stage.of_run(), BlockCode.MAX_ACTIVE_TASKS)["position"] is None
    blocker = only(stage.of_task("c"), BlockCode.MAX_ACTIVE_TASKS)
    assert blocker["position"] == 2
    assert [holder["task_id"] for holder in blocker["holders"]] == ["a"]
    return stage.of_task("b")


def upstream_not_done(stage: Stage) -> Any:
    stage.start({"a": SHELL, "b": SHELL, "c": {**SHELL, "depends_on": ["a", "b"]}})
    stage.finish("a")
    answer = stage.of_task("c")
    assert only(answer, BlockCode.UPSTREAM_NOT_DONE)["ids"] == ["b"]
    return answer


def trigger_rule(stage: Stage) -> Any:
    stage.start({"a": SHELL, "b": SHELL, "c": {**SHELL, "depends_on": ["a", "b"], "trigger_rule": "one_failed"}})
    answer = stage.of_task("c")
    assert codes(answer) == ["trigger_rule"]
    assert "`one_failed`" in only(answer, BlockCode.TRIGGER_RULE)["text"]
    return answer


def trigger_rule_decided(stage: Stage) -> Any:
    stage.start({"a": SHELL, "b": {**SHELL, "depends_on": ["a"]}})
    stage.finish("a", Outcome.FAILED)
    answer = stage.of_task("b")
    assert answer["state"] == "upstream_failed"
    assert only(answer, BlockCode.TRIGGER_RULE)["ids"] == ["a"]
    return answer


def when(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "when": "1 == 2"}})
    return stage.of_task("a")


def branch(stage: Stage) -> Any:
    tasks = {
        "choose": {"type": "branch", "choose": "b"},
        "b": {**SHELL, "depends_on": ["choose"]},
        "c": {**SHELL, "depends_on": ["choose"]},
    }
    stage.start(tasks)
    answer = stage.of_task("c")
    assert only(answer, BlockCode.BRANCH)["ids"] == ["choose"]
    return answer


def expand_empty(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "expand": {"n": []}}})
    return stage.of_task("a")


def depends_on_past(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "depends_on_past": True}})
    stage.trigger("r2")
    answer = stage.of_task("a", "r2")
    assert only(answer, BlockCode.DEPENDS_ON_PAST)["ids"] == ["r1"]
    return answer


def max_active_tis(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "expand": {"n": [1, 2]}, "max_active_tis": 1}})
    assert stage.of_task("a", map_index=0)["state"] == "queued"
    answer = stage.of_task("a", map_index=1)
    assert [holder["map_index"] for holder in only(answer, BlockCode.MAX_ACTIVE_TIS)["holders"]] == [0]
    return answer


def max_active_tis_per_dag(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "max_active_tis_per_dag": 1}})
    stage.trigger("r2")
    answer = stage.of_task("a", "r2")
    assert [each["dag_run_id"] for each in only(answer, BlockCode.MAX_ACTIVE_TIS_PER_DAG)["holders"]] == ["r1"]
    return answer


def retry_delay(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "retries": 1, "retry_delay": "PT1H"}})
    stage.finish("a", Outcome.FAILED)
    answer = stage.of_task("a")
    assert answer["earliest_start"] is not None
    assert codes(answer) == ["retry_delay"]
    return answer


def pool_missing(stage: Stage) -> Any:
    pool = f"gone-{stage.dag_id}"
    stage.api.post("/pools", {"name": pool, "slots": 1}, 201)
    stage.start({"a": {**SHELL, "pool": pool}})
    stage.finish("a")
    stage.api.put(f"/dags/{stage.dag_id}", {"tasks": {"a": SHELL}})
    stage.api.delete(f"/pools/{pool}")
    stage.pause()
    stage.api.post(f"/dags/{stage.dag_id}/dagRuns/r1/clear", {"dry_run": False, "only_failed": False})
    return stage.of_task("a")


def pool_too_small(stage: Stage) -> Any:
    stage.api.post("/pools", {"name": f"small-{stage.dag_id}", "slots": 1}, 201)
    stage.start({"a": {**SHELL, "pool": f"small-{stage.dag_id}", "pool_slots": 2}})
    return stage.of_task("a")


def pool_full(stage: Stage) -> Any:
    pool = f"full-{stage.dag_id}"
    stage.api.post("/pools", {"name": pool, "slots": 1}, 201)
    stage.start({name: {**SHELL, "pool": pool} for name in ("a", "b", "c")})
    blocker = only(stage.of_task("c"), BlockCode.POOL_FULL)
    holder = {"dag_id": stage.dag_id, "dag_run_id": "r1", "task_id": "a", "map_index": -1}
    assert blocker["position"] == 2
    assert blocker["holders"] == [holder]
    assert blocker["ids"] == [pool]
    return stage.of_task("b")


def executor_missing(stage: Stage) -> Any:
    stage.start()
    stage.services(scheduler={"executors": ["local"], "room": {"local": 1}})
    answer = stage.of_task("a")
    assert only(answer, BlockCode.EXECUTOR_MISSING)["ids"] == ["thread"]
    return answer


def full(stage: Stage, **details: Any) -> Any:
    """A ready task, while the executor takes nothing."""
    stage.engine.executor.slots = 0
    try:
        stage.start()
    finally:
        stage.engine.executor.slots = 1_000_000
    stage.services(scheduler={"room": {"thread": 0}, **details})
    return stage.of_task("a")


def executor_full(stage: Stage) -> Any:
    answer = full(stage)
    assert only(answer, BlockCode.EXECUTOR_FULL)["holders_total"] >= 0
    return answer


def executor_refuses(stage: Stage) -> Any:
    answer = full(stage, refused_for={"thread": "No space left on device"})
    assert "No space left" in only(answer, BlockCode.EXECUTOR_REFUSES)["text"]
    return answer


def remote(stage: Stage, **tasks: Any) -> None:
    """A run whose attempts wait for workers."""
    stage.start(tasks or {"a": {**SHELL, "queue": f"q-{stage.dag_id}"}})
    stage.services(scheduler={"remote": ["thread"]})


def no_worker(stage: Stage) -> Any:
    queue = f"q-{stage.dag_id}"
    remote(stage, a={**SHELL, "queue": queue}, b={**SHELL, "queue": queue})
    answers = [stage.of_task("a"), stage.of_task("b")]
    assert sorted(only(answer, BlockCode.NO_WORKER)["position"] for answer in answers) == [1, 2]
    assert only(answers[0], BlockCode.NO_WORKER)["ids"] == [queue]
    return answers[0]


def workers_busy(stage: Stage) -> Any:
    remote(stage)
    stage.worker(f"q-{stage.dag_id}", attempts=["another"])
    return stage.of_task("a")


def workers_refuse(stage: Stage) -> Any:
    remote(stage)
    stage.worker(f"q-{stage.dag_id}", refused_for="Cannot allocate memory")
    return stage.of_task("a")


def starting(stage: Stage) -> Any:
    stage.start()
    answer = stage.of_task("a")
    assert answer["state"] == "queued"
    return answer


def claimed_by_a_worker(stage: Stage) -> Any:
    remote(stage)
    with stage.api.database.write() as connection:
        connection.execute(update(task_try).values(claimed_at=stage.now))
    return stage.of_task("a")


def decision_pending(stage: Stage) -> Any:
    stage.engine.executor.slots = 0
    stage.start()
    stage.engine.executor.slots = 1_000_000
    answer = stage.of_task("a")
    assert {cause["code"] for cause in answer["satisfied"]} >= {"dag_paused", "max_active_tasks", "pool_full"}
    return answer


def wait_time(stage: Stage) -> Any:
    stage.start({"a": {"type": "wait", "until": "2099-01-01T00:00:00Z"}})
    answer = stage.of_task("a")
    assert answer["earliest_start"] == "2099-01-01T00:00:00Z"
    return answer


def wait_http(stage: Stage) -> Any:
    stage.start({"a": {"type": "wait", "http": {"url": "http://127.0.0.1:1/"}}})
    with stage.alone():
        stage.engine.fail("a", reason=StateReason.HTTP_STATUS, message="answered 503")
    return stage.of_task("a")


def wait_run(stage: Stage) -> Any:
    child = f"child-{stage.dag_id}"
    stage.api.save(child, {"x": SHELL})
    stage.start({"a": {"type": "dag", "dag_id": child}})
    answer = stage.of_task("a")
    [holder] = only(answer, BlockCode.WAIT_RUN)["holders"]
    assert holder["dag_id"] == child
    assert only(answer, BlockCode.WAIT_RUN)["ids"] == [holder["dag_run_id"]]
    # A caller without a right on the DAG of the child run learns neither its name nor its run.
    token = stage.viewer()
    hidden = only(stage.of_task("a", token=token), BlockCode.WAIT_RUN)
    assert hidden["holders"] == []
    assert (hidden["holders_total"], hidden["holders_hidden"]) == (1, 1)
    assert child not in str(hidden)
    assert hidden["ids"] == []
    return answer


def approval_open(stage: Stage) -> Any:
    stage.start({"a": {"type": "approval", "message": "Go?"}})
    answer = stage.of_task("a")
    assert only(answer, BlockCode.APPROVAL_OPEN)["ids"] == ["approve", "reject"]
    return answer


# -- schedules


def clock_guard(stage: Stage) -> Any:
    stage.services(offset=-120.0)
    stage.save(schedule="@daily")
    return stage.of_dag()


def restore_hold(stage: Stage) -> Any:
    stage.services(scheduler={"schedules_held": True})
    stage.save(schedule="@daily")
    return stage.of_dag()


def no_schedule(stage: Stage) -> Any:
    stage.save()
    answer = stage.of_dag()
    assert answer["state"] == "unscheduled"
    assert codes(answer) == ["no_schedule"]
    return answer


def schedule_error(stage: Stage) -> Any:
    stage.save(schedule="@daily")
    with stage.api.database.write() as connection:
        connection.execute(update(dag).where(dag.c.dag_id == stage.dag_id).values(schedule_error="the moon is full"))
    answer = stage.of_dag()
    assert answer["state"] == "error"
    return answer


def not_due(stage: Stage) -> Any:
    stage.save(schedule="@daily")
    answer = stage.of_dag()
    assert answer["state"] == "waiting"
    assert answer["earliest_start"] is not None
    return answer


def start_date(stage: Stage) -> Any:
    stage.save(schedule="@daily", start_date="2098-01-01")
    answer = stage.of_dag()
    assert answer["earliest_start"] == "2098-01-02T00:00:00Z"
    return answer


def end_date(stage: Stage) -> Any:
    stage.save(schedule="@daily", start_date="2020-01-01", end_date="2020-01-05")
    stage.engine.run_until_idle()
    answer = stage.of_dag()
    assert answer["state"] == "ended"
    return answer


def schedule_paused(stage: Stage) -> Any:
    stage.save(schedule="@daily")
    stage.pause()
    answer = stage.of_dag()
    assert answer["state"] == "paused"
    assert only(answer, BlockCode.DAG_PAUSED)["since"] is not None
    return answer


def schedule_at_its_limit(stage: Stage) -> Any:
    stage.save(schedule="@daily", start_date="2026-01-01", catchup=True, max_active_runs=1)
    stage.engine.step()
    answer = stage.of_dag()
    assert answer["state"] == "due"
    assert only(answer, BlockCode.MAX_ACTIVE_RUNS)["holders"][0]["dag_id"] == stage.dag_id
    return answer


def hourly(stage: Stage, **more: Any) -> None:
    """A DAG with an hourly schedule that is two days old, and a run of the latest slot alone."""
    old = stage.now - timedelta(days=2)
    stage.save(schedule="@hourly", start_date=old.isoformat(), **more)
    stage.since(old)
    stage.engine.run_until_idle()


def catchup(stage: Stage) -> Any:
    hourly(stage)
    answer = stage.of_dag()
    missed = only(answer, BlockCode.CATCHUP)
    assert 45 <= int(missed["text"].split()[0]) <= 48
    assert len(missed["ids"]) == 20
    recent = (stage.now - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    assert len(only(stage.of_dag(f"?after={recent}"), BlockCode.CATCHUP)["ids"]) <= 3
    return answer


def outage(stage: Stage) -> Any:
    begin, end = stage.now - timedelta(hours=10, minutes=1), stage.now - timedelta(hours=6)
    with stage.api.database.write() as connection:
        connection.execute(delete(scheduler_outage))
        connection.execute(insert(scheduler_outage), {"began_at": begin, "ended_at": end})
    hourly(stage)
    answer = stage.of_dag()
    missed = only(answer, BlockCode.SCHEDULER_DOWN)
    assert len(missed["ids"]) == 4
    assert datetime.fromisoformat(missed["since"]) == begin
    assert BlockCode.CATCHUP in codes(answer)
    return answer


def paused_in_the_past(stage: Stage) -> Any:
    old = stage.now - timedelta(days=2)
    stage.save(schedule="@hourly", start_date=old.isoformat())
    stage.pause()
    stage.pause(False)
    stage.since(old)
    stage.engine.run_until_idle()
    # The first known change is the begin of the pause, so the slots before it are not of the pause.
    assert BlockCode.DAG_PAUSED not in codes(stage.of_dag())
    return stage.of_dag()


def excluded_day(stage: Stage) -> Any:
    yesterday = (stage.now - timedelta(days=1)).date()
    old = stage.now - timedelta(days=3)
    stage.save(
        schedule={"cron": "0 6 * * *", "calendar": {"exclude": [yesterday.isoformat()]}}, start_date=old.isoformat()
    )
    stage.since(old)
    stage.engine.run_until_idle()
    answer = stage.of_dag()
    assert only(answer, BlockCode.EXCLUDED_DAY)["ids"] == [f"{yesterday}T06:00:00"]
    return answer


STAGED: Mapping[str, list[Callable[[Stage], Any]]] = {
    BlockCode.SCHEDULER_DOWN: [scheduler_down, outage],
    BlockCode.DATABASE_DEGRADED: [database_degraded],
    BlockCode.CLOCK_GUARD: [clock_guard],
    BlockCode.RESTORE_HOLD: [restore_hold],
    BlockCode.DAG_PAUSED: [dag_paused, paused_while_running, schedule_paused],
    BlockCode.RUN_AFTER_AHEAD: [run_after_ahead],
    BlockCode.BACKFILL_PAUSED: [backfill_paused],
    BlockCode.MAX_ACTIVE_RUNS: [max_active_runs, schedule_at_its_limit],
    BlockCode.MAX_ACTIVE_TASKS: [max_active_tasks],
    BlockCode.UPSTREAM_NOT_DONE: [upstream_not_done],
    BlockCode.TRIGGER_RULE: [trigger_rule, trigger_rule_decided],
    BlockCode.WHEN: [when],
    BlockCode.BRANCH: [branch],
    BlockCode.EXPAND_EMPTY: [expand_empty],
    BlockCode.DEPENDS_ON_PAST: [depends_on_past],
    BlockCode.MAX_ACTIVE_TIS: [max_active_tis],
    BlockCode.MAX_ACTIVE_TIS_PER_DAG: [max_active_tis_per_dag],
    BlockCode.RETRY_DELAY: [retry_delay],
    BlockCode.POOL_MISSING: [pool_missing],
    BlockCode.POOL_TOO_SMALL: [pool_too_small],
    BlockCode.POOL_FULL: [pool_full],
    BlockCode.EXECUTOR_MISSING: [executor_missing],
    BlockCode.EXECUTOR_REFUSES: [executor_refuses, workers_refuse],
    BlockCode.EXECUTOR_FULL: [executor_full],
    BlockCode.NO_WORKER: [no_worker],
    BlockCode.WORKERS_BUSY: [workers_busy],
    BlockCode.STARTING: [starting, claimed_by_a_worker],
    BlockCode.DECISION_PENDING: [decision_pending, run_decision_pending],
    BlockCode.WAIT_TIME: [wait_time],
    BlockCode.WAIT_HTTP: [wait_http],
    BlockCode.WAIT_RUN: [wait_run],
    BlockCode.APPROVAL_OPEN: [approval_open],
    BlockCode.NO_SCHEDULE: [no_schedule],
    BlockCode.SCHEDULE_ERROR: [schedule_error],
    BlockCode.NOT_DUE: [not_due],
    BlockCode.START_DATE: [start_date],
    BlockCode.END_DATE: [end_date],
    BlockCode.EXCLUDED_DAY: [excluded_day],
    BlockCode.CATCHUP: [catchup, paused_in_the_past],
}
"""Code -> stages that lead to it. Every code has one."""


@pytest.mark.parametrize(
    ("code", "play"),
    [(code, play) for code, plays in STAGED.items() for play in plays],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_each_cause_is_named(stage: Stage, code: BlockCode, play: Callable[[Stage], Any]) -> None:
    assert code in codes(play(stage))


def test_every_code_is_staged_and_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
    assert set(STAGED) == set(BlockCode) == set(CODES)
    assert with_table(page) == page, "run ./dev openapi"


def test_holders_in_unseen_dags_are_counted_and_not_named(stage: Stage) -> None:
    pool = f"shared-{stage.dag_id}"
    stage.api.post("/pools", {"name": pool, "slots": 2}, 201)
    other = f"other-{stage.dag_id}"
    stage.api.save(other, {"x": {**SHELL, "pool": pool}})
    stage.api.trigger(other, "secret-run")
    stage.start({"a": {**SHELL, "pool": pool}, "b": {**SHELL, "pool": pool}})
    token = stage.viewer()
    blocker = only(stage.of_task("b", token=token), BlockCode.POOL_FULL)
    assert (blocker["holders_total"], blocker["holders_hidden"]) == (2, 1)
    assert [holder["dag_id"] for holder in blocker["holders"]] == [stage.dag_id]
    assert other not in str(stage.of_run(token=token))
    assert "secret-run" not in str(stage.of_run(token=token))
    assert only(stage.of_task("b"), BlockCode.POOL_FULL)["holders_hidden"] == 0


def test_a_run_lists_first_what_waits_for_more_than_its_upstream(stage: Stage) -> None:
    tasks = {f"t{number}": {**SHELL, "depends_on": ["z"]} for number in range(30)}
    stage.start({**tasks, "z": SHELL, "approve": {"type": "approval", "message": "Go?"}})
    answer = stage.of_run()
    assert (answer["state"], codes(answer), answer["waiting_total"]) == ("running", [], 32)
    assert len(answer["instances"]) == 20
    assert {instance["task_id"] for instance in answer["instances"][:2]} == {"z", "approve"}
    assert codes(answer["instances"][2]) == ["upstream_not_done"]
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/r1", {"state": "failed"})
    assert stage.of_run() == {
        "state": "failed",
        "earliest_start": None,
        "blockers": [],
        "satisfied": [],
        "instances": [],
        "waiting_total": 0,
    }


def test_what_runs_or_has_succeeded_has_no_blocker(stage: Stage) -> None:
    stage.start()
    [attempt] = [each for each in stage.engine.executor.open if each.dag_id == stage.dag_id]
    assert attempt.task_id == "a"
    stage.finish("a")
    answer = stage.of_task("a")
    assert (answer["state"], answer["blockers"]) == ("success", [])
    stage.of_task("none", status=404)
    stage.of_run("none", status=404)
    stage.api.get("/dags/none/explain", 404)


def test_an_outage_is_noted_once_and_kept_for_90_days(stage: Stage) -> None:
    database, now = stage.api.database, stage.now
    with database.write() as connection:
        connection.execute(delete(scheduler_outage))
        old = now - timedelta(days=91)
        connection.execute(insert(scheduler_outage), {"began_at": old, "ended_at": old})
    note_outage(database, now=now + timedelta(seconds=29))
    with database.read() as connection:
        assert connection.execute(scheduler_outage.select()).all() == []
    note_outage(database, now=now + timedelta(seconds=31))
    note_outage(database, now=now + timedelta(seconds=90))
    with database.read() as connection:
        [(began_at, ended_at)] = connection.execute(scheduler_outage.select()).all()
    assert abs(began_at - now) < timedelta(milliseconds=1)
    assert abs(ended_at - now - timedelta(seconds=31)) < timedelta(milliseconds=1)


def test_without_any_scheduler_ever_there_is_no_outage(stage: Stage) -> None:
    with stage.api.database.write() as connection:
        connection.execute(delete(scheduler_outage))
        connection.execute(delete(service))
    note_outage(stage.api.database, now=stage.now)
    with stage.api.database.read() as connection:
        assert connection.execute(scheduler_outage.select()).all() == []
    stage.start()
    assert codes(stage.of_run())[0] == "scheduler_down"
