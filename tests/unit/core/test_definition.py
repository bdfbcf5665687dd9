"""From a document to a definition: what it becomes, what it is stored as, and every way in which it can be wrong."""

import json
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given

from mainspring.definition import Definition, TaskType, WeightRule, find_warnings, load_stored, parse_definition
from mainspring.errors import InvalidDag, Problem
from mainspring.expressions import Expression, Template
from mainspring.trigger_rules import TriggerRule
from tests.services.environment import child_environment
from tests.unit.strategies import definitions

DOCUMENT: dict[str, Any] = {
    "dag_id": "nightly_sales",
    "dag_display_name": "Nightly sales",
    "tags": ["sales", "daily"],
    "owners": ["ada"],
    "params": {"type": "object", "properties": {"region": {"default": "eu"}}},
    "start_date": "2026-01-01T02:00:00+02:00",
    "end_date": "2026-12-31",
    "max_active_runs": 2,
    "max_active_tasks": 8,
    "is_paused_upon_creation": True,
    "default_args": {"retries": 3, "retry_delay": "20s", "retry_backoff": 2, "owner": "ada"},
    "tasks": {
        "extract": {
            "type": "shell",
            "command": ["extract", "--region", "${{ params.region }}"],
            "env": {"DAY": "${{ ds }}", "N": 3},
            "working_dir": "/work",
            "skip_exit_code": 99,
            "execution_timeout": "15m",
        },
        "clean": {
            "type": "python",
            "depends_on": ["extract"],
            "callable": "sales.clean:run",
            "args": [1],
            "kwargs": {"rows": "${{ tasks.extract.outputs.rows }}"},
            "when": "${{ tasks.extract.state == 'success' }}",
            "retries": 0,
            "priority_weight": 5,
            "weight_rule": "absolute",
            "x-ticket": "A-1",
        },
        "tidy": {
            "type": "shell",
            "script": "rm -rf out",
            "depends_on": ["clean"],
            "trigger_rule": "all_done",
            "task_display_name": "Tidy up",
            "cancel_grace": "1s",
            "max_retry_delay": "5m",
        },
        "tell": {
            "type": "http",
            "url": "https://example.test",
            "method": "POST",
            "json": {"a": None},
            "expected_status": [200, "2xx", "300-304"],
        },
        "end": {"type": "noop", "depends_on": ["tidy", "tell"]},
    },
    "outputs": {"rows": "${{ tasks.clean.outputs.rows }}"},
    "x-team": {"any": [1, None]},
}


def _with(**changes: Any) -> dict[str, Any]:
    return {"dag_id": "d", "tasks": {"a": {"type": "noop"}}} | changes


def _approval(**fields: Any) -> Any:
    return {"dag_id": "d", "tasks": {"a": {"type": "approval", "message": "?", **fields}}}


def _task(**fields: Any) -> dict[str, Any]:
    return _with(tasks={"a": {"type": "noop"} | fields})


def _handlers(**tasks: dict[str, Any]) -> dict[str, Any]:
    """A DAG with the task `a` and these, all of them noops."""
    return _with(tasks={"a": {"type": "noop"}, **{name: {"type": "noop", **task} for name, task in tasks.items()}})


def _problems(source: Any, **options: Any) -> list[Problem]:
    with pytest.raises(InvalidDag) as caught:
        parse_definition(source, **options)
    return list(caught.value.problems)


def test_a_document_becomes_typed_data() -> None:
    definition = parse_definition(DOCUMENT)
    assert (definition.dag_id, definition.display_name) == ("nightly_sales", "Nightly sales")
    assert (definition.tags, definition.owners) == (("sales", "daily"), ("ada",))
    assert definition.start_date == datetime(2026, 1, 1, tzinfo=UTC)
    assert (definition.max_active_runs, definition.max_active_tasks) == (2, 8)
    assert definition.is_paused_upon_creation is True
    assert definition.outputs == {"rows": Template("${{ tasks.clean.outputs.rows }}")}
    assert [(task_id, task.index) for task_id, task in definition.tasks.items()] == [
        ("extract", 0), ("clean", 1), ("tidy", 2), ("tell", 3), ("end", 4),
    ]  # fmt: skip


def test_the_fields_of_a_type_are_its_payload_and_the_others_are_the_tasks() -> None:
    tasks = parse_definition(DOCUMENT).tasks
    extract, clean, tidy = tasks["extract"], tasks["clean"], tasks["tidy"]
    assert extract.payload.source == {
        "command": ["extract", "--region", "${{ params.region }}"],
        "env": {"DAY": "${{ ds }}", "N": 3},
        "working_dir": "/work",
        "skip_exit_code": 99,
    }
    assert clean.payload.source.keys() == {"callable", "args", "kwargs"}
    assert tasks["tell"].payload.source["expected_status"] == ["200", "2xx", "300-304"]
    assert clean.when == Expression("${{ tasks.extract.state == 'success' }}")
    assert (clean.priority_weight, clean.weight_rule) == (5, WeightRule.ABSOLUTE)
    assert extract.execution_timeout == timedelta(minutes=15)
    assert (tidy.trigger_rule, tidy.depends_on) == (TriggerRule.ALL_DONE, ("clean",))
    assert (tidy.cancel_grace, tidy.display_name) == (timedelta(seconds=1), "Tidy up")
    assert {task.type for task in tasks.values()} == {"shell", "python", "http", "noop"}


