"""Tasks that repeat: turns until a condition holds."""

from datetime import timedelta
from typing import Any

import pytest

from mainspring.attempts import Outcome
from mainspring.errors import InvalidDag
from mainspring.states import RunState, StateReason
from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.targets import RunSelection, TaskSelection
from mainspring_store.queries.explain.instances import explain_instance
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from tests.scheduler.engine import Engine

UNTIL_DONE = {"until": "${{ turn.outputs.done }}", "max": 10}


def begin(engine: Engine, repeat: dict[str, Any] | None = None, /, **task: Any) -> runs.VersionRef:
    version = engine.save("etl", {"a": {"repeat": {**UNTIL_DONE, **(repeat or {})}, **task}})
    engine.trigger(version)
    engine.run_until_idle()
    return version


def turn(engine: Engine, *, done: bool = False, **more: Any) -> None:
    engine.finish("a", outputs={"done": done, **more.pop("outputs", {})}, **more)


def instance(engine: Engine) -> tuple[str, str | None, int | None]:
    (row,) = engine.instances()
    return row.state, row.state_reason, row.turn


def test_a_task_runs_again_until_its_condition_holds(engine: Engine) -> None:
    begin(engine)
    turn(engine)
    assert instance(engine) == ("queued", None, 1), "without a delay the next turn begins at once"
    turn(engine)
    turn(engine, done=True)
    assert instance(engine) == ("success", None, 2)
    assert [(one.try_number, one.turn, one.state) for one in engine.tries("a")] == [
        (1, 0, "success"),
        (2, 1, "success"),
        (3, 2, "success"),
    ]
    assert engine.run()["state"] == "success"


def test_the_next_turn_waits_for_its_delay(engine: Engine) -> None:
    begin(engine, {"delay": "30s"})
    turn(engine)
    assert instance(engine) == ("up_for_retry", "next_turn", 1)
    engine.clock.move(timedelta(seconds=29))
    engine.run_until_idle()
    assert len(engine.tries("a")) == 1
    engine.clock.move(timedelta(seconds=1))
    engine.run_until_idle()
    assert instance(engine) == ("queued", None, 1)


def test_another_scheduler_goes_on_with_the_next_turn(make_engine: Any) -> None:
    first = make_engine()
    begin(first, {"delay": "30s"})
    turn(first)
    second = make_engine(incarnation="second")
    second.clock.move(timedelta(seconds=30))
    second.run_until_idle()
    turn(second, done=True)
    assert instance(second) == ("success", None, 1)


def test_the_last_turn_fails_the_task_and_keeps_its_outputs(engine: Engine) -> None:
    begin(engine, {"max": 2}, retries=3)
    turn(engine, outputs={"page": 1})
    turn(engine, outputs={"page": 2})
    assert instance(engine) == ("failed", "repeat_max", 1)
    last = engine.tries("a")[-1]
    assert (last.state, last.state_reason) == ("failed", "repeat_max")
    assert last.message == (
        "repeat.until: ${{ turn.outputs.done }} was still false after 2 turns; raise repeat.max for more"
    )
    assert outputs(engine) == {"done": "false", "page": "2"}
    assert engine.run()["state"] == "failed"


def outputs(engine: Engine) -> dict[str, str]:
    with engine.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT key, value FROM xcom").all()
    return {row.key: row.value for row in rows}


def test_outputs_of_a_turn_replace_those_of_the_turn_before(engine: Engine) -> None:
    begin(engine)
    turn(engine, outputs={"first": 1})
    assert outputs(engine) == {"done": "false", "first": "1"}
    turn(engine, outputs={"second": 2})
    assert outputs(engine) == {"done": "false", "second": "2"}
    assert [one.outputs for one in engine.tries("a")] == [
        {"done": False, "first": 1},
        {"done": False, "second": 2},
        None,
    ]


