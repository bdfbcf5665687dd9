"""Declared types of outputs."""

from typing import Any

import pytest

from mainspring.errors import InvalidDag
from tests.scheduler.engine import Engine

TYPES = {"rows": {"type": "integer", "minimum": 0}, "day": {"type": "string", "format": "date"}}


def begin(engine: Engine, **task: Any) -> None:
    tasks = {"a": {"outputs": TYPES, **task}, "b": {"depends_on": ["a"]}}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()


def outcome(engine: Engine) -> tuple[str, str | None, str | None]:
    return engine.states()["a"], engine.instances()[0].state_reason, engine.tries("a")[-1].message


def test_outputs_that_fit_their_types_go_on(engine: Engine) -> None:
    begin(engine)
    engine.finish("a", outputs={"rows": 3, "day": "2026-03-01", "undeclared": [None]})
    assert engine.states() == {"a": "success", "b": "queued"}


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        pytest.param({"day": "2026-03-01"}, ["'rows'", "missing"], id="missing"),
        pytest.param({"rows": "three", "day": "2026-03-01"}, ["'rows'", '"three"', "integer"], id="wrong type"),
        pytest.param({"rows": 3, "day": "1 March"}, ["'day'", '"1 March"', "date"], id="wrong format"),
    ],
)
def test_a_success_without_its_declared_outputs_is_a_failure_that_names_them(
    engine: Engine, outputs: dict[str, Any], told: list[str]
) -> None:
    begin(engine)
    engine.finish("a", outputs=outputs)
    state, reason, message = outcome(engine)
    assert (state, reason) == ("failed", "output_invalid")
    assert all(word in str(message) for word in told), message
    assert engine.states()["b"] == "upstream_failed"


def test_a_wrong_output_is_tried_again(engine: Engine) -> None:
    begin(engine, retries=1, retry_delay="0s")
    engine.finish("a", outputs={"rows": -1, "day": "2026-03-01"})
    assert engine.states()["a"] == "queued"
    engine.finish("a", outputs={"rows": 1, "day": "2026-03-01"})
    assert engine.states()["a"] == "success"


def test_the_place_within_a_value_is_told_and_long_values_are_cut(engine: Engine) -> None:
    tasks = {"a": {"outputs": {"rows": {"type": "array", "items": {"type": "integer"}}}}}
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": [*range(1000), "x"]})
    _, _, message = outcome(engine)
    assert message is not None
    assert "/1000" in message
    assert len(message) < 500


def test_a_value_too_large_for_its_type_to_be_checked_within_bounds_fails(engine: Engine) -> None:
    wide = {"anyOf": [{"const": f"{n:040}"} for n in range(1000)]}
    engine.trigger(engine.save("etl", {"a": {"outputs": {"rows": {"type": "array", "items": wide}}}}))
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": ["x" * 40] * 5000})
    state, reason, message = outcome(engine)
    assert (state, reason) == ("failed", "output_invalid")
    assert "too many" in str(message)


@pytest.mark.parametrize(
    ("schema", "at"),
    [
        pytest.param({"type": "wrong"}, "", id="no schema"),
        pytest.param({"properties": {"x": {"$ref": "#"}}}, "", id="reference that leads back"),
        pytest.param({"allOf": [{"unevaluatedProperties": False}]}, "/allOf/0/unevaluatedProperties", id="unevaluated"),
    ],
)
def test_a_type_whose_check_is_not_bounded_is_refused_when_it_is_saved(
    engine: Engine, schema: dict[str, Any], at: str
) -> None:
    with pytest.raises(InvalidDag) as caught:
        engine.save("etl", {"a": {"outputs": {"rows": schema}}})
    (problem,) = caught.value.problems
    assert problem.code == "invalid_schema"
    assert problem.pointer.startswith(f"/tasks/a/outputs/rows{at}")


def test_a_property_may_be_called_like_a_refused_keyword(engine: Engine) -> None:
    engine.save("etl", {"a": {"outputs": {"link": {"properties": {"unevaluatedItems": {"type": "string"}}}}}})


def test_a_type_may_refer_to_its_own_definitions(engine: Engine) -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/row"}, "$defs": {"row": {"type": "integer"}}}
    engine.trigger(engine.save("etl", {"a": {"outputs": {"rows": schema}}}))
    engine.run_until_idle()
    engine.finish("a", outputs={"rows": [1, "x"]})
    assert outcome(engine)[:2] == ("failed", "output_invalid")