def test_default_args_hold_where_a_task_says_nothing() -> None:
    tasks = parse_definition(DOCUMENT).tasks
    assert [task.retries for task in tasks.values()] == [3, 0, 3, 3, 3]
    assert {(task.retry_delay, task.retry_backoff) for task in tasks.values()} == {(timedelta(seconds=20), 2.0)}
    assert tasks["tidy"].max_retry_delay == timedelta(minutes=5)


@given(definitions())
def test_a_stored_definition_is_rebuilt_exactly(document: dict[str, Any]) -> None:
    definition = parse_definition(document)
    assert load_stored(json.loads(json.dumps(definition.document))) == definition
    assert parse_definition(definition.document) == definition


@given(definitions())
def test_the_sent_document_is_never_changed(document: dict[str, Any]) -> None:
    before = deepcopy(document)
    parse_definition(document, dag_id=document["dag_id"])
    assert document == before


def _reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    return value


@pytest.mark.parametrize(
    ("source", "options"),
    [
        pytest.param(json.dumps(DOCUMENT), {}, id="JSON text"),
        pytest.param(json.dumps(DOCUMENT).encode(), {}, id="JSON bytes"),
        pytest.param(yaml.safe_dump(DOCUMENT, sort_keys=False), {"media": "yaml"}, id="YAML"),
        pytest.param(_reversed_keys(DOCUMENT), {}, id="another order of keys"),
        pytest.param(
            {key: value for key, value in DOCUMENT.items() if key != "dag_id"}, {"dag_id": "nightly_sales"}, id="id"
        ),
        pytest.param(
            DOCUMENT | {"start_date": "2026-01-01", "schedule": None}, {}, id="other spellings, a null schedule"
        ),
        pytest.param(
            DOCUMENT | {"default_args": {"owner": "ada", "retry_backoff": 2.0, "retry_delay": "PT20S", "retries": 3.0}},
            {},
            id="other spellings of numbers and durations",
        ),
    ],
)
def test_the_same_content_is_the_same_version_however_it_is_written(source: Any, options: dict[str, Any]) -> None:
    assert parse_definition(source, **options).content_hash == parse_definition(DOCUMENT).content_hash


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(DOCUMENT | {"x-team": 1}, id="an x- field"),
        pytest.param(DOCUMENT | {"max_active_runs": 3}, id="a field"),
        pytest.param(DOCUMENT | {"tasks": DOCUMENT["tasks"] | {"new": {"type": "noop"}}}, id="a task"),
        pytest.param({key: value for key, value in DOCUMENT.items() if key != "outputs"}, id="a field left out"),
    ],
)
def test_other_content_is_another_version(changed: dict[str, Any]) -> None:
    assert parse_definition(changed).content_hash != parse_definition(DOCUMENT).content_hash


def test_a_path_id_is_filled_in_and_must_not_differ() -> None:
    assert parse_definition({"tasks": {"a": {"type": "noop"}}}, dag_id="etl").dag_id == "etl"
    (problem,) = _problems(_with(), dag_id="etl")
    assert (problem.code, problem.pointer) == ("dag_id_mismatch", "/dag_id")
    assert problem.message == "dag_id 'd' differs from 'etl', by which it is addressed"