def test_outputs_of_more_than_4_kib_stay_with_the_instance_alone(engine: Engine) -> None:
    begin(engine)
    turn(engine, outputs={"text": "x" * 4096})
    assert engine.tries("a")[0].outputs is None
    assert outputs(engine)["text"] == '"' + "x" * 4096 + '"'


def test_a_turn_reads_its_index_and_the_outputs_of_the_turn_before(engine: Engine) -> None:
    cursor = "${{ turn.index == 0 ? 'begin' : turn.outputs.cursor }}"
    begin(engine, command=["fetch", "${{ turn.index }}", cursor])
    assert engine.attempt("a").payload["command"] == ["fetch", 0, "begin"]
    turn(engine, outputs={"cursor": "p2"})
    assert engine.attempt("a").payload["command"] == ["fetch", 1, "p2"]


def test_a_retry_in_a_turn_still_reads_the_turn_before(engine: Engine) -> None:
    begin(engine, command=["${{ turn.index == 0 ? '' : turn.outputs.cursor }}"], retries=1, retry_delay="0s")
    turn(engine, outputs={"cursor": "p2"})
    engine.fail("a")
    assert engine.attempt("a").payload["command"] == ["p2"]
    assert instance(engine) == ("queued", None, 1)


def test_the_outputs_of_the_turn_before_are_null_in_the_first(engine: Engine) -> None:
    begin(engine, command=["${{ turn.outputs == null ? 'none' : 'some' }}"])
    assert engine.attempt("a").payload["command"] == ["none"]
    turn(engine)
    assert engine.attempt("a").payload["command"] == ["some"]


