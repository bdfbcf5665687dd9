"""Schedules that wait for the ends of runs of other DAGs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mainspring.states import RunState
from mainspring_store.interventions.clearing import Clear, clear
from mainspring_store.interventions.marking import mark_run
from mainspring_store.interventions.targets import RunSelection
from mainspring_store.resources import dag_deletion, dag_pauses
from mainspring_store.resources.versions import Versions
from mainspring_store.state import runs
from mainspring_store.tables import awaited_end, dag, dag_run
from tests.scheduler.engine import START, Engine

NOOP = {"x": {"type": "noop"}}
DAY = timedelta(days=1)


def following(engine: Engine, dag_id: str = "b") -> Sequence[Any]:
    """The runs that ends made, oldest first."""
    with engine.database.read() as connection:
        return connection.execute(
            select(dag_run)
            .where(dag_run.c.dag_id == dag_id, dag_run.c.run_type == "asset_triggered")
            .order_by(dag_run.c.id)
        ).all()


def sources(engine: Engine, dag_id: str = "b") -> list[list[str]]:
    """The ids of the runs whose ends made each run."""
    return [[source["dag_run_id"] for source in run.sources] for run in following(engine, dag_id)]


def after(*items: Mapping[str, Any] | str, **more: Any) -> dict[str, Any]:
    return {"after": [{"dag": item} if isinstance(item, str) else item for item in items], **more}


def end(engine: Engine, version: runs.VersionRef, run_id: str, **fields: Any) -> None:
    """Trigger a run of noop tasks, and let it end."""
    engine.trigger(version, run_id, **fields)
    engine.run_until_idle()


def test_a_success_makes_a_run_that_names_its_source_and_has_its_logical_date(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", NOOP, schedule=after("a"))
    interval = (START - DAY, START)
    end(engine, version, "r1", logical_date=START - DAY, data_interval=interval)
    (run,) = following(engine)
    assert (run.state, run.logical_date, run.triggered_by) == ("success", START - DAY, "asset")
    assert (run.data_interval_start, run.data_interval_end) == interval
    assert run.run_id.startswith(f"asset_triggered__{START.isoformat()}__")
    assert run.sources == [
        {
            "dag_id": "a",
            "dag_run_id": "r1",
            "state": "success",
            "logical_date": "2026-02-28T12:00:00Z",
            "end_date": "2026-03-01T12:00:00Z",
        }
    ]


def test_only_the_end_that_the_schedule_names_counts(engine: Engine) -> None:
    version = engine.save("a", {"x": {}})
    engine.save("b", NOOP, schedule=after("a"))
    engine.save("c", NOOP, schedule=after({"dag": "a", "state": "failed"}))
    for number in (1, 2):
        engine.trigger(version, f"r{number}")
        engine.run_until_idle()
    engine.fail("x", run_id="r1")
    assert (sources(engine, "b"), sources(engine, "c")) == ([], [["r1"]])
    engine.finish("x", run_id="r2")
    assert (sources(engine, "b"), sources(engine, "c")) == ([["r2"]], [["r1"]])


def test_a_cancelled_run_has_failed(engine: Engine) -> None:
    version = engine.save("a", {"x": {}})
    engine.save("b", NOOP, schedule=after({"dag": "a", "state": "failed"}))
    engine.trigger(version)
    engine.run_until_idle()
    runs.cancel_run(engine.database, "a", "r1", now=engine.clock.now(), message="enough")
    engine.run_until_idle()
    assert sources(engine) == [["r1"]]


def test_with_all_one_end_of_each_dag_makes_a_run_of_the_latest_date(engine: Engine) -> None:
    versions = {name: engine.save(name, NOOP) for name in ("a", "c")}
    engine.save("b", NOOP, schedule=after("a", "c"))
    end(engine, versions["a"], "a1", logical_date=START)
    end(engine, versions["a"], "a2", logical_date=START + DAY)
    assert sources(engine) == []
    end(engine, versions["c"], "c1", logical_date=START - DAY)
    assert sources(engine) == [["a2", "c1"]]
    assert following(engine)[0].logical_date == START + DAY
    end(engine, versions["c"], "c2")
    assert len(following(engine)) == 1
    end(engine, versions["a"], "a3")
    assert sources(engine) == [["a2", "c1"], ["c2", "a3"]]
    assert following(engine)[1].logical_date is None


def test_with_any_each_end_makes_a_run(engine: Engine) -> None:
    versions = {name: engine.save(name, NOOP) for name in ("a", "c")}
    engine.save("b", NOOP, schedule=after("a", "c", match="any"))
    for name in ("a", "c"):
        engine.trigger(versions[name], f"{name}1", logical_date=START)
    engine.run_until_idle()
    assert sorted(sources(engine)) == [["a1"], ["c1"]]
    # A DAG has one run for a logical date. The second run has none.
    assert [run.logical_date for run in following(engine)] == [START, None]


def test_ends_that_lie_further_apart_than_within_make_no_run(engine: Engine) -> None:
    versions = {name: engine.save(name, NOOP) for name in ("a", "c")}
    engine.save("b", NOOP, schedule=after("a", "c", within="PT1H"))
    end(engine, versions["a"], "a1")
    engine.clock.move(timedelta(hours=1, seconds=1))
    end(engine, versions["c"], "c1")
    assert sources(engine) == []
    engine.clock.move(timedelta(hours=1))
    end(engine, versions["a"], "a2")
    assert sources(engine) == [["c1", "a2"]]


@pytest.mark.parametrize(("again", "count"), [(False, 1), (True, 2)])
def test_a_cleared_run_counts_once_more_only_with_again(engine: Engine, again: bool, count: int) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", NOOP, schedule=after({"dag": "a", "again": again}))
    end(engine, version, "r1", logical_date=START)
    request = Clear(runs=RunSelection(run_id="r1"))
    clear(engine.database, Versions(engine.database), "a", request, now=engine.clock.now())
    engine.run_until_idle()
    assert len(following(engine)) == count


def test_a_failed_run_that_a_user_marks_as_a_success_counts(engine: Engine) -> None:
    version = engine.save("a", {"x": {}})
    engine.save("b", NOOP, schedule=after("a"))
    engine.trigger(version)
    engine.run_until_idle()
    engine.fail("x")
    assert sources(engine) == []
    versions = Versions(engine.database)
    for _ in range(2):
        mark_run(engine.database, versions, "a", "r1", RunState.SUCCESS, by="test", now=engine.clock.now())
    engine.run_until_idle()
    assert sources(engine) == [["r1"]]


def test_ends_while_the_waiting_dag_is_paused_make_no_run(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", NOOP, schedule=after("a"))
    dag_pauses.set_paused(engine.database, "b", True, now=engine.clock.now())
    end(engine, version, "r1")
    dag_pauses.set_paused(engine.database, "b", False, now=engine.clock.now())
    engine.run_until_idle()
    assert sources(engine) == []
    end(engine, version, "r2")
    assert sources(engine) == [["r2"]]


def test_two_schedulers_make_one_run_of_an_end(engine: Engine, make_engine: Any) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", {"x": {}}, schedule=after("a"))
    other = make_engine(incarnation="second")
    for number in range(4):
        engine.trigger(version, f"r{number}")
        for _ in range(6):
            engine.step()
            other.step()
    assert sources(engine) == [[f"r{number}"] for number in range(4)]


def test_an_end_before_the_death_of_a_scheduler_makes_its_run_in_the_next(engine: Engine, make_engine: Any) -> None:
    version = engine.save("a", {"x": {}})
    engine.save("b", NOOP, schedule=after("a"))
    engine.trigger(version)
    engine.run_until_idle()
    mark_run(engine.database, Versions(engine.database), "a", "r1", RunState.SUCCESS, by="test", now=START)
    make_engine(incarnation="next").run_until_idle()
    assert sources(engine) == [["r1"]]


def test_a_dag_whose_params_have_no_defaults_is_set_aside_alone_until_its_next_save(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    params = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    engine.save("b", NOOP, schedule=after("a"), params=params)
    engine.save("c", NOOP, schedule=after("a"))
    end(engine, version, "r1")
    assert (sources(engine, "b"), sources(engine, "c")) == ([], [["r1"]])
    with engine.database.read() as connection:
        error = connection.scalar(select(dag.c.schedule_error).where(dag.c.dag_id == "b"))
    assert error is not None
    assert '"n" is a required property' in error
    engine.save("b", NOOP, schedule=after("a"))
    engine.run_until_idle()
    assert sources(engine, "b") == [["r1"]]


def test_a_schedule_that_no_longer_waits_forgets_the_ends(engine: Engine) -> None:
    versions = {name: engine.save(name, NOOP) for name in ("a", "c")}
    engine.save("b", NOOP, schedule=after("a", "c"))
    end(engine, versions["a"], "a1")
    engine.save("b", NOOP, schedule=after("c"))
    end(engine, versions["a"], "a2")
    end(engine, versions["c"], "c1")
    assert sources(engine) == [["c1"]]
    engine.save("b", NOOP)
    end(engine, versions["c"], "c2")
    assert sources(engine) == [["c1"]]
    with engine.database.read() as connection:
        assert set(connection.scalars(select(awaited_end.c.status))) == {"used"}


def test_the_start_and_end_date_bound_the_ends_that_count(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    bounds = {"start_date": "2026-03-01T13:00:00Z", "end_date": "2026-03-01T14:00:00Z"}
    engine.save("b", NOOP, schedule=after("a"), **bounds)
    for number in range(4):
        end(engine, version, f"r{number}")
        engine.clock.move(timedelta(minutes=50))
    assert sources(engine) == [["r2"]]


def test_a_run_of_the_middle_dag_makes_a_run_of_the_last(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", NOOP, schedule=after("a"))
    engine.save("c", NOOP, schedule=after("b"))
    end(engine, version, "r1", logical_date=START)
    assert [run.logical_date for run in following(engine, "c")] == [START]


def test_a_deleted_dag_waits_no_more(engine: Engine) -> None:
    version = engine.save("a", NOOP)
    engine.save("b", NOOP, schedule=after("a"))
    dag_deletion.delete_dag(engine.database, "b", now=engine.clock.now())
    end(engine, version, "r1")
    engine.save("b", NOOP, schedule=after("a"))
    engine.run_until_idle()
    assert sources(engine) == []