CLOSED = {"type": "object", "properties": {"rows": {}}, "additionalProperties": False}
DECLARING = {"a": {"type": "python", "source": "pass", "outputs": {"rows": {"type": "integer"}}}}
WRONG = [
    ("no object", [1], "", "wrong_type", "a definition must be an object"),
    ("no id", {"tasks": {"a": {"type": "noop"}}}, "", "missing_field", "'dag_id' is missing"),
    ("no tasks", {"dag_id": "d"}, "", "missing_field", "'tasks' is missing"),
    ("empty tasks", _with(tasks={}), "/tasks", "out_of_range", "has 0 tasks; allowed are 1 to 10000"),
    ("tasks as a list", _with(tasks=[{"type": "noop"}]), "/tasks", "wrong_type", "tasks: {load: {type: shell"),
    ("id with a slash", _with(dag_id="a/b"), "/dag_id", "invalid_id", "'a/b' is no id"),
    ("id of dots", _with(dag_id=".."), "/dag_id", "invalid_id", "not '.' or '..'"),
    ("id with a line end", _with(dag_id="a\n"), "/dag_id", "invalid_id", "is no id"),
    ("id with a hidden character", _with(dag_id="a\u202eb"), "/dag_id", "invalid_id", "is no id"),
    ("huge id", _with(dag_id="x" * 1_000_000), "/dag_id", "invalid_id", "is no id"),
    ("bad task id", _with(tasks={"a b": {"type": "noop"}}), "/tasks/a b", "invalid_id", "'a b' is no id"),
    ("ids equal but for case", _with(tasks={"a": {"type": "noop"}, "A": {"type": "noop"}}),
     "/tasks/A", "duplicate_id", "differ only in case"),
    ("unknown field", _with(descripton="x"), "/descripton", "unknown_field", "did you mean 'description'?"),
    ("unknown field of a task", _task(retrys=1), "/tasks/a/retrys", "unknown_field", "did you mean 'retries'?"),
    ("field of another type", _task(script="x"), "/tasks/a/script", "unknown_field", "unknown field 'script'"),
    ("unknown default", _with(default_args={"command": []}), "/default_args/command", "unknown_field", "unknown field"),
    ("handlers alone", _task(handler="finally"), "/tasks", "missing_field", "a run needs a task without handler"),
    ("no such handler", _handlers(h={"handler": "finaly"}), "/tasks/h/handler", "invalid_value", "'finally'"),
    ("handler after a task", _handlers(h={"handler": "finally", "depends_on": ["a"]}),
     "/tasks/h/depends_on/0", "invalid_dependency", "a handler waits for all tasks anyway"),
    ("task after a handler", _handlers(h={"handler": "finally"}, b={"depends_on": ["h"]}),
     "/tasks/b/depends_on/0", "invalid_dependency", "a handler that runs only after all tasks"),
    ("handler after one of another end",
     _handlers(h={"handler": "finally"}, i={"handler": "on_failure", "depends_on": ["h"]}),
     "/tasks/i/depends_on/0", "invalid_dependency", "give both the same handler"),
    ("mapped handler", _handlers(h={"handler": "finally", "expand": {"x": [1]}}),
     "/tasks/h/expand", "exclusive_fields", "leave out expand, or handler"),
    ("handler as a default", _with(tasks={"a": {"type": "noop"}}, default_args={"handler": "finally"}),
     "/default_args/handler", "unknown_field", "unknown field 'handler'"),
    ("end of a run in a task", _with(tasks={"a": {"type": "shell", "command": ["${{ run.state }}"]}}),
     "/tasks/a/command/0", "unknown_name", "unknown name 'run'"),
    ("no such name of an end", _handlers(h={"handler": "finally", "when": "run.stat == 'failed'"}),
     "/tasks/h/when", "unknown_name", "did you mean 'state'?"),
    ("task that reads a handler", _handlers(h={"handler": "finally"}, b={"when": "tasks.h.state == 'failed'"}),
     "/tasks/b/when", "not_upstream", "a handler that runs only after all tasks"),
    ("unknown set-up", _handlers(d={"depends_on": ["a"], "teardown": {"of": ["b"]}}),
     "/tasks/d/teardown/of/0", "unknown_task", "cleans up after unknown task"),
    ("tear-down of a task", _handlers(d={"depends_on": ["a"], "teardown": {"of": ["a"]}}),
     "/tasks/d/teardown/of/0", "invalid_dependency", "give 'a' `setup: true`"),
    ("tear-down of a handler", _handlers(h={"handler": "finally"}, d={"teardown": {"of": ["h"]}}),
     "/tasks/d/teardown/of/0", "invalid_dependency", "which is no set-up"),
    ("tear-down beside its set-up", _handlers(s={"setup": True}, d={"depends_on": ["a"], "teardown": {"of": ["s"]}}),
     "/tasks/d/teardown/of/0", "not_upstream", "add 's' to depends_on"),
    ("tear-down without set-up", _handlers(d={"teardown": {"of": []}}), "/tasks/d/teardown/of", "out_of_range", "1 to"),
    ("tear-down with another rule",
     _handlers(s={"setup": True}, d={"depends_on": ["s"], "trigger_rule": "all_done", "teardown": {"of": ["s"]}}),
     "/tasks/d/trigger_rule", "exclusive_fields", "leave out the trigger_rule"),
    ("mapped tear-down",
     _handlers(s={"setup": True}, d={"depends_on": ["s"], "expand": {"x": [1]}, "teardown": {"of": ["s"]}}),
     "/tasks/d/expand", "exclusive_fields", "leave out expand, or teardown"),
    ("mapped set-up", _task(setup=True, expand={"x": [1]}), "/tasks/a/expand", "exclusive_fields", "runs once"),
    ("set-up that is a handler", _handlers(s={"setup": True, "handler": "finally"}),
     "/tasks/s/handler", "exclusive_fields", "use two tasks"),
    ("set-up that is a tear-down", _task(setup=True, teardown={"of": ["a"]}),
     "/tasks/a/teardown", "exclusive_fields", "use two tasks"),
    ("rule of tear-downs as a default",
     _with(tasks={"a": {"type": "noop"}}, default_args={"trigger_rule": "all_done_setup_success"}),
     "/default_args/trigger_rule", "exclusive_fields", "the rule of tear-downs"),
    ("no type", _with(tasks={"a": {}}), "/tasks/a", "missing_field", "'type' is missing"),
    ("unknown type", _task(type="shel"), "/tasks/a/type", "unknown_task_type", "did you mean 'shell'?"),
    ("type of a wrong type", _task(type=[]), "/tasks/a/type", "unknown_task_type", "unknown type of task"),
    ("task that is a text", _with(tasks={"a": "noop"}), "/tasks/a", "wrong_type", "a task must be an object"),
    ("null", _with(description=None), "/description", "wrong_type", "must be a string, not null"),
    ("long text", _with(description="x" * 10_001), "/description", "out_of_range", "10001 characters"),
    ("tag twice", _with(tags=["a", "a"]), "/tags/1", "duplicate_item", "'a' stands in the list already"),
    ("text for a list", _with(tags="a"), "/tags", "wrong_type", "write [a]"),
    ("boolean for a number", _with(max_active_runs=True),
     "/max_active_runs", "wrong_type", "must be a whole number, not a boolean"),
    ("key without max", _with(concurrency={"max": 1}), "/concurrency", "missing_field", "'key' is missing"),
    ("unknown strategy", _with(concurrency={"key": "a", "strategy": "rejct"}),
     "/concurrency/strategy", "invalid_value", "did you mean 'reject'?"),
    ("no runs of a key", _with(concurrency={"key": "a", "max": 0}), "/concurrency/max", "out_of_range", "1 to 10000"),
    ("long key", _with(concurrency={"key": "é" * 513}), "/concurrency/key", "out_of_range", "1026 bytes"),
    ("key of tasks", _with(concurrency={"key": "${{ tasks.a.state }}"}),
     "/concurrency/key", "unknown_name", "evaluated when the run is made"),
    ("key of variables", _with(concurrency={"key": "${{ vars.x }}"}), "/concurrency/key", "unknown_name", "'vars'"),
    ("key of an unknown param", _with(concurrency={"key": "${{ params.custmer }}"}, params={
        "type": "object", "properties": {"customer": {}}, "additionalProperties": False}),
     "/concurrency/key", "unknown_param", "did you mean 'customer'?"),
    ("key that is no expression", _with(concurrency={"key": "${{ params. }}"}),
     "/concurrency/key", "expression_syntax", "expression"),
    ("debounce without a bound", _with(debounce={"key": "a", "for": "1m"}),
     "/debounce", "missing_field", "'max_wait' is missing"),
    ("debounce with a short bound", _with(debounce={"key": "a", "for": "1m", "max_wait": "30s"}),
     "/debounce/max_wait", "out_of_range", "shorter than for"),
    ("debounce of tasks", _with(debounce={"key": "${{ tasks.a.state }}", "for": "1m", "max_wait": "1h"}),
     "/debounce/key", "unknown_name", "evaluated when the run is made"),
    ("debounce and reject", _with(
        debounce={"key": "a", "for": "1m", "max_wait": "1h"}, concurrency={"key": "a", "strategy": "reject"}),
     "/concurrency/strategy", "invalid_value", "not both"),
    ("high priority of runs", _with(priority=101), "/priority", "out_of_range", "100"),
    ("fraction", _task(retries=1.5), "/tasks/a/retries", "wrong_type", "must be a whole number"),
    ("negative", _task(retries=-1), "/tasks/a/retries", "out_of_range", "allowed are 0 to 1000"),
    ("shrinking delay", _task(retry_backoff=0.5), "/tasks/a/retry_backoff", "out_of_range", "allowed are 1.0"),
    ("text for a boolean", _with(fail_fast="no"), "/fail_fast", "wrong_type", "must be true or false, not a string"),
    ("schema of an approval", _approval(params={"type": "string"}), "/tasks/a/params/type", "invalid_schema", "object"),
    ("expression in a schema", _approval(params={"type": "object", "title": "${{ ds }}"}),
     "/tasks/a/params", "expression_not_allowed", "are not evaluated"),
    ("long schema", _approval(params={"type": "object", "description": "x" * 20_000}),
     "/tasks/a/params", "out_of_range", "at most 16384"),
    ("default without values", _approval(
        params={"type": "object", "required": ["n"]}, timeout="1h", default="approve"),
     "/tasks/a/default", "invalid_value", "give each required param a default"),
    ("several defaults", _approval(timeout="1h", default=["approve"]),
     "/tasks/a/default", "wrong_type", "multiple: true"),
    ("default beside a rejection", _approval(timeout="1h", default=["approve", "reject"], multiple=True),
     "/tasks/a/default", "invalid_value", "cannot be combined"),
    ("unknown default", _approval(timeout="1h", default=["aprove"], multiple=True),
     "/tasks/a/default/0", "unknown_choice", "did you mean 'approve'?"),
    ("nobody assigned", _approval(assigned={}), "/tasks/a/assigned", "missing_field", "users"),
    ("viewers assigned", _approval(assigned={"roles": ["viewer"]}),
     "/tasks/a/assigned/roles/0", "invalid_value", "viewer"),
    ("unknown catch-up", _with(catchup="lates"), "/catchup", "invalid_value", "did you mean 'latest'?"),
    ("number of catch-ups", _with(catchup=3), "/catchup", "wrong_type", "must be all, latest, none, true or false"),
    ("duration without unit", _task(retry_delay=5), "/tasks/a/retry_delay", "wrong_type", "write '5s'"),
    ("no duration", _task(retry_delay="soon"), "/tasks/a/retry_delay", "invalid_duration", "is not a duration"),
    ("no time at all", _task(execution_timeout="0s"), "/tasks/a/execution_timeout", "out_of_range", "PT0.001S"),
    ("no instant", _with(start_date="2026-02-30"), "/start_date", "invalid_instant", "date and time that exists"),
    ("instant without offset", _with(start_date="2026-01-01T00:00:00"),
     "/start_date", "invalid_instant", "is not an instant"),
    ("year zero", _with(start_date="0000-01-01"), "/start_date", "invalid_instant", "exists"),
    ("end before start", _with(start_date="2026-01-02", end_date="2026-01-01"),
     "/end_date", "invalid_value", "is before start_date"),
    ("unknown rule", _task(trigger_rule="all_sucess"),
     "/tasks/a/trigger_rule", "invalid_value", "did you mean 'all_success'?"),
    ("setup rule", _task(trigger_rule="all_done_setup_success"),
     "/tasks/a/trigger_rule", "exclusive_fields", "use all_done, or add teardown with its set-ups"),
    ("unknown upstream", _task(depends_on=["extrct"]),
     "/tasks/a/depends_on/0", "unknown_task", "depends on unknown task 'extrct'"),
    ("upstream twice", _with(tasks={"b": {"type": "noop"}, "a": {"type": "noop", "depends_on": ["b", "b"]}}),
     "/tasks/a/depends_on/1", "duplicate_item", "already"),
    ("itself as upstream", _task(depends_on=["a"]), "/tasks/a/depends_on/0", "cycle", "'a' depends on itself"),
    ("neither command nor script", _task(type="shell"),
     "/tasks/a", "missing_field", "one of command or script is needed"),
    ("command and script", _task(type="shell", command=["x"], script="x"),
     "/tasks/a/script", "exclusive_fields", "only one of"),
    ("command as a text", _task(type="shell", command="ls"), "/tasks/a/command", "wrong_type", "write [ls]"),
    ("empty command", _task(type="shell", command=[]), "/tasks/a/command", "out_of_range", "0 items"),
    ("expression in a script", _task(type="shell", script="echo ${{ ds }}"),
     "/tasks/a/script", "expression_not_allowed", "give values through `env`"),
    ("expression in a source", _task(type="python", source="print('${{ ds }}')"),
     "/tasks/a/source", "expression_not_allowed", "through `inputs`"),
    ("bad variable name", _task(type="shell", script="x", env={"A-B": 1}),
     "/tasks/a/env", "invalid_key", "'A-B' is not allowed"),
    ("secret with more", _task(type="shell", script="x", env={"A": {"secret": "b", "c": 1}}),
     "/tasks/a/env/A", "wrong_type", "{secret: name}"),
    ("secret elsewhere", _task(type="shell", command=[{"secret": "b"}]),
     "/tasks/a/command/0", "wrong_type", "not an object"),
    ("secret in kwargs", _task(type="python", callable="a:b", kwargs={"x": {"secret": "b"}}),
     "/tasks/a/kwargs/x", "secret_not_allowed", "in `env` and in `headers` alone"),
    ("secret in args", _task(type="python", callable="a:b", args=[{"x": [{"secret": "b"}]}]),
     "/tasks/a/args/0/x/0", "secret_not_allowed", "as an expression"),
    ("secret in inputs", _task(type="python", source="1", inputs={"x": {"secret": "b"}}),
     "/tasks/a/inputs/x", "secret_not_allowed", "alone"),
    ("secret in json", _task(type="http", url="http://x", json={"secret": "${{ params.x }}"}),
     "/tasks/a/json", "secret_not_allowed", "alone"),
    ("secret in the json of a wait", _task(type="wait", http={"url": "http://x", "json": [{"secret": "b"}]}),
     "/tasks/a/http/json/0", "secret_not_allowed", "alone"),
    ("secret in conf", _task(type="dag", dag_id="x", conf={"x": {"secret": "b"}}),
     "/tasks/a/conf/x", "secret_not_allowed", "alone"),
    ("key without expand", _task(type="noop", key="eu"),
     "/tasks/a/key", "exclusive_fields", "leave it out"),
    ("key of a handler", _handlers(h={"handler": "finally", "key": "eu"}),
     "/tasks/h/key", "exclusive_fields", "leave out key, or handler"),
    ("key that reads nothing known", _task(type="noop", expand={"x": [1]}, key="${{ tasks.b.outputs.x }}"),
     "/tasks/a/key", "unknown_task", "uses unknown task 'b'"),
    ("secret in expand", _task(type="noop", expand={"x": [{"secret": "b"}]}),
     "/tasks/a/expand/x/0", "secret_not_allowed", "alone"),
    ("secret in an output of the run", _with(outputs={"x": {"secret": "b"}}),
     "/outputs/x", "secret_not_allowed", "alone"),
    ("no callable", _task(type="python", callable="a.b"),
     "/tasks/a/callable", "invalid_value", "'package.module:function'"),
    ("inputs of a callable", _task(type="python", callable="a:b", inputs={}),
     "/tasks/a/inputs", "exclusive_fields", "only beside 'source'"),
    ("no URL", _task(type="http", url="ftp://x"), "/tasks/a/url", "invalid_value", "http or https URL"),
    ("unknown method", _task(type="http", url="http://x", method="get"),
     "/tasks/a/method", "invalid_value", "unknown value 'get'"),
    ("body and json", _task(type="http", url="http://x", body="", json=1),
     "/tasks/a/json", "exclusive_fields", "only one of body and json"),
    ("header with a line end", _task(type="http", url="http://x", headers={"A": "b\r\nC: d"}),
     "/tasks/a/headers/A", "invalid_value", "on one line"),
    ("bad status", _task(type="http", url="http://x", expected_status=["2x"]),
     "/tasks/a/expected_status/0", "invalid_value", "'2x'"),
    ("status range that is empty", _task(type="http", url="http://x", expected_status=["299-200"]),
     "/tasks/a/expected_status/0", "invalid_value", "must be a status such as 200"),
    ("relative folder", _task(type="shell", script="x", working_dir="out"), "/tasks/a/working_dir", "invalid_value",
     "'out' must be the absolute path of a folder"),
    ("bad params", _with(params={"type": "array"}), "/params/type", "invalid_schema", "of type object"),
    ("bad cron", _with(schedule="61 * * * *"), "/schedule", "invalid_cron", "Bad minute"),
    ("impossible cron", _with(schedule={"cron": ["0 0 30 2 *"]}),
     "/schedule/cron/0", "invalid_cron", "is not a cron line"),
    ("six fields", _with(schedule="0 0 0 * * *"), "/schedule", "invalid_cron", "five fields"),
    ("unknown zone", _with(schedule={"cron": "@daily", "timezone": "Mars/North"}),
     "/schedule/timezone", "unknown_timezone", "IANA"),
    ("unknown rule for a gap", _with(schedule={"cron": "@daily", "dst": {"gap": "guess"}}),
     "/schedule/dst/gap", "invalid_value", "shift"),
    ("clocks matter to no interval", _with(schedule={"interval": "1h", "dst": {"gap": "skip"}}),
     "/schedule/dst", "exclusive_fields", "cron"),
    ("an excluded day that does not exist", _with(schedule={"cron": "@daily", "calendar": {"exclude": ["2026-02-30"]}}),
     "/schedule/calendar/exclude/0", "invalid_value", "there is no date"),
    ("an excluded instant", _with(schedule={"cron": "@daily", "calendar": {"exclude": ["2026-02-03T00:00:00Z"]}}),
     "/schedule/calendar/exclude/0", "invalid_value", "a date such as 2026-12-25, or a calendar"),
    ("a calendar that does not exist", _with(schedule={"cron": "@daily", "calendar": {"exclude": ["DE", "DE-by"]}}),
     "/schedule/calendar/exclude/1", "unknown_calendar", "did you mean 'DE-BY'?"),
    ("too much jitter", _with(schedule={"cron": "@daily", "jitter": "25h"}), "/schedule/jitter", "out_of_range", "P1D"),
    ("end before start", _with(start_date="2026-02-01", end_date="2026-01-01"),
     "/end_date", "invalid_value", "leave it out"),
    ("year 0", _with(start_date="0000-01-01"), "/start_date", "invalid_instant", "0000"),
    ("cron and interval", _with(schedule={"cron": "@daily", "interval": "1h"}),
     "/schedule/interval", "exclusive_fields", "only one of"),
    ("unknown name", _task(when="parms.x"), "/tasks/a/when", "unknown_name", "did you mean 'params'?"),
    ("no CEL", _task(when="1 +"), "/tasks/a/when", "expression_syntax", "Syntax error"),
    ("unknown task", _task(when="tasks.b.state == ''"), "/tasks/a/when", "unknown_task", "it uses unknown task 'b'"),
    ("not upstream", _with(tasks={"b": {"type": "noop"}, "a": {"type": "noop", "when": "tasks.b.state == ''"}}),
     "/tasks/a/when", "not_upstream", "add 'b' to depends_on"),
    ("itself in an expression", _task(when="tasks.a.state == ''"),
     "/tasks/a/when", "not_upstream", "not upstream of 'a'"),
    ("map without expand", _task(type="shell", command=["${{ map.x }}"]),
     "/tasks/a/command", "unknown_name", "only in a task with 'expand'"),
    ("bad template", _task(type="shell", command=["x", "${{ 1 }"]),
     "/tasks/a/command/1", "expression_syntax", "is not closed"),
    ("unknown task in outputs", _with(outputs={"x": "${{ tasks.b.state }}"}),
     "/outputs/x", "unknown_task", "unknown task 'b'"),
    ("try in outputs", _with(outputs={"x": "${{ try_number }}"}),
     "/outputs/x", "unknown_name", "not in the outputs of a run"),
    ("a param that no run can have", _with(params=CLOSED, tasks={"a": {"type": "noop", "when": "params.row > 1"}}),
     "/tasks/a/when", "unknown_param", "did you mean 'rows'?"),
    ("the same in the outputs", _with(params=CLOSED, outputs={"x": ["${{ params.day }}"]}),
     "/outputs/x", "unknown_param", "known: rows"),
    ("an undeclared output", _with(tasks=DECLARING | {
        "b": {"type": "shell", "command": ["${{ tasks.a.outputs.row }}"], "depends_on": ["a"]}}),
     "/tasks/b/command", "undeclared_output", "did you mean 'rows'?"),
    ("the same of a run", _with(tasks=DECLARING, outputs={"x": "${{ tasks.a.outputs.status }}"}),
     "/outputs/x", "undeclared_output", "known: rows, return_value"),
    ("bad output type", _task(outputs={"x": {"type": "int"}}), "/tasks/a/outputs/x/type", "invalid_schema", "int"),
    ("bad retry pattern", _task(retry_policy=[{"action": "fail", "error": "(?=x)"}]),
     "/tasks/a/retry_policy/0/error", "invalid_pattern", "linear time"),
    ("branch to nowhere", _task(type="branch", choose="b"),
     "/tasks/a/choose", "unknown_task", "no direct downstream task is called 'b'"),
    ("a rule for failures beside fail_fast", _with(fail_fast=True, tasks={
        "a": {"type": "noop"}, "b": {"type": "noop", "depends_on": ["a"], "trigger_rule": "one_failed"}}),
     "/tasks/b/trigger_rule", "exclusive_fields", "leave out fail_fast"),
    ("the same for all tasks", _with(fail_fast=True, default_args={"trigger_rule": "all_done"}),
     "/default_args/trigger_rule", "exclusive_fields", "fail_fast ends the run"),
    ("a check without a command", _task(type="wait", shell={"env": {}}),
     "/tasks/a/shell", "missing_field", "one of command or script"),
    ("a check with two commands", _task(type="wait", shell={"command": ["x"], "script": "x"}),
     "/tasks/a/shell/script", "exclusive_fields", "only one of command and script"),
    ("a check that may skip", _task(type="wait", shell={"command": ["x"], "skip_exit_code": 3}),
     "/tasks/a/shell/skip_exit_code", "unknown_field", "fail_on_exit_codes"),
    ("an exit code that says yes", _task(type="wait", shell={"command": ["x"], "fail_on_exit_codes": [0]}),
     "/tasks/a/shell/fail_on_exit_codes/0", "out_of_range", "1 to 255"),
    ("a secret in the arguments of a check", _task(type="wait", python={"callable": "a:b", "args": [{"secret": "b"}]}),
     "/tasks/a/python/args/0", "secret_not_allowed", "alone"),
    ("source in a check", _task(type="wait", python={"source": "1"}),
     "/tasks/a/python", "missing_field", "'callable' is missing"),
    ("two checks", _task(type="wait", python={"callable": "a:b"}, file={"path": "/x"}),
     "/tasks/a/file", "exclusive_fields", "only one of python and file"),
    ("a relative file", _task(type="wait", file={"path": "day.csv"}),
     "/tasks/a/file/path", "invalid_value", "the absolute path of a file"),
    ("a file of less than nothing", _task(type="wait", file={"path": "/x", "min_bytes": -1}),
     "/tasks/a/file/min_bytes", "out_of_range", "-1"),
    ("a time limit for no check", _task(type="wait", **{"for": "1m"}, check_timeout="5s"),
     "/tasks/a/check_timeout", "exclusive_fields", "beside 'http' or 'shell' or 'python' or 'file'"),
    ("an interval of no check", _task(type="wait", until="2026-03-01T00:00:00Z", interval="5s"),
     "/tasks/a/interval", "exclusive_fields", "beside 'http'"),
    ("a check in no time", _task(type="wait", file={"path": "/x"}, check_timeout="500ms"),
     "/tasks/a/check_timeout", "out_of_range", "PT1S"),
    ("soft_fail without a timeout", _task(type="wait", **{"for": "1m"}, soft_fail=True),
     "/tasks/a/soft_fail", "exclusive_fields", "timeout"),
    ("unknown rule for the run", _with(run_state="roots"), "/run_state", "invalid_value", "leaves"),
    ("runs that are deleted at once", _with(retention={"runs": "0s"}), "/retention/runs", "out_of_range", "PT1H"),
    ("no last runs", _with(retention={"keep_last": 0}), "/retention/keep_last", "out_of_range", "1 to 1000000"),
    ("at most no run", _with(retention={"runs_max": 0}), "/retention/runs_max", "out_of_range", "1 to 1000000"),
    ("more last runs than runs", _with(retention={"keep_last": 10, "runs_max": 5}),
     "/retention/keep_last", "invalid_value", "at least so many runs stay as at most may stay"),
    ("NaN", _with(**{"x-a": float("nan")}), "/x-a", "invalid_number", "nan is no JSON number"),
    ("no JSON", _with(**{"x-a": {1, 2}}), "/x-a", "wrong_type", "of type set is no JSON"),
    ("NUL", _with(description="a\0"), "/description", "invalid_text", "U+0000"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "pointer", "code", "text"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_a_fault_is_told_with_its_place_its_kind_and_a_cure(document: Any, pointer: str, code: str, text: str) -> None:
    source = document if isinstance(document, dict) else json.dumps(document)
    found = [problem for problem in _problems(source) if (problem.pointer, problem.code) == (pointer, code)]
    assert len(found) == 1
    assert text in str(found[0])
    assert len(found[0].message) < 1_000


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_with(params=CLOSED, outputs={"x": "${{ params.rows }}"}), id="a named param"),
        pytest.param(
            _with(params=CLOSED, outputs={"x": "${{ has(params.row) ? params.row : 0 }}"}), id="a param asked for"
        ),
        pytest.param(_with(tasks=DECLARING, outputs={"x": "${{ tasks.a.outputs.return_value }}"}), id="of the type"),
        pytest.param(
            _with(tasks={"a": {"type": "noop"}}, outputs={"x": "${{ tasks.a.outputs.rows }}"}), id="none is declared"
        ),
    ],
)
def test_a_name_that_a_run_can_have_is_read_without_a_warning(document: dict[str, Any]) -> None:
    assert find_warnings(parse_definition(document)) == []


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(
            _with(params={"type": "object", "properties": {"rows": {}}}, outputs={"x": "${{ params.row }}"}),
            "unknown_param",
            id="others are allowed",
        ),
        pytest.param(
            _with(params=CLOSED | {"patternProperties": {"^x": {}}}, outputs={"x": "${{ params.x1 }}"}),
            "unknown_param",
            id="others are allowed by a pattern",
        ),
        pytest.param(
            _with(tasks=DECLARING, outputs={"x": "${{ has(tasks.a.outputs.extra) ? tasks.a.outputs.extra : null }}"}),
            "undeclared_output",
            id="an output asked for",
        ),
    ],
)
def test_a_name_that_a_run_may_have_is_a_warning(document: dict[str, Any], code: str) -> None:
    assert {problem.code for problem in find_warnings(parse_definition(document))} == {code}


