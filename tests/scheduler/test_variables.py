"""Variables in expressions."""

from typing import Any

import pytest
from sqlalchemy import event

from mainspring.errors import InvalidDag
from mainspring_store.resources.variables import NewVariable, change_variables, create_variables
from tests.scheduler.engine import START, Engine


def make(engine: Engine, **variables: str) -> None:
    create_variables(
        engine.database, [NewVariable(key=key, value=value) for key, value in variables.items()], now=START
    )


def begin(engine: Engine, tasks: dict[str, Any], run_id: str = "r1", **fields: Any) -> None:
    engine.trigger(engine.save("etl", tasks, **fields), run_id)
    engine.run_until_idle()


def asked_for_variables(engine: Engine) -> list[str]:
    asked: list[str] = []

    def note(*args: Any) -> None:
        if "variable" in args[2]:
            asked.append(args[2])

    event.listen(engine.database.engine, "before_cursor_execute", note)
    return asked


@pytest.mark.parametrize(
    ("text", "expression", "value"),
    [
        pytest.param("eu", "vars.v", "eu", id="text"),
        pytest.param("5", "vars.v", "5", id="a number is text"),
        pytest.param("5", "int(vars.v) + 1", 6, id="a number is asked for"),
        pytest.param('{"host": "db", "ports": [1, 2]}', "vars.v.ports[1]", 2, id="a JSON object"),
        pytest.param('{"id": 123456789012345678901}', "vars.v.id", "123456789012345678901", id="a long integer"),
        pytest.param("[1, 2]", "vars.v.map(x, x * 2)", [2, 4], id="a JSON list"),
        pytest.param("{not json", "vars.v", "{not json", id="what only looks like JSON"),
        pytest.param("x", 'vars["v"] == "x" ? 1 : 2', 1, id="in brackets"),
        pytest.param("x", "has(vars.w) ? vars.w : 'default'", "default", id="guarded absence"),
    ],
)
def test_an_expression_reads_a_variable(engine: Engine, text: str, expression: str, value: Any) -> None:
    make(engine, v=text)
    begin(engine, {"a": {"env": {"V": f"${{{{ {expression} }}}}"}}})
    assert engine.attempt("a").payload["env"] == {"V": value}


def test_conditions_lists_and_outputs_of_runs_read_variables_too(engine: Engine) -> None:
    make(engine, go="yes", regions='["eu", "us"]', name="x")
    begin(
        engine,
        {"a": {"when": "${{ vars.go == 'yes' }}", "expand": {"r": "${{ vars.regions }}"}}},
        outputs={"name": "${{ vars.name }}"},
    )
    assert engine.states() == {"a[0]": "queued", "a[1]": "queued"}
    for index in range(2):
        engine.finish("a", map_index=index)
    assert engine.run()["outputs"] == {"name": "x"}


def test_a_missing_variable_fails_its_task_with_the_cure(engine: Engine) -> None:
    begin(engine, {"a": {"retries": 2, "env": {"V": "${{ vars.region }}"}}, "b": {}})
    assert engine.states() == {"a": "failed", "b": "queued"}
    assert engine.instances()[0].state_reason == "expression_error"
    message = engine.tries("a")[0].message
    assert "no variable 'region'" in message
    assert "/api/v2/variables" in message


def test_a_changed_variable_reaches_the_tasks_that_start_after_it(engine: Engine) -> None:
    make(engine, v="old")
    tasks = {"a": {"env": {"V": "${{ vars.v }}"}}, "b": {"depends_on": ["a"], "env": {"V": "${{ vars.v }}"}}}
    begin(engine, tasks)
    change_variables(engine.database, {"v": {"value": "new"}}, now=START)
    engine.finish("a")
    assert [engine.attempt(task).payload["env"]["V"] for task in "ab"] == ["old", "new"]


@pytest.mark.parametrize("expression", ["vars", "vars[params.k]", "size(vars)"])
def test_variables_are_named_literally(engine: Engine, expression: str) -> None:
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": {"env": {"V": f"${{{{ {expression} }}}}"}}})
    assert [problem.code for problem in caught.value.problems] == ["variable_reference"]


def test_all_variables_of_a_pass_are_asked_for_at_once_and_only_when_named(engine: Engine) -> None:
    make(engine, **{f"v{n}": str(n) for n in range(9)})
    asked = asked_for_variables(engine)
    begin(engine, {f"t{n}": {"env": {"V": f"${{{{ vars.v{n} }}}}"}} for n in range(9)})
    assert len(engine.executor.submitted) == 9
    assert len(asked) == 1
    begin(engine, {"plain": {}}, "r2")
    assert len(asked) == 1
