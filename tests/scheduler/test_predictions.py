"""A pass on PostgreSQL predicts the rows that its guarded writes change. A wrong prediction changes nothing."""

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import String, bindparam, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError

from mainspring.attempts import Finished, Outcome
from mainspring.errors import StoreUnavailable
from mainspring_scheduler.predictions import PAUSE_MAX, PAUSE_MIN, Predictions
from mainspring_store import Database
from mainspring_store.database.pipeline import Check, Mispredicted, PipelinedStatements, Rows, Statements, Written
from mainspring_store.resources.removals import delete_run
from mainspring_store.state import runs
from mainspring_store.tables import feed_event
from tests.scheduler.engine import Engine


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """PostgreSQL alone: SQLite has no round trips."""
    migrated: Database = request.getfixturevalue("postgres_database")
    return migrated


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each pass that was repeated, because a prediction was wrong."""
    repeated: list[int] = []
    note_wrong = Predictions.note_wrong

    def note(self: Predictions) -> None:
        repeated.append(1)
        note_wrong(self)

    monkeypatch.setattr(Predictions, "note_wrong", note)
    return repeated


def report_end(engine: Engine, task_id: str, run_id: str = "r1") -> None:
    engine.start(task_id, run_id)
    attempt_id = engine.attempt(task_id, run_id).attempt_id
    outputs = {"return_value": 1}
    engine.executor.report(
        Finished(attempt_id=attempt_id, seq=2, at=engine.clock.now(), outcome=Outcome.SUCCESS, outputs=outputs)
    )
    engine.executor.finished.add(attempt_id)


def running(engine: Engine) -> None:
    """A run of two tasks whose first task runs and is known to the scheduler."""
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}))
    engine.run_until_idle()


def test_a_right_prediction_is_not_repeated(engine: Engine, wrong: list[int]) -> None:
    running(engine)
    report_end(engine, "a")
    engine.scheduler.run_once()
    assert (engine.states(), wrong) == ({"a": "success", "b": "queued"}, [])


def test_the_end_of_an_attempt_that_was_fenced_meanwhile_is_not_counted(engine: Engine, wrong: list[int]) -> None:
    running(engine)
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    report_end(engine, "a")
    engine.scheduler.run_once()
    assert (engine.states(), wrong) == ({"a": "failed", "b": "skipped"}, [1])
    assert engine.tries("a")[0].stopped_at is not None


def test_the_end_of_an_attempt_whose_run_is_gone_fails_nothing(engine: Engine, wrong: list[int]) -> None:
    running(engine)
    engine.trigger(engine.save("etl", {"a": {}, "b": {"depends_on": ["a"]}}), "r2")
    engine.run_until_idle()
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    delete_run(engine.database, "etl", "r1", now=engine.clock.now())
    report_end(engine, "a", "r1")
    report_end(engine, "a", "r2")
    engine.run_until_idle()
    assert (engine.states("r2"), wrong) == ({"a": "success", "b": "queued"}, [1])


def test_two_schedulers_that_apply_the_same_report_count_it_once(
    make_engine: Callable[..., Engine], wrong: list[int]
) -> None:
    first, second = make_engine(), make_engine(incarnation="second", slots=0)
    running(first)
    report_end(first, "a")
    reports = first.executor.reports(0)
    first.executor.report(*reports)
    second.scheduler.inject(reports)
    second.run_until_idle()
    first.run_until_idle()
    assert (first.states(), wrong) == ({"a": "success", "b": "queued"}, [1])
    assert len([event for event in first.events() if event.state == "success"]) == 1
    assert first.run()["tasks_unfinished"] == 1


def limited_runs(engine: Engine) -> None:
    """Two runs of a task that runs once at a time: `l2` waits for `l1`."""
    version = engine.save("limited", {"x": {"max_active_tis_per_dag": 1}})
    engine.trigger(version, "l1")
    engine.trigger(version, "l2")
    engine.run_until_idle()
    assert (engine.states("l1"), engine.states("l2")) == ({"x": "queued"}, {"x": "scheduled"})


def test_a_blocked_instance_anywhere_makes_no_prediction_wrong(engine: Engine, wrong: list[int]) -> None:
    limited_runs(engine)
    running(engine)
    for task_id in ("a", "b"):
        report_end(engine, task_id)
        engine.scheduler.run_once()
    assert (engine.run()["state"], wrong) == ("success", [])


def test_the_end_of_the_last_blocked_instance_makes_no_prediction_wrong(engine: Engine, wrong: list[int]) -> None:
    limited_runs(engine)
    report_end(engine, "x", "l1")
    engine.run_until_idle()
    assert (engine.states("l2"), wrong) == ({"x": "queued"}, [])
    assert not engine.scheduler._predictions.expects_blocked
    report_end(engine, "x", "l2")
    engine.run_until_idle()
    assert (engine.run("l2")["state"], wrong) == ("success", [])


def test_what_another_scheduler_has_blocked_costs_one_repeated_pass(
    make_engine: Callable[..., Engine], wrong: list[int]
) -> None:
    first, second = make_engine(), make_engine(incarnation="second")
    running(first)
    limited_runs(second)
    report_end(first, "a")
    first.scheduler.run_once()
    assert wrong == [1]
    while not first.scheduler._predictions.may_predict():
        pass
    report_end(first, "b")
    first.scheduler.run_once()
    assert (first.run()["state"], wrong) == ("success", [1])


@pytest.mark.parametrize("flight", [1, 2])
def test_a_connection_that_breaks_in_a_pass_loses_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, flight: int
) -> None:
    running(engine)
    report_end(engine, "a")
    flights: list[Sequence[str]] = []

    def break_connection(statements: PipelinedStatements, texts: Sequence[str]) -> None:
        flights.append(texts)
        if len(flights) == flight:
            with engine.database.engine.connect() as other:
                other.exec_driver_sql(
                    f"SELECT pg_terminate_backend({statements._session.driver.info.backend_pid}, 5000)"
                )

    monkeypatch.setattr(PipelinedStatements, "before_flight", break_connection)
    with pytest.raises(StoreUnavailable):
        engine.scheduler.run_once()
    assert (engine.states(), engine.executor.open) == ({"a": "queued", "b": "scheduled"}, [])
    engine.scheduler.run_once()
    assert engine.states() == {"a": "success", "b": "queued"}


def fail_inside(statements: Statements) -> None:
    with statements.savepoint():
        statements.write(_ADD_EVENT, {"dag_id": "inside"})
        raise ZeroDivisionError


def test_a_savepoint_that_fails_takes_only_its_own_statements_along(database: Database) -> None:
    with database.statements(predicts=True) as statements:
        statements.write(_ADD_EVENT, {"dag_id": "before"})
        with pytest.raises(ZeroDivisionError):
            fail_inside(statements)
        statements.write(_ADD_EVENT, {"dag_id": "after"})
    with database.read() as connection:
        assert set(connection.scalars(select(feed_event.c.dag_id))) == {"before", "after"}


def swallow_a_wrong_prediction(statements: Statements) -> None:
    statements.guarded(_ADD_EVENT.returning(feed_event.c.dag_id), {"dag_id": "wrong"}, [("right",)])
    with pytest.raises(Mispredicted):
        statements.rows(select(feed_event.c.dag_id), {})


def test_a_wrong_prediction_that_is_swallowed_is_not_committed(database: Database) -> None:
    with pytest.raises(Mispredicted), database.statements(predicts=True) as statements:
        swallow_a_wrong_prediction(statements)
    with database.read() as connection:
        assert connection.scalars(select(feed_event.c.dag_id)).all() == []


def read_behind_a_wrong_prediction(database: Database) -> None:
    with database.statements(predicts=True) as statements:
        swallow_a_wrong_prediction(statements)
        statements.rows(select(feed_event.c.dag_id), {})
        raise AssertionError("the statement ran")


def test_nothing_runs_after_a_wrong_prediction_that_is_swallowed(database: Database) -> None:
    with pytest.raises(Mispredicted):
        read_behind_a_wrong_prediction(database)


def flights_of(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Gets the statements of each flight from now on."""
    flights: list[Sequence[str]] = []
    monkeypatch.setattr(PipelinedStatements, "before_flight", staticmethod(flights.append))
    return flights


