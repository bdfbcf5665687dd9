"""Outputs that are kept by reference, in the store and in the decisions of the scheduler."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from mainspring.attempts import Finished, Outcome, Started
from mainspring.large_values import PIECE_BYTES, VALUE_BYTES_MAX, LargeValue, opened, value_id
from mainspring_store.access.stored_totals import StoredTotals
from mainspring_store.interventions import Clear, RunSelection, TaskSelection, clear
from mainspring_store.queries.large_values import ValueMissing, read_value, value_pieces
from mainspring_store.resources.dag_deletion import delete_dag
from mainspring_store.resources.large_values import TooManyBytes, delete_unused, store_value
from mainspring_store.resources.versions import Versions
from mainspring_store.state.run_removal import count_rows
from mainspring_store.tables import large_value, large_value_piece, task_try, xcom
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine

BIG = "${{ tasks.a.outputs.big }}"
CHAIN: dict[str, Any] = {"a": {}, "b": {"depends_on": ["a"], "env": {"X": BIG}}}


def reference(attempt_id: str, value: Any, name: str = "big") -> LargeValue:
    text = orjson.dumps(value)
    return LargeValue(
        id=value_id(attempt_id, name), name=name, bytes=len(text), sha256=sha256(text).hexdigest(), kind="string",
        excerpt=text[:50].decode(errors="ignore"),
    )  # fmt: skip


def pieces_of(value: Any) -> list[bytes]:
    text = orjson.dumps(value)
    return [text[begin : begin + PIECE_BYTES] for begin in range(0, len(text), PIECE_BYTES)]


def finish(engine: Engine, task_id: str, value: Any, *, outputs: Any = None, is_stored: bool = True) -> LargeValue:
    """End the latest attempt of a task with the large output `big`, stored before as its carrier does it."""
    attempt_id = engine.attempt(task_id).attempt_id
    large = reference(attempt_id, value)
    if is_stored:
        store_value(engine.database, attempt_id, large, pieces_of(value), engine.clock.now())
    at = engine.clock.now()
    engine.executor.report(
        Started(attempt_id=attempt_id, seq=1, at=at, hostname="here", pid=1),
        Finished(
            attempt_id=attempt_id, seq=2, at=at, outcome=Outcome.SUCCESS, outputs=outputs or {}, large={"big": large}
        ),
    )
    engine.executor.finished.add(attempt_id)
    engine.run_until_idle()
    return large


def counts(engine: Engine) -> tuple[int, int]:
    """Values and pieces in the database."""
    with engine.database.read() as connection:
        return tuple(
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (large_value, large_value_piece)
        )  # type: ignore[return-value]


def clear_all(engine: Engine, *task_ids: str) -> None:
    request = Clear(runs=RunSelection(run_id="r1"), tasks=TaskSelection(task_ids=task_ids or None))
    clear(engine.database, Versions(engine.database), "etl", request, now=engine.clock.now())
    engine.run_until_idle()


def test_a_reference_goes_on_without_its_value(engine: Engine) -> None:
    text = "é" * 3_000_000
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    large = finish(engine, "a", text, outputs={"rows": 3})
    attempt = engine.attempt("b")
    assert attempt.payload["env"] == {"X": None}
    assert attempt.values == {"/env/X": large}
    with engine.database.read() as connection:
        stored = connection.scalars(select(task_try.c.payload).where(task_try.c.attempt_id == attempt.attempt_id)).one()
    assert opened(stored) == (attempt.payload, attempt.values)
    assert json.loads(read_value(engine.database, large)) == text
    assert counts(engine) == (1, 6)


def test_a_piece_that_is_sent_again_changes_nothing(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    attempt_id, text = engine.attempt("a").attempt_id, "x" * 1_500_000
    large = reference(attempt_id, text)
    store_value(engine.database, attempt_id, large, pieces_of(text)[:1], engine.clock.now())
    for _ in range(2):
        store_value(engine.database, attempt_id, large, pieces_of(text), engine.clock.now())
    assert counts(engine) == (1, 2)
    finish(engine, "a", text)
    assert json.loads(read_value(engine.database, large)) == text


def test_a_value_of_a_deleted_try_is_stored_nowhere(engine: Engine) -> None:
    store_value(engine.database, "f" * 32, reference("f" * 32, "x" * 2_000), pieces_of("x" * 2_000), engine.clock.now())
    assert counts(engine) == (0, 0)


def test_the_values_of_one_try_have_a_bound(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    attempt_id, now = engine.attempt("a").attempt_id, engine.clock.now()
    for name in ("one", "two"):
        full = replace(reference(attempt_id, "x", name), bytes=VALUE_BYTES_MAX)
        store_value(engine.database, attempt_id, full, [b"x"], now)
    with pytest.raises(TooManyBytes):
        store_value(engine.database, attempt_id, reference(attempt_id, "x" * 2_000, "three"), [b"x"], now)
    assert counts(engine) == (2, 2)


def test_what_is_damaged_is_not_handed_on(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    large = finish(engine, "a", "x" * 2_000)
    with pytest.raises(ValueMissing, match="another digest"):
        read_value(engine.database, replace(large, sha256="0" * 64))
    with pytest.raises(ValueMissing):
        list(value_pieces(engine.database, replace(large, bytes=PIECE_BYTES + 1)))


def test_a_clear_replaces_the_value_and_its_bytes_go_when_no_try_needs_them(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    first = finish(engine, "a", "x" * 2_000)
    engine.finish("b")
    clear_all(engine)
    second = finish(engine, "a", "y" * 3_000)
    assert engine.attempt("b").values == {"/env/X": second}
    engine.clock.move(timedelta(hours=2))
    assert delete_unused(engine.database, now=engine.clock.now()) == 0, "b runs, and a try of the run may need a value"
    engine.finish("b")
    assert delete_unused(engine.database, now=engine.clock.now()) == 1
    assert json.loads(read_value(engine.database, second)) == "y" * 3_000
    with pytest.raises(ValueMissing):
        read_value(engine.database, first)
    assert_sound(engine.database)


def test_a_young_value_without_an_output_stays(engine: Engine) -> None:
    """Its report may be under way."""
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    attempt_id = engine.attempt("a").attempt_id
    store_value(engine.database, attempt_id, reference(attempt_id, "x" * 2_000), [b"x"], engine.clock.now())
    engine.finish("a")
    engine.clock.move(timedelta(minutes=59))
    assert delete_unused(engine.database, now=engine.clock.now()) == 0
    engine.clock.move(timedelta(minutes=2))
    assert delete_unused(engine.database, now=engine.clock.now()) == 1


def test_a_plain_output_of_a_later_try_is_no_reference(engine: Engine) -> None:
    engine.trigger(engine.save("etl", CHAIN))
    engine.run_until_idle()
    finish(engine, "a", "x" * 2_000)
    clear_all(engine, "a")
    engine.finish("a", outputs={"big": "small"})
    with engine.database.read() as connection:
        assert connection.execute(select(xcom.c.value, xcom.c.large_id).where(xcom.c.key == "big")).all() == [
            ('"small"', None)
        ]


def test_values_go_and_count_with_their_runs(engine: Engine) -> None:
    key = engine.trigger(engine.save("etl", {"a": {}}), principal_id="p")
    engine.run_until_idle()
    large = finish(engine, "a", "x" * 2_000_000)
    with engine.database.read() as connection:
        assert count_rows(connection, [key]).output_bytes > large.bytes
    totals = StoredTotals(engine.database)
    count = totals.refresh()
    assert count is not None
    count.result()
    assert totals.run_bytes_of("p") > 2_000
    totals.close()
    delete_dag(engine.database, "etl", now=engine.clock.now())
    assert counts(engine) == (0, 0)


def test_a_declared_output_of_the_run_cannot_be_large(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}, outputs={"all": BIG}))
    engine.run_until_idle()
    finish(engine, "a", "x" * 2_000)
    run = engine.run()
    assert (run["state"], run["state_reason"]) == ("failed", "expression_error")
    assert "output 'big' has 2002 bytes and is kept by reference" in run["message"]


def test_a_branch_cannot_choose_by_a_large_value(engine: Engine) -> None:
    tasks = {
        "a": {},
        "choose": {"type": "branch", "depends_on": ["a"], "choose": BIG},
        "x": {"depends_on": ["choose"]},
    }
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    finish(engine, "a", "x" * 2_000)
    assert engine.states() == {"a": "success", "choose": "failed", "x": "upstream_failed"}


@pytest.mark.parametrize(
    "make", [lambda n: {"args": [BIG] * n}, lambda n: {"kwargs": {f"k{i}": BIG for i in range(n)}}]
)
def test_what_one_task_is_handed_has_a_bound(engine: Engine, make: Callable[[int], Any]) -> None:
    """Each value counts once: it becomes one file."""
    tasks = {
        "a": {},
        "b": {"type": "python", "callable": "m:f", "depends_on": ["a"], **make(5)},
        "c": {
            "type": "python",
            "callable": "m:f",
            "depends_on": ["a"],
            "args": [BIG, "${{ tasks.a.outputs.two }}", "${{ tasks.a.outputs.three }}"],
        },
    }
    engine.trigger(engine.save("etl", tasks))
    engine.run_until_idle()
    attempt_id, at = engine.attempt("a").attempt_id, engine.clock.now()
    large = {
        name: replace(reference(attempt_id, "x", name), bytes=VALUE_BYTES_MAX - 1) for name in ("big", "two", "three")
    }
    engine.start("a")
    engine.executor.report(
        Finished(attempt_id=attempt_id, seq=2, at=at, outcome=Outcome.SUCCESS, large=large),
    )
    engine.executor.finished.add(attempt_id)
    engine.run_until_idle()
    assert engine.states() == {"a": "success", "b": "queued", "c": "failed"}
    _forget_references(engine)


def _forget_references(engine: Engine) -> None:
    """This test reports values that it never stored."""
    with engine.database.write() as connection:
        connection.execute(xcom.delete().where(xcom.c.large_id.is_not(None)))