def test_each_turn_has_all_retries(engine: Engine) -> None:
    begin(engine, retries=1, retry_delay="10s", retry_backoff=2)
    for _ in range(3):
        engine.fail("a")
        assert instance(engine)[:2] == ("up_for_retry", "exit_code")
        (row,) = engine.instances()
        assert row.not_before - engine.clock.now() == timedelta(seconds=10), "delays begin anew in each turn"
        engine.clock.move(timedelta(seconds=10))
        engine.run_until_idle()
        turn(engine)
    engine.fail("a")
    engine.clock.move(timedelta(seconds=10))
    engine.run_until_idle()
    engine.fail("a")
    assert instance(engine) == ("failed", "exit_code", 3)
    assert [(one.try_number, one.turn) for one in engine.tries("a")] == [
        (number + 1, number // 2) for number in range(8)
    ]


def test_the_retry_deadline_counts_from_the_first_start_of_the_turn(engine: Engine) -> None:
    begin(engine, {"delay": "60s"}, retries=3, retry_delay="10s", retry_deadline="25s")
    turn(engine)
    engine.clock.move(timedelta(seconds=60))
    engine.run_until_idle()
    engine.fail("a")
    assert instance(engine)[:2] == ("up_for_retry", "exit_code")


def test_a_failed_turn_leaves_the_outputs_of_the_turn_before(engine: Engine) -> None:
    begin(engine)
    turn(engine, outputs={"cursor": "p2"})
    engine.fail("a")
    assert instance(engine) == ("failed", "exit_code", 1)
    assert outputs(engine) == {"done": "false", "cursor": '"p2"'}


@pytest.mark.parametrize(
    ("until", "part"),
    [
        pytest.param("${{ turn.outputs.missing }}", "missing", id="absent output"),
        pytest.param("${{ turn.outputs.count }}", "gave 3; it must give true or false", id="no boolean"),
    ],
)
def test_a_condition_without_a_value_fails_the_task_at_once(engine: Engine, until: str, part: str) -> None:
    begin(engine, {"until": until}, retries=3)
    turn(engine, outputs={"count": 3})
    assert instance(engine) == ("failed", "expression_error", 0)
    assert part in engine.tries("a")[-1].message
    assert outputs(engine)["count"] == "3"


def test_a_condition_reads_other_tasks_and_the_params(engine: Engine) -> None:
    until = "${{ turn.outputs.rows >= tasks.limit.outputs.rows && turn.index + 1 >= params.least && task_id == 'a' }}"
    tasks = {"limit": {}, "a": {"depends_on": ["limit"], "repeat": {"until": until, "max": 5}}}
    params = {"type": "object", "properties": {"least": {"type": "integer", "default": 2}}}
    engine.trigger(engine.save("etl", tasks, params=params))
    engine.run_until_idle()
    engine.finish("limit", outputs={"rows": 10})
    engine.finish("a", outputs={"rows": 12})
    engine.finish("a", outputs={"rows": 9})
    engine.finish("a", outputs={"rows": 10})
    assert engine.states() == {"limit": "success", "a": "success"}
    assert len(engine.tries("a")) == 3


def test_each_instance_of_a_mapped_task_has_turns_of_its_own(engine: Engine) -> None:
    until = "${{ turn.index == map.last }}"
    engine.trigger(engine.save("etl", {"a": {"expand": {"last": [0, 1]}, "repeat": {"until": until, "max": 5}}}))
    engine.run_until_idle()
    engine.finish("a", map_index=0)
    engine.finish("a", map_index=1)
    assert engine.states() == {"a[0]": "success", "a[1]": "queued"}
    engine.finish("a", map_index=1)
    assert engine.states() == {"a[0]": "success", "a[1]": "success"}


def test_when_is_asked_before_the_first_turn_only(engine: Engine) -> None:
    params = {"type": "object", "properties": {"go": {"type": "boolean", "default": True}}}
    task = {"when": "${{ params.go }}", "repeat": UNTIL_DONE}
    engine.trigger(engine.save("etl", {"a": task}, params=params))
    engine.trigger(engine.save("etl", {"a": task}, params=params), run_id="r2", conf={"go": False})
    engine.run_until_idle()
    turn(engine)
    turn(engine, done=True)
    assert engine.states() == {"a": "success"}
    assert engine.states("r2") == {"a": "skipped"}


def test_an_invalid_output_fails_the_turn_before_its_condition_is_asked(engine: Engine) -> None:
    begin(engine, outputs={"done": {"type": "boolean"}})
    engine.finish("a", outputs={"done": "yes"})
    assert instance(engine) == ("failed", "output_invalid", 0)


def test_a_skipped_turn_skips_the_task(engine: Engine) -> None:
    begin(engine)
    turn(engine)
    engine.finish("a", Outcome.SKIPPED)
    assert instance(engine) == ("skipped", "task_skipped", 1)


def test_an_interrupted_turn_costs_no_try_and_no_turn(engine: Engine) -> None:
    begin(engine)
    turn(engine)
    engine.finish("a", Outcome.INTERRUPTED, reason=StateReason.INTERRUPTED)
    assert instance(engine) == ("queued", None, 1)
    turn(engine, done=True)
    assert instance(engine) == ("success", None, 1)


def test_a_cleared_task_begins_at_its_first_turn(engine: Engine) -> None:
    begin(engine, command=["${{ turn.outputs == null ? 'none' : 'some' }}"], retries=1, retry_delay="0s")
    turn(engine)
    turn(engine, done=True)
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection())
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()
    assert instance(engine) == ("queued", None, 0)
    assert engine.attempt("a").payload["command"] == ["none"]
    engine.fail("a")
    turn(engine, done=True)
    assert [(one.try_number, one.generation, one.turn) for one in engine.tries("a")] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 2, 0),
        (4, 2, 0),
    ]


def test_a_cancelled_run_begins_no_further_turn(engine: Engine) -> None:
    begin(engine, {"delay": "30s"})
    turn(engine)
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="enough")
    engine.clock.move(timedelta(seconds=60))
    engine.run_until_idle()
    assert engine.run()["state"] == RunState.FAILED
    assert instance(engine)[:2] == ("skipped", "cancelled")
    assert len(engine.tries("a")) == 1