def test_a_right_prediction_with_a_check_travels_with_the_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = flights_of(monkeypatch)
    confirmed: list[Written] = []
    with database.statements(predicts=True) as statements:
        statements.guarded(
            _RETURNING, {"dag_id": "right"}, [("right",)], lambda rows: not confirmed.append(rows), Check("true", 1)
        )
    assert (len(flights), confirmed, statements.has_confirmed) == (1, [{("right",)}], True)
    assert events(database) == ["right"]


@pytest.mark.parametrize("check", [Check("true", 2), Check("dag_id = 'right'", 1)])
def test_a_prediction_that_fails_its_check_is_not_committed(database: Database, check: Check) -> None:
    with pytest.raises(Mispredicted), database.statements(predicts=True) as statements:
        statements.guarded(_RETURNING, {"dag_id": "wrong"}, [("right",)], check=check)
    assert events(database) == []


def test_a_failed_check_of_the_caller_raises_its_own_exception(database: Database) -> None:
    failing = Check("false", 1)
    with pytest.raises(KeyError, match="too few"), database.statements() as statements:
        statements.checked(_RETURNING, {"dag_id": "wrong"}, failing, lambda: KeyError("too few"))
    assert events(database) == []


def test_a_failed_statement_is_not_taken_for_a_failed_check(database: Database) -> None:
    without_kind = insert(feed_event).from_select(["at"], select(func.now())).returning(feed_event.c.dag_id)
    with pytest.raises(IntegrityError), database.statements() as statements:
        statements.checked(without_kind, {}, Check("true", 1), lambda: KeyError("too few"))
    assert events(database) == []


