"""A scene for each cause of a wait; each returns the answer, whose cause it has checked."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, update

from mainspring.attempts import Outcome
from mainspring.blockers import BlockCode
from mainspring.states import StateReason
from mainspring_store.tables import dag, scheduler_outage, task_try
from tests.api.explain_stage import Stage, codes, only
from tests.api.harness import SHELL

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


def run_paused(stage: Stage) -> Any:
    stage.start()
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/r1", {"is_paused": True})
    stage.finish("a")
    assert codes(stage.of_task("b")) == ["run_paused"]
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


def concurrency_key(stage: Stage) -> Any:
    stage.start(concurrency={"key": "all"})
    stage.trigger("r2")
    stage.trigger("r3")
    blocker = only(stage.of_run("r3"), BlockCode.CONCURRENCY_KEY)
    assert (blocker["ids"], blocker["position"], blocker["holders_total"]) == (["all"], 2, 1)
    assert [holder["dag_run_id"] for holder in blocker["holders"]] == ["r1"]
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


def turn_delay(stage: Stage) -> Any:
    stage.start({"a": {**SHELL, "repeat": {"until": "${{ turn.index == 1 }}", "max": 3, "delay": "PT1H"}}})
    stage.finish("a")
    answer = stage.of_task("a")
    assert only(answer, BlockCode.TURN_DELAY)["text"].startswith("Turn 2 of at most 3 is due at ")
    assert codes(answer) == ["turn_delay"]
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


def wait_check(stage: Stage) -> Any:
    stage.start({"a": {"type": "wait", "file": {"path": "/drop/day.csv"}}})
    with stage.alone():
        stage.engine.fail("a", reason=StateReason.NOT_YET, message="there is no file /drop/day.csv")
    answer = stage.of_task("a")
    text = only(answer, BlockCode.WAIT_CHECK)["text"]
    assert text.startswith("The task waits for file /drop/day.csv; the latest check ended at ")
    assert "the next check is due at " in text
    return answer


def wait_signal(stage: Stage) -> Any:
    stage.start({"a": {"type": "wait", "signal": "paid", "timeout": "1h"}})
    answer = stage.of_task("a")
    assert only(answer, BlockCode.WAIT_SIGNAL)["ids"] == ["paid"]
    return answer


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


def wait_dags(stage: Stage) -> Any:
    upstream = f"{stage.dag_id}_upstream"
    stage.api.save(upstream, {"x": {"type": "noop"}})
    stage.save(schedule={"after": [{"dag": upstream}, {"dag": "unsaved", "state": "failed"}]})
    answer = stage.of_dag()
    assert answer["state"] == "waiting"
    blocker = next(blocker for blocker in answer["blockers"] if blocker["code"] == "wait_dags")
    assert blocker["ids"] == [upstream]
    assert blocker["text"] == (
        f"The next run waits for a run of '{upstream}' to succeed and 1 DAG that you do not see or that no client has "
        "saved"
    )
    stage.api.trigger(upstream)
    stage.engine.run_until_idle()
    later = stage.of_dag()
    assert upstream not in str(later["blockers"])
    return later


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


def handler(stage: Stage) -> Any:
    stage.start({"a": SHELL, "tell": {**SHELL, "handler": "on_failure"}})
    answer = stage.of_task("tell")
    assert only(answer, BlockCode.HANDLER)["text"].endswith("it runs after all other tasks, when the run fails")
    return answer


def stopping(stage: Stage) -> Any:
    stage.start({"a": SHELL, "tidy": {**SHELL, "handler": "finally"}})
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/r1", {"state": "failed"})
    stage.pause()
    answer = stage.of_run()
    assert codes(answer) == ["stopping"]
    assert only(answer, BlockCode.STOPPING)["ids"] == ["a"]
    return answer


def teardown_set_aside(stage: Stage) -> Any:
    down = {**SHELL, "depends_on": ["a"], "teardown": {"of": ["up"]}}
    stage.start({"up": {**SHELL, "setup": True}, "a": {**SHELL, "depends_on": ["up"]}, "down": down})
    stage.api.engine.finish("up")
    stage.api.patch(f"/dags/{stage.dag_id}/dagRuns/r1", {"state": "failed"})
    answer = stage.of_task("down")
    assert "it runs when the processes of the run have stopped" in only(answer, BlockCode.STOPPING)["text"]
    return answer


STAGED: Mapping[str, list[Callable[[Stage], Any]]] = {
    BlockCode.SCHEDULER_DOWN: [scheduler_down, outage],
    BlockCode.DATABASE_DEGRADED: [database_degraded],
    BlockCode.CLOCK_GUARD: [clock_guard],
    BlockCode.RESTORE_HOLD: [restore_hold],
    BlockCode.DAG_PAUSED: [dag_paused, paused_while_running, schedule_paused],
    BlockCode.RUN_PAUSED: [run_paused],
    BlockCode.RUN_AFTER_AHEAD: [run_after_ahead],
    BlockCode.BACKFILL_PAUSED: [backfill_paused],
    BlockCode.MAX_ACTIVE_RUNS: [max_active_runs, schedule_at_its_limit],
    BlockCode.CONCURRENCY_KEY: [concurrency_key],
    BlockCode.MAX_ACTIVE_TASKS: [max_active_tasks],
    BlockCode.UPSTREAM_NOT_DONE: [upstream_not_done],
    BlockCode.TRIGGER_RULE: [trigger_rule, trigger_rule_decided],
    BlockCode.WHEN: [when],
    BlockCode.BRANCH: [branch],
    BlockCode.EXPAND_EMPTY: [expand_empty],
    BlockCode.HANDLER: [handler],
    BlockCode.DEPENDS_ON_PAST: [depends_on_past],
    BlockCode.MAX_ACTIVE_TIS: [max_active_tis],
    BlockCode.MAX_ACTIVE_TIS_PER_DAG: [max_active_tis_per_dag],
    BlockCode.RETRY_DELAY: [retry_delay],
    BlockCode.TURN_DELAY: [turn_delay],
    BlockCode.POOL_MISSING: [pool_missing],
    BlockCode.POOL_TOO_SMALL: [pool_too_small],
    BlockCode.POOL_FULL: [pool_full],
    BlockCode.EXECUTOR_MISSING: [executor_missing],
    BlockCode.EXECUTOR_REFUSES: [executor_refuses, workers_refuse],
    BlockCode.EXECUTOR_FULL: [executor_full],
    BlockCode.NO_WORKER: [no_worker],
    BlockCode.WORKERS_BUSY: [workers_busy],
    BlockCode.STARTING: [starting, claimed_by_a_worker],
    BlockCode.STOPPING: [stopping, teardown_set_aside],
    BlockCode.DECISION_PENDING: [decision_pending, run_decision_pending],
    BlockCode.WAIT_TIME: [wait_time],
    BlockCode.WAIT_HTTP: [wait_http],
    BlockCode.WAIT_CHECK: [wait_check],
    BlockCode.WAIT_SIGNAL: [wait_signal],
    BlockCode.WAIT_RUN: [wait_run],
    BlockCode.APPROVAL_OPEN: [approval_open],
    BlockCode.NO_SCHEDULE: [no_schedule],
    BlockCode.SCHEDULE_ERROR: [schedule_error],
    BlockCode.NOT_DUE: [not_due],
    BlockCode.WAIT_DAGS: [wait_dags],
    BlockCode.START_DATE: [start_date],
    BlockCode.END_DATE: [end_date],
    BlockCode.EXCLUDED_DAY: [excluded_day],
    BlockCode.CATCHUP: [catchup, paused_in_the_past],
}
"""Code -> stages that lead to it. Every code has one."""