def test_every_fault_is_told_at_once_and_in_document_order() -> None:
    text = """\
dag_idd: x
tasks:
  a: {type: shel, depends_on: [b]}
  b:
    type: shell
    script: echo ${{ ds }}
    depends_on: [c]
  c: {type: noop, depends_on: [b, q], when: parms.x}
outputs: {r: "${{ tasks.z.state }}"}
"""
    problems = _problems(text, media="yaml", dag_id="d")
    assert [(problem.line, problem.code) for problem in problems] == [
        (1, "unknown_field"),
        (3, "unknown_task_type"),
        (6, "expression_not_allowed"),
        (7, "cycle"),
        (8, "unknown_task"),
        (8, "unknown_name"),
        (9, "unknown_task"),
    ]
    assert problems[3].message == "the tasks wait for each other: b -> c -> b"


def test_problems_beyond_a_hundred_are_counted() -> None:
    problems = _problems(_with(**{f"field{index}": 1 for index in range(250)}))
    assert len(problems) == 101
    assert (problems[-1].code, problems[-1].message) == ("too_many_problems", "and 150 more problems")


def test_a_run_may_return_outputs_of_any_task() -> None:
    assert parse_definition(_with(outputs={"state": "${{ tasks.a.state }}", "fixed": [1]})).outputs.keys() == {
        "state",
        "fixed",
    }