def test_rows_read_ahead_cost_no_round_trip_until_a_write_makes_them_old(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = flights_of(monkeypatch)
    first, second = (_EVENTS_OF, {"dag_id": "first"}), (_EVENTS_OF, {"dag_id": "second"})
    along: list[Rows] = []
    with database.statements() as statements:
        statements.read_ahead([first, second])
        assert (statements.rows(*second), statements.rows(*first), len(flights)) == ([], [], 1)
        statements.read_ahead([first, second])
        statements.write(_ADD_EVENT, {"dag_id": "second"})
        statements.read_along(first, along.append)
        assert [row.dag_id for row in statements.rows(*second)] == ["second"]
        assert (along, len(flights)) == ([[]], 3)


def events(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(feed_event.c.dag_id)))


def test_predictions_pause_longer_with_each_wrong_one_in_a_row() -> None:
    predictions = Predictions()
    assert predictions.may_predict()
    for count in range(9):
        predictions.note_wrong()
        assert pause_of(predictions) == min(PAUSE_MIN << count, PAUSE_MAX)
        predictions.note_committed(has_confirmed=False, saw_blocked=None)
    predictions.note_committed(has_confirmed=True, saw_blocked=None)
    predictions.note_wrong()
    assert pause_of(predictions) == PAUSE_MIN


def pause_of(predictions: Predictions) -> int:
    """The passes until the next one that predicts, which begins with this call."""
    passes = 0
    while not predictions.may_predict():
        passes += 1
    return passes


_ADD_EVENT = insert(feed_event).from_select(
    ["kind", "at", "state", "dag_id"],
    select(literal_column("'dag'"), func.now(), literal_column("'saved'"), bindparam("dag_id", type_=String())),
)
_EVENTS_OF = select(feed_event.c.dag_id).where(feed_event.c.dag_id == bindparam("dag_id", type_=String()))
_RETURNING = _ADD_EVENT.returning(feed_event.c.dag_id)
