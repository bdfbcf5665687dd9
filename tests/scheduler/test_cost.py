"""A pass costs a bounded number of statements, whatever its batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from mainspring.attempts import Finished, Outcome, Started
from mainspring_scheduler.decisions.ready_queue import BATCH_MIN
from mainspring_store import Database
from mainspring_store.database.pipeline import PipelinedStatements
from mainspring_store.scheduling import Candidate
from mainspring_store.scheduling.candidates import CandidateReads
from tests.scheduler.engine import Engine

STATEMENTS_MAX = {"sqlite": 9, "postgresql": 10}
"""Of one pass that ends tasks with an output and queues what they unlock. PostgreSQL locks runs in a statement of its
own; BEGIN IMMEDIATE does it for SQLite."""
ROUND_TRIPS_MAX = 2
"""Of the same pass on PostgreSQL, with BEGIN and COMMIT."""
ROUND_TRIPS_OF_START_MAX = 6
"""Of the pass that starts a run and its first task, with the look for attempts to cancel after the commit."""
ROUND_TRIPS_OF_END_MAX = 3
"""Of the pass that ends a run."""


@dataclass
class Cost:
    """What a piece of work asked of the database."""

    statements: list[str] = field(default_factory=list)
    round_trips: int = 0


@contextmanager
def counted(database: Database) -> Iterator[Cost]:
    cost = Cost()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        note_flight([statement])

    def note_flight(statements: Sequence[str]) -> None:
        cost.round_trips += 1
        cost.statements += [text for text in statements if not text.startswith(("BEGIN", "COMMIT"))]

    event.listen(database.engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PipelinedStatements, "before_flight", staticmethod(note_flight))
        yield cost
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
    with counted(engine.database) as cost:
        counts = engine.scheduler.run_once()
    assert (counts.moved, counts.queued) == (width, width)
    assert len(cost.statements) <= STATEMENTS_MAX[engine.database.engine.dialect.name], cost.statements
    assert engine.database.is_sqlite or cost.round_trips <= ROUND_TRIPS_MAX


def test_the_first_and_the_last_pass_of_a_run_take_few_round_trips(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    engine.trigger(version)
    engine.run_until_idle()
    report_all(engine)
    with counted(engine.database) as last:
        assert engine.scheduler.run_once().finished == 1
    engine.trigger(version, "r2")
    with counted(engine.database) as first:
        counts = engine.step()
    assert (counts.started, counts.queued) == (1, 1)
    if not engine.database.is_sqlite:
        assert first.round_trips <= ROUND_TRIPS_OF_START_MAX
        assert last.round_trips <= ROUND_TRIPS_OF_END_MAX


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
    with counted(engine.database) as cost:
        engine.step()
    assert len(cost.statements) <= 8, cost.statements
    assert not [one for one in cost.statements if one.startswith("INSERT")]
    with counted(engine.database) as cost:
        engine.scheduler.run_once()
    assert cost.statements == [], "nobody rang and no report came"