def test_indirect_upstream_may_be_used_in_expressions() -> None:
    tasks = {
        "a": {"type": "noop"},
        "b": {"type": "noop", "depends_on": ["a"]},
        "c": {"type": "noop", "depends_on": ["b"], "when": "tasks.a.state == 'success'"},
    }
    definition = parse_definition(_with(tasks=tasks))
    assert definition.tasks["c"].when == Expression("tasks.a.state == 'success'")


def test_every_kind_of_task_has_its_table() -> None:
    from mainspring.definition.fields import TASK_TYPES

    assert set(TASK_TYPES) == {task_type.value for task_type in TaskType}


def test_a_definition_without_expressions_needs_neither_yaml_nor_cel_nor_json_schema() -> None:
    program = (
        "import sys\nfrom mainspring.definition import parse_definition\nfrom mainspring.graph import Graph\n"
        "heavy = {'cel', 'yaml', 'jsonschema_rs', 'cronsim'}\n"
        "assert not heavy & set(sys.modules)\n"
        "Graph.of(parse_definition({'dag_id': 'd', 'tasks': {'a': {'type': 'noop'}}}).tasks)\n"
        "assert not heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment(), check=True, timeout=60)


def test_a_definition_is_found_wrong_only_by_its_own_error() -> None:
    assert isinstance(parse_definition(_with()), Definition)
    with pytest.raises(InvalidDag):
        parse_definition(b"\xff\xfe")
    with pytest.raises(InvalidDag):
        parse_definition("\ud800")


@pytest.mark.parametrize(
    ("written", "stored", "made_up_for"),
    [(True, True, 10), ("all", True, 10), (False, False, 1), ("latest", False, 1), ("none", "none", 0)],
)
def test_both_spellings_of_catching_up_are_one_version(written: Any, stored: Any, made_up_for: int) -> None:
    definition = parse_definition({"dag_id": "d", "catchup": written, "tasks": {"a": {"type": "noop"}}}, media="json")
    assert definition.document["catchup"] == stored
    assert definition.made_up_for == made_up_for