def test_a_dag_timeout_ends_a_loop(engine: Engine) -> None:
    tasks = {"a": {"repeat": {**UNTIL_DONE, "delay": "30s"}}}
    engine.trigger(engine.save("etl", tasks, dagrun_timeout="20s"))
    engine.run_until_idle()
    turn(engine)
    engine.clock.move(timedelta(seconds=20))
    engine.run_until_idle()
    assert engine.run()["state_reason"] == "timed_out"


def test_a_dag_task_calls_its_dag_once_a_turn(engine: Engine) -> None:
    engine.save("child", {"c": {}}, outputs={"done": "${{ tasks.c.outputs.done }}"})
    task = {"type": "dag", "dag_id": "child", "repeat": {"until": "${{ turn.outputs.done }}", "max": 3}}
    engine.trigger(engine.save("etl", {"a": task}))
    engine.run_until_idle()
    for done in (False, True):
        child = engine.executor.open[-1]
        engine.finish("c", run_id=child.run_id, outputs={"done": done})
        engine.run_until_idle()
    assert instance(engine) == ("success", None, 1)


def test_events_and_explanations_tell_of_turns(engine: Engine) -> None:
    version = begin(engine, {"delay": "30s"})
    turn(engine)
    assert [(one.state, one.state_reason) for one in engine.events() if one.task_id == "a"] == [
        ("queued", None),
        ("running", None),
        ("up_for_retry", "next_turn"),
    ]
    explanation = explain_instance(
        engine.database, version.definition, "etl", "r1", "a", map_index=-1, seen=None, now=engine.clock.now()
    )
    (blocker,) = [one for one in explanation.blockers if one.code == "turn_delay"]
    assert blocker.text == "Turn 2 of at most 10 is due at 2026-03-01T12:00:30+00:00"
    assert blocker.until == engine.clock.now() + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("task", "pointer", "code"),
    [
        pytest.param({"repeat": {"until": "true"}}, "/tasks/a/repeat", "missing_field", id="no bound"),
        pytest.param({"repeat": {"max": 3}}, "/tasks/a/repeat", "missing_field", id="no condition"),
        pytest.param({"repeat": {"until": "true", "max": 0}}, "/tasks/a/repeat/max", "out_of_range", id="no turn"),
        pytest.param(
            {"repeat": {"until": "true", "max": 10_001}}, "/tasks/a/repeat/max", "out_of_range", id="too many turns"
        ),
        pytest.param(
            {"repeat": {"until": "turn.count > 3", "max": 3}},
            "/tasks/a/repeat/until",
            "unknown_name",
            id="what no turn has",
        ),
        pytest.param(
            {"repeat": UNTIL_DONE, "when": "${{ turn.index < 3 }}"}, "/tasks/a/when", "unknown_name", id="turn in when"
        ),
        pytest.param({"command": ["${{ turn.index }}"]}, "/tasks/a/command/0", "unknown_name", id="no turns"),
        pytest.param({"type": "noop", "repeat": UNTIL_DONE}, "/tasks/a/repeat", "exclusive_fields", id="noop"),
        pytest.param(
            {"type": "wait", "for": "1s", "repeat": UNTIL_DONE}, "/tasks/a/repeat", "exclusive_fields", id="wait"
        ),
        pytest.param(
            {"type": "dag", "dag_id": "b", "wait": False, "repeat": UNTIL_DONE},
            "/tasks/a/repeat",
            "exclusive_fields",
            id="dag that is not awaited",
        ),
        pytest.param({"handler": "finally", "repeat": UNTIL_DONE}, "/tasks/a/repeat", "exclusive_fields", id="handler"),
    ],
)
def test_a_loop_that_cannot_work_is_refused_when_it_is_saved(
    engine: Engine, task: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": task, "b": {}})
    assert (pointer, code) in [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_a_group_cannot_repeat_and_the_refusal_names_what_can(engine: Engine) -> None:
    group = {"repeat": UNTIL_DONE, "tasks": {"x": {"type": "noop"}}}
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": {}}, groups={"g": group})
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.code) == ("/groups/g/repeat", "unknown_field")
    assert "dag task" in (problem.hint or "")
