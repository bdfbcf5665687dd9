"""A pass costs a bounded number of statements, whatever its batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from mainspring.attempts import Finished, Outcome, Started
from mainspring_scheduler.decisions.ready_queue import BATCH_MIN
from mainspring_store import Database
from mainspring_store.scheduling import Candidate
from mainspring_store.scheduling.candidates import CandidateReads
from tests.scheduler.engine import Engine

STATEMENTS_MAX = {"sqlite": 9, "postgresql": 11}
"""Of one pass that ends tasks with an output and queues what they unlock. PostgreSQL locks runs in statements of
their own, twice; BEGIN IMMEDIATE does it for SQLite."""


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def report_all(engine: Engine) -> None:
    for attempt in engine.executor.open:
        engine.executor.report(
            Started(attempt_id=attempt.attempt_id, seq=1, at=engine.clock.now(), hostname="here"),
            Finished(
                attempt_id=attempt.attempt_id,
                seq=2,
                at=engine.clock.now(),
                outcome=Outcome.SUCCESS,
                outputs={"return_value": 1},
            ),
        )
        engine.executor.finished.add(attempt.attempt_id)


@pytest.mark.parametrize("width", [1, 50])
def test_a_pass_takes_as_many_statements_for_fifty_tasks_as_for_one(engine: Engine, width: int) -> None:
    tasks = {f"a{n}": {} for n in range(width)} | {f"b{n}": {"depends_on": [f"a{n}"]} for n in range(width)}
    engine.trigger(engine.save("pairs", tasks | {"c": {"depends_on": [f"b{n}" for n in range(width)]}}))
    engine.run_until_idle()
    report_all(engine)
    with counted(engine.database) as statements:
        counts = engine.scheduler.run_once()
    assert (counts.moved, counts.queued) == (width, width)
    assert len(statements) <= STATEMENTS_MAX[engine.database.engine.dialect.name], statements


def test_a_free_slot_does_not_have_all_read_that_waits_for_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Candidate] = []

    def ready(self: CandidateReads, limit: int, **more: Any) -> list[Candidate]:
        read.extend(found := original(self, limit, **more))
        return found

    original = CandidateReads.ready
    monkeypatch.setattr(CandidateReads, "ready", ready)
    engine.trigger(engine.save("wide", {f"a{n}": {} for n in range(400)}, max_active_tasks=20))
    engine.run_until_idle()
    assert len(engine.executor.open) == 20
    for _ in range(10):
        engine.finish(engine.executor.open[0].task_id)
    read.clear()
    engine.finish(engine.executor.open[0].task_id)
    assert len(engine.executor.open) == 20
    assert len(read) <= BATCH_MIN


def test_a_pass_without_news_asks_little_and_writes_nothing(engine: Engine) -> None:
    engine.trigger(engine.save("etl", {"a": {}}))
    engine.run_until_idle()
    with counted(engine.database) as statements:
        engine.step()
    assert len(statements) <= 8, statements
    assert not [one for one in statements if one.startswith("INSERT")]
    with counted(engine.database) as statements:
        engine.scheduler.run_once()
    assert statements == [], "nobody rang and no report came"
