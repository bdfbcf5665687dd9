"""How runs go from task to task."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mainspring.attempts import Finished, Outcome, Stopped
from mainspring.states import StateReason
from mainspring_store.resources import dag_deletion, dag_pauses
from mainspring_store.scheduling.run_moves import RunWrites
from mainspring_store.state import runs
from mainspring_store.tables import task_instance
from tests.scheduler.engine import Engine

DIAMOND = {
    "a": {},
    "b": {"depends_on": ["a"]},
    "c": {"depends_on": ["a"]},
    "d": {"depends_on": ["b", "c"]},
}


def test_each_task_starts_when_its_last_upstream_ended(engine: Engine) -> None:
    engine.trigger(engine.save("etl", DIAMOND))
    engine.run_until_idle()
    assert engine.states() == {"a": "queued", "b": "scheduled", "c": "scheduled", "d": "scheduled"}
    engine.finish("a")
    assert engine.states() == {"a": "success", "b": "queued", "c": "queued", "d": "scheduled"}
    engine.finish("c")
    assert engine.states()["d"] == "scheduled"
    engine.finish("b")
    assert engine.states()["d"] == "queued"
    engine.finish("d")
    assert engine.run()["state"] == "success"
    assert engine.run()["end_date"] is not None


def test_a_start_is_recorded_before_the_end(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    engine.start("a")
    engine.run_until_idle()
    assert engine.states() == {"a": "running"}
    assert engine.tries("a")[0].hostname == "here"
    engine.finish("a")
    assert [(one.task_id, one.state) for one in engine.events()] == [
        (None, "running"),
        ("a", "queued"),
        ("a", "running"),
        ("a", "success"),
        (None, "success"),
    ]


@pytest.mark.parametrize(("is_woken", "state"), [(False, "success"), (True, "running")])
def test_a_start_waits_a_moment_for_the_end_unless_other_work_waits(engine: Engine, is_woken: bool, state: str) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    engine.start("a")
    attempt_id = engine.attempt("a").attempt_id
    ended = Finished(attempt_id=attempt_id, seq=2, at=engine.clock.now(), outcome=Outcome.SUCCESS)
    engine.executor.report_in_a_moment(ended)
    engine.scheduler.run_once(is_woken=is_woken)
    assert engine.states() == {"a": state}


def test_events_are_numbered_from_one_without_gaps(engine: Engine) -> None:
    engine.trigger(engine.save("etl", DIAMOND))
    engine.run_until_idle()
    for task_id in "abcd":
        engine.finish(task_id)
    assert [one.seq for one in engine.events()] == list(range(1, len(engine.events()) + 1))


def test_a_failure_reaches_all_that_waits_for_it_in_one_pass(engine: Engine) -> None:
    engine.trigger(engine.save("etl", DIAMOND))
    engine.run_until_idle()
    engine.finish("a")
    engine.fail("b")
    assert engine.states() == {"a": "success", "b": "failed", "c": "queued", "d": "upstream_failed"}
    assert engine.run()["state"] == "running", "c still runs"
    engine.finish("c")
    run = engine.run()
    assert (run["state"], run["state_reason"]) == ("failed", "task_failed")
    assert "'b'" in run["message"]


def test_a_clean_up_task_runs_after_a_failure_and_does_not_turn_the_run_green(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "tidy": {"depends_on": ["a"], "trigger_rule": "all_done"}}))
    engine.run_until_idle()
    engine.fail("a")
    engine.finish("tidy")
    assert engine.states() == {"a": "failed", "tidy": "success"}
    assert engine.run()["state"] == "failed"


def test_a_failure_handled_by_a_rule_that_asks_for_it_leaves_the_run_green(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "mend": {"depends_on": ["a"], "trigger_rule": "one_failed"}}))
    engine.run_until_idle()
    engine.fail("a")
    engine.finish("mend")
    assert engine.run()["state"] == "success"


def test_an_alarm_that_was_not_needed_is_skipped_and_the_run_is_green(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "mend": {"depends_on": ["a"], "trigger_rule": "one_failed"}}))
    engine.run_until_idle()
    engine.finish("a")
    assert engine.states() == {"a": "success", "mend": "skipped"}
    assert engine.run()["state"] == "success"


def test_a_skip_ripples_down_a_chain_longer_than_the_rounds_of_one_pass(engine: Engine) -> None:
    tasks = {"t0": {"when": "${{ params.go }}"}}
    tasks |= {f"t{n}": {"depends_on": [f"t{n - 1}"]} for n in range(1, 100)}
    engine.trigger(engine.save("long", tasks), conf={"go": False})
    engine.run_until_idle()
    assert set(engine.states().values()) == {"skipped"}
    assert engine.run()["state"] == "success"


def test_noop_tasks_need_no_executor(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(slots=0)
    engine.trigger(engine.save("gates", {"a": {"type": "noop"}, "b": {"type": "noop", "depends_on": ["a"]}}))
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "success"}
    assert engine.run()["state"] == "success"


def test_outputs_reach_the_next_task_and_the_run(engine: Engine) -> None:
    version = engine.save(
        "etl",
        {"a": {}, "b": {"depends_on": ["a"], "env": {"ROWS": "${{ tasks.a.outputs.rows }}", "DAY": "${{ ds }}"}}},
        outputs={"rows": "${{ tasks.a.outputs.rows }}"},
    )
    engine.trigger(version)
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": 7})
    assert engine.attempt("b").payload["env"] == {"ROWS": 7, "DAY": "2026-03-01"}
    engine.finish("b")
    assert engine.run()["outputs"] == {"rows": 7}


def test_the_outputs_of_a_run_are_made_of_one_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {
        **{f"{task_id}{number}": f"${{{{ tasks.{task_id}.outputs.n }}}}" for task_id in "ab" for number in range(3)},
        "code": "${{ tasks.b.exit_code }}",
        "none": "${{ tasks.a.outputs.none }}",
        "text": "nothing is read",
    }
    engine.trigger(engine.save("etl", {"a": {}, "b": {}}, outputs=outputs))
    engine.run_until_idle()
    engine.finish("a", outputs={"n": 1})
    reads: list[str] = []
    for name in ("outputs", "ends"):
        read = getattr(RunWrites, name)

        def counted(*of: Any, name: str = name, read: Any = read, **more: Any) -> Any:
            reads.append(name)
            return read(*of, **more)

        monkeypatch.setattr(RunWrites, name, counted)
    engine.finish("b", outputs={"n": 2})
    values = engine.run()["outputs"]
    assert values == {
        **dict.fromkeys(("a0", "a1", "a2"), 1),
        **dict.fromkeys(("b0", "b1", "b2"), 2),
        "code": None,
        "none": None,
        "text": "nothing is read",
    }
    assert "tasks.a.outputs.none" in engine.run()["message"]
    assert reads == ["outputs", "ends"]


def test_an_expression_that_cannot_be_evaluated_fails_its_task_with_the_reason(engine: Engine) -> None:
    engine.trigger(
        engine.save("etl", {"a": {}, "b": {"depends_on": ["a"], "env": {"X": "${{ tasks.a.outputs.missing }}"}}})
    )
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": 7})
    assert engine.states()["b"] == "failed"
    (attempt,) = engine.tries("b")
    assert attempt.state_reason == "expression_error"
    assert "missing" in attempt.message
    assert engine.run()["state"] == "failed"


def test_a_false_when_skips_the_task_and_what_needs_it(engine: Engine) -> None:
    engine.trigger(
        engine.save("etl", {"a": {"when": "${{ params.go }}"}, "b": {"depends_on": ["a"]}}), conf={"go": False}
    )
    engine.run_until_idle()
    assert engine.states() == {"a": "skipped", "b": "skipped"}


def test_an_instance_that_is_asked_too_early_waits_on(engine: Engine) -> None:
    engine.trigger(engine.save("etl", DIAMOND))
    engine.run_until_idle()
    with engine.database.write() as connection:
        connection.execute(update(task_instance).where(task_instance.c.task_id == "d").values(ready=True))
    engine.run_until_idle()
    assert engine.states()["d"] == "scheduled"
    for task_id in "abcd":
        engine.finish(task_id)
    assert engine.run()["state"] == "success"


class TestRetries:
    def test_a_failed_try_is_repeated_after_its_delay(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "20s"}}))
        engine.run_until_idle()
        engine.fail("a")
        assert engine.states() == {"a": "up_for_retry"}
        engine.clock.move(timedelta(seconds=19))
        engine.run_until_idle()
        assert engine.states() == {"a": "up_for_retry"}
        engine.clock.move(timedelta(seconds=1))
        engine.run_until_idle()
        assert engine.states() == {"a": "queued"}
        engine.finish("a")
        assert [one.state for one in engine.tries("a")] == ["failed", "success"]
        assert engine.run()["state"] == "success"

    def test_the_delays_grow_by_the_factor_up_to_the_maximum(self, engine: Engine) -> None:
        policy = {"retries": 3, "retry_delay": "10s", "retry_backoff": 2.0, "max_retry_delay": "30s"}
        engine.trigger(engine.save("etl", {"a": policy}))
        engine.run_until_idle()
        for seconds in (10, 20, 30):
            engine.fail("a")
            engine.clock.move(timedelta(seconds=seconds, milliseconds=-1))
            engine.run_until_idle()
            assert engine.states() == {"a": "up_for_retry"}
            engine.clock.move(timedelta(milliseconds=1))
            engine.run_until_idle()
            assert engine.states() == {"a": "queued"}
        engine.fail("a")
        assert engine.states() == {"a": "failed"}
        assert len(engine.tries("a")) == 4

    def test_an_interrupted_try_is_repeated_at_once_and_not_charged(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}}))
        engine.run_until_idle()
        engine.finish("a", Outcome.INTERRUPTED, reason=StateReason.INTERRUPTED)
        assert engine.states() == {"a": "queued"}
        assert engine.attempt("a").try_number == 2
        engine.fail("a")
        assert engine.states() == {"a": "failed"}

    def test_a_lost_try_costs_one(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {"retries": 1, "retry_delay": "0s"}}))
        engine.run_until_idle()
        engine.finish("a", Outcome.LOST, reason=StateReason.WORKER_LOST)
        assert engine.states() == {"a": "queued"}
        engine.finish("a", Outcome.LOST, reason=StateReason.WORKER_LOST)
        assert engine.states() == {"a": "failed"}
        assert engine.instances()[0].state_reason == "worker_lost"

    def test_a_try_whose_host_died_for_an_unknown_cause_is_repeated_and_not_charged(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}}))
        engine.run_until_idle()
        engine.start("a")
        engine.finish("a", Outcome.LOST, reason=StateReason.HOST_LOST)
        assert engine.states() == {"a": "queued"}
        engine.start("a")
        engine.finish("a", Outcome.LOST, reason=StateReason.HOST_KILLED)
        assert engine.states() == {"a": "failed"}
        assert [one.state_reason for one in engine.tries("a")] == ["host_lost", "host_killed"]


class TestReports:
    @pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILED])
    def test_a_start_that_comes_after_the_end_changes_nothing(self, engine: Engine, outcome: Outcome) -> None:
        engine.trigger(engine.save("etl", {"a": {}, "b": {}}))
        engine.run_until_idle()
        engine.finish("a", outcome)
        engine.clock.move(timedelta(seconds=1))
        before = (engine.states(), engine.tries("a"), engine.events())
        engine.start("a")
        engine.run_until_idle()
        assert (engine.states(), engine.tries("a"), engine.events()) == before

    def test_a_report_that_comes_twice_counts_once(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", DIAMOND))
        engine.run_until_idle()
        report = engine.finish("a")
        before = engine.events()
        engine.executor.report(report)
        engine.run_until_idle()
        assert engine.events() == before

    def test_a_start_that_comes_after_a_cancel_is_kept(self, engine: Engine) -> None:
        """The scheduler that hears it still takes the attempt for a live one: it was ended by others."""
        engine.trigger(engine.save("etl", {"a": {}}))
        engine.run_until_idle()
        assert runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
        before = (engine.states(), [row.state for row in engine.tries("a")])
        engine.start("a")
        engine.step()
        assert (engine.states(), [row.state for row in engine.tries("a")]) == before
        (row,) = engine.tries("a")
        assert (row.start_date is not None, row.hostname is not None) == (True, True)
        assert "its start was reported after its end" in row.message
        assert engine.instances()[0].start_date == row.start_date
        # A second one changes nothing.
        engine.start("a")
        engine.step()
        assert engine.tries("a") == [row]

    def test_a_pass_without_news_writes_nothing(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", DIAMOND))
        engine.run_until_idle()
        with engine.database.read() as connection:
            before = engine.run()
            assert engine.step().did_nothing
            assert connection is not None
        assert engine.run() == before


class TestLimits:
    def test_no_more_tasks_of_a_run_are_active_than_allowed(self, engine: Engine) -> None:
        engine.trigger(engine.save("wide", {f"t{n}": {} for n in range(10)}, max_active_tasks=3))
        engine.run_until_idle()
        assert list(engine.states().values()).count("queued") == 3
        engine.finish("t0")
        assert list(engine.states().values()).count("queued") == 3
        assert engine.run()["tasks_active"] == 3

    def test_no_more_runs_of_a_dag_are_running_than_allowed(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {}}, max_active_runs=2)
        for n in range(4):
            engine.trigger(version, f"r{n}")
        engine.run_until_idle()
        assert [engine.run(f"r{n}")["state"] for n in range(4)] == ["running", "running", "queued", "queued"]
        engine.finish("a", run_id="r0")
        assert [engine.run(f"r{n}")["state"] for n in range(4)] == ["success", "running", "running", "queued"]

    def test_a_full_executor_gets_nothing_more(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(slots=2)
        engine.trigger(engine.save("wide", {f"t{n}": {} for n in range(5)}))
        engine.run_until_idle()
        assert len(engine.executor.open) == 2

    def test_the_heavier_task_goes_first(self, make_engine: Callable[..., Engine]) -> None:
        engine = make_engine(slots=1)
        engine.trigger(engine.save("two", {"light": {}, "heavy": {"priority_weight": 9}}))
        engine.run_until_idle()
        assert engine.states() == {"light": "scheduled", "heavy": "queued"}

    def test_a_paused_dag_starts_nothing_until_it_is_unpaused(self, engine: Engine) -> None:
        version = engine.save("etl", DIAMOND)
        dag_pauses.set_paused(engine.database, "etl", True, now=engine.clock.now())
        engine.trigger(version)
        engine.run_until_idle()
        assert engine.run()["state"] == "queued"
        dag_pauses.set_paused(engine.database, "etl", False, now=engine.clock.now())
        engine.run_until_idle()
        assert engine.states()["a"] == "queued"


class TestCancel:
    def test_a_cancelled_run_ends_at_once_and_its_processes_are_stopped(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", DIAMOND))
        engine.run_until_idle()
        engine.start("a")
        engine.run_until_idle()
        assert runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        assert engine.states() == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped"}
        assert (engine.run()["state"], engine.run()["state_reason"]) == ("failed", "cancelled")
        engine.run_until_idle()
        assert engine.executor.cancelled == [engine.attempt("a").attempt_id]

    def test_a_report_that_comes_after_the_cancel_only_says_that_it_stopped(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", DIAMOND))
        engine.run_until_idle()
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        assert engine.tries("a")[0].stopped_at is None
        engine.finish("a")
        assert engine.states()["a"] == "failed"
        assert engine.tries("a")[0].state == "cancelled"
        assert engine.tries("a")[0].stopped_at is not None

    def test_what_stopped_before_its_end_was_told_is_not_shown_as_running(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}}))
        engine.run_until_idle()
        engine.start("a")
        attempt_id = engine.attempt("a").attempt_id
        stopped_at = engine.clock.now()
        engine.executor.report(Stopped(attempt_id=attempt_id, seq=3, at=stopped_at))
        engine.run_until_idle()
        assert (engine.states(), engine.tries("a")[0].stopped_at) == ({"a": "running"}, None)
        engine.clock.move(timedelta(seconds=1))
        engine.executor.report(
            Finished(
                attempt_id=attempt_id,
                seq=2,
                at=engine.clock.now(),
                outcome=Outcome.FAILED,
                reason=StateReason.TIMED_OUT,
                still_running=True,
            )
        )
        engine.executor.finished.add(attempt_id)
        engine.run_until_idle()
        assert (engine.states(), engine.tries("a")[0].stopped_at) == ({"a": "failed"}, stopped_at)

    def test_cancel_is_asked_of_the_executor_once(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", DIAMOND))
        engine.run_until_idle()
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        for _ in range(3):
            engine.step()
        assert len(engine.executor.cancelled) == 1

    def test_cancelling_a_finished_run_changes_nothing(self, engine: Engine) -> None:
        engine.trigger(engine.save("etl", {"a": {}}))
        engine.run_until_idle()
        engine.finish("a")
        assert not runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="late")
        assert engine.run()["state"] == "success"

    def test_a_cancelled_run_gives_its_room_back(self, engine: Engine) -> None:
        version = engine.save("etl", {"a": {}}, max_active_runs=1)
        engine.trigger(version, "r1")
        engine.trigger(version, "r2")
        engine.run_until_idle()
        runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="cancelled by test")
        engine.run_until_idle()
        assert engine.run("r2")["state"] == "running"


@pytest.mark.parametrize("edit", ["change", "delete a task"])
def test_a_running_run_keeps_the_version_it_was_made_from(engine: Engine, edit: str) -> None:
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"], "command": ["old"]}}))
    engine.run_until_idle()
    engine.save("etl", {"a": {}} | ({"b": {"depends_on": ["a"], "command": ["new"]}} if edit == "change" else {}))
    engine.finish("a")
    assert engine.attempt("b").payload["command"] == ["old"]


def test_the_same_tasks_saved_again_in_another_order_run_as_themselves(engine: Engine) -> None:
    tasks = {"a": {"command": ["a"]}, "b": {"command": ["b"], "depends_on": ["a"]}}
    engine.save("etl", tasks)
    engine.trigger(engine.save("etl", dict(reversed(tasks.items()))))
    engine.run_until_idle()
    assert engine.attempt("a").payload["command"] == ["a"]
    engine.finish("a")
    assert engine.attempt("b").payload["command"] == ["b"]


def test_a_deleted_dag_that_comes_back_in_another_order_runs_as_itself(engine: Engine) -> None:
    tasks = {"a": {"command": ["a"]}, "b": {"command": ["b"], "depends_on": ["a"]}}
    engine.trigger(engine.save("etl", tasks))
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    engine.trigger(engine.save("etl", dict(reversed(tasks.items()))), "r2")
    engine.run_until_idle()
    assert engine.states("r2") == {"b": "scheduled", "a": "queued"}
    assert engine.attempt("a", "r2").payload["command"] == ["a"]


def test_tasks_of_a_group_run_after_its_upstream_and_before_its_downstream(engine: Engine) -> None:
    rows = {"type": "shell", "command": ["rows"], "depends_on": ["fetch"]}
    group = {"depends_on": ["start"], "tasks": {"fetch": {"type": "shell", "command": ["fetch"]}, "rows": rows}}
    report = {"depends_on": ["load"], "env": {"ROWS": "${{ tasks['load.rows'].outputs.n }}"}}
    engine.trigger(engine.save("etl", {"start": {}, "report": report}, groups={"load": group}))
    engine.run_until_idle()
    engine.finish("start")
    assert engine.states() == {
        "start": "success",
        "report": "scheduled",
        "load.fetch": "queued",
        "load.rows": "scheduled",
    }
    engine.finish("load.fetch")
    engine.finish("load.rows", outputs={"n": 3})
    assert engine.attempt("report").payload["env"] == {"ROWS": 3}
    engine.finish("report")
    assert engine.run()["state"] == "success"
