"""Pruning: what is old goes, what anything needs stays, and what was given to a run is not given to another."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mainspring.attempts import Outcome
from mainspring.errors import Conflict
from mainspring.instants import format_instant
from mainspring.retention import Policy, RetentionSettings, RunPolicy, policy_of
from mainspring.states import RunState, RunType
from mainspring_scheduler.duties.retention import RetentionDuty
from mainspring_store import Database
from mainspring_store.access.installation import has_retention_defaults
from mainspring_store.access.stored_totals import StoredTotals
from mainspring_store.interventions import Clear, RunSelection, clear, requeue_run
from mainspring_store.queries.backfills import get_backfill
from mainspring_store.resources import dag_deletion, dags
from mainspring_store.resources import heartbeats as services
from mainspring_store.resources.backfills import NewBackfill, ReprocessBehavior, create_backfill, run_dates
from mainspring_store.resources.kept_runs import set_run_kept
from mainspring_store.resources.versions import Versions
from mainspring_store.retention import ClockLeap, preview, sweep
from mainspring_store.schema.migrate import downgrade, migrate
from mainspring_store.state import runs
from mainspring_store.state.run_removal import Removed
from mainspring_store.tables import (
    audit_event,
    dag_run,
    dag_version,
    feed_event,
    pruned_run,
    service,
    task_instance,
    task_try,
    xcom,
)
from tests.acceptance.server import until
from tests.scheduler.engine import START, Engine

DAY = timedelta(days=1)
ONE = RunPolicy(runs=DAY, failed_runs=5 * DAY, keep_last=1)


def prune(engine: Engine, of_runs: RunPolicy = ONE, **more: Any) -> Removed:
    policy = Policy(of_runs=of_runs, **more)
    foreseen = sum((removed for _, _, removed in preview(engine.database, policy, now=engine.clock.now())), Removed())
    removed = sum((step.removed for step in sweep(engine.database, policy, now=engine.clock.now())), Removed())
    assert removed == foreseen, "a dry run does not say what a sweep does"
    return removed


def run_ids(engine: Engine) -> list[str]:
    with engine.database.read() as connection:
        return list(connection.scalars(select(dag_run.c.run_id).order_by(dag_run.c.id)))


def done(engine: Engine, version: runs.VersionRef, *names: str, outcome: Outcome = Outcome.SUCCESS) -> None:
    """Runs of a DAG with the one task `a`, a minute apart."""
    for name in names:
        engine.trigger(version, name)
        engine.run_until_idle()
        outputs = {"return_value": "x" * 100} if outcome is Outcome.SUCCESS else {}
        engine.finish("a", outcome, run_id=name, outputs=outputs)
        engine.clock.move(timedelta(minutes=1))


def test_old_runs_go_with_everything_and_leave_a_small_row(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, "r1", "r2", "r3")
    engine.clock.move(2 * DAY)
    removed = prune(engine)
    assert (removed.runs, removed.instances, removed.tries, removed.outputs) == (2, 2, 2, 2)
    assert run_ids(engine) == ["r3"]
    with engine.database.read() as connection:
        assert len(connection.execute(select(task_instance)).all()) == 1
        assert len(connection.execute(select(xcom)).all()) == 1
        rows = connection.execute(select(pruned_run).order_by(pruned_run.c.run_id)).all()
        (event,) = connection.execute(select(audit_event)).all()
        deleted = connection.scalars(select(feed_event.c.data).where(feed_event.c.state == "deleted")).all()
    assert [data["dag_run_id"] for data in deleted] == ["r1", "r2"]
    assert [(row.dag_id, row.run_id, row.state) for row in rows] == [("etl", "r1", "success"), ("etl", "r2", "success")]
    assert (event.event, event.owner, event.dag_id) == ("prune", "retention", "etl")
    assert event.extra["policy"]["runs"] == "P1D"
    assert (event.extra["runs"], event.extra["rows"], event.extra["bytes"]) == (2, removed.rows, removed.bytes)
    assert removed.bytes > 200
    assert prune(engine) == Removed()


def test_failed_runs_stay_longer_and_a_count_bounds_the_rest(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, "bad", outcome=Outcome.FAILED)
    done(engine, version, "r1", "r2", "r3", "r4")
    engine.clock.move(2 * DAY)
    prune(engine)
    assert run_ids(engine) == ["bad", "r4"]
    engine.clock.move(4 * DAY)
    prune(engine)
    assert run_ids(engine) == ["r4"]
    done(engine, version, "r5", "r6", "r7")
    prune(engine, RunPolicy(runs=None, failed_runs=None, keep_last=100, runs_max=2))
    assert run_ids(engine) == ["r6", "r7"]


def test_the_latest_runs_and_kept_runs_stay(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, *(f"r{number}" for number in range(6)))
    set_run_kept(engine.database, "etl", "r1", True, now=engine.clock.now())
    engine.clock.move(9 * DAY)
    prune(engine, RunPolicy(runs=DAY, keep_last=3))
    assert run_ids(engine) == ["r1", "r3", "r4", "r5"]
    set_run_kept(engine.database, "etl", "r1", False, now=engine.clock.now())
    prune(engine, RunPolicy(runs=DAY, keep_last=3))
    assert run_ids(engine) == ["r3", "r4", "r5"]


def test_what_is_unfinished_stays_whatever_its_age(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    engine.trigger(version, "running")
    engine.run_until_idle()
    done(engine, version, "r1", "r2")
    engine.trigger(version, "queued")
    engine.clock.move(99 * DAY)
    prune(engine)
    assert run_ids(engine) == ["running", "r2", "queued"]


def test_a_run_whose_process_may_still_run_stays(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    engine.trigger(version, "r1")
    engine.run_until_idle()
    runs.cancel_run(engine.database, "etl", "r1", now=engine.clock.now(), message="by test")
    done(engine, version, "r2")
    engine.clock.move(9 * DAY)
    prune(engine)
    assert run_ids(engine) == ["r1", "r2"]


WAIT = {"a": {"type": "wait", "for": "30d"}}
CALL = {"call": {"type": "dag", "dag_id": "child"}}


def cancel(engine: Engine, dag_id: str, run_id: str) -> None:
    runs.cancel_run(engine.database, dag_id, run_id, now=engine.clock.now(), message="by test")


def test_a_run_that_a_task_waits_for_stays_until_its_end_was_seen(engine: Engine) -> None:
    child = engine.save("child", WAIT)
    engine.trigger(engine.save("parent", CALL), "p")
    engine.run_until_idle()
    (called,) = [name for name in run_ids(engine) if name != "p"]
    engine.trigger(child, "later")
    engine.run_until_idle()
    # The scheduler dies after the end of the runs, and is started again much later.
    cancel(engine, "child", "later")
    cancel(engine, "child", called)
    engine.clock.move(9 * DAY)
    prune(engine)
    assert run_ids(engine) == ["p", called, "later"]
    engine.run_until_idle()
    assert engine.run("p")["state"] == "failed"
    engine.trigger(dags.save_dag(engine.database, child.definition, by="t", now=engine.clock.now()).version, "last")
    cancel(engine, "child", "last")
    prune(engine)
    assert called not in run_ids(engine)


def test_a_run_whose_child_run_goes_on_stays(engine: Engine) -> None:
    engine.save("child", WAIT)
    parent = engine.save("parent", CALL)
    engine.trigger(parent, "p")
    engine.run_until_idle()
    engine.trigger(parent, "later")
    cancel(engine, "parent", "later")
    cancel(engine, "parent", "p")
    engine.clock.move(9 * DAY)
    prune(engine)
    assert "p" in run_ids(engine)
    engine.run_until_idle()  # stops the child run
    prune(engine)
    assert "p" not in run_ids(engine)


def test_the_run_before_an_unfinished_run_stays_for_depends_on_past(engine: Engine) -> None:
    version = engine.save("etl", {"a": {"depends_on_past": True}})
    done(engine, version, "r1", "r2")
    done(engine, version, "bad", outcome=Outcome.FAILED)
    engine.trigger(version, "blocked")
    engine.run_until_idle()
    other = engine.save("etl", {"a": {}})
    done(engine, other, "r3", "r4")
    engine.clock.move(99 * DAY)
    prune(engine)
    assert run_ids(engine) == ["bad", "blocked", "r3", "r4"]
    engine.run_until_idle()
    assert engine.states("blocked") == {"a": "scheduled"}


def test_a_pruned_run_before_blocks_nothing(engine: Engine) -> None:
    version = engine.save("etl", {"a": {"depends_on_past": True}})
    done(engine, version, "bad", outcome=Outcome.FAILED)
    set_run_kept(engine.database, "etl", "bad", True, now=engine.clock.now())
    other = engine.save("etl", {"a": {}})
    done(engine, other, "good")
    done(engine, other, "r3")
    engine.clock.move(99 * DAY)
    # A run that stands for the time after `good`, which is pruned by then.
    prune(engine)
    assert run_ids(engine) == ["bad", "r3"]
    new = runs.NewRun(
        version=version, run_id="late", run_type=RunType.MANUAL, conf={}, params={}, run_after=engine.clock.now(),
        logical_date=START + timedelta(minutes=1, seconds=30),
    )  # fmt: skip
    runs.create_run(engine.database, new, now=engine.clock.now())
    engine.run_until_idle()
    assert engine.states("late") == {"a": "queued"}


def test_an_id_and_a_date_of_a_pruned_run_are_not_given_again(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, "r1", "r2")
    with engine.database.write() as connection:
        connection.execute(update(dag_run).where(dag_run.c.run_id == "r1").values(logical_date=START))
    engine.clock.move(9 * DAY)
    prune(engine)
    assert run_ids(engine) == ["r2"]
    with pytest.raises(Conflict, match="which retention pruned"):
        engine.trigger(version, "r1")
    again = runs.NewRun(
        version=version, run_id="new", run_type=RunType.MANUAL, conf={}, params={}, run_after=START, logical_date=START
    )
    with pytest.raises(Conflict, match="which retention pruned"):
        runs.create_run(engine.database, again, now=engine.clock.now())
    dag_deletion.delete_dag(engine.database, "etl", now=engine.clock.now())
    engine.trigger(engine.save("etl", {"a": {}}), "r1")


SLOTS = 4


def backfilled(engine: Engine, behavior: ReprocessBehavior) -> int:
    """Begin a backfill of the hours before the first instant."""
    version = engine.save("etl", {"a": {}}, schedule={"interval": "1h"}, is_paused_upon_creation=False)
    new = NewBackfill(
        dag_id="etl",
        version_id=version.id,
        from_date=START - timedelta(hours=SLOTS),
        to_date=START - timedelta(hours=1),
        slots_total=SLOTS,
        reprocess_behavior=behavior,
    )
    return create_backfill(engine.database, new, now=engine.clock.now())


def finish_all(engine: Engine) -> None:
    engine.run_until_idle()
    while engine.executor.open:
        engine.finish("a", run_id=engine.executor.open[0].run_id)


@pytest.mark.parametrize("behavior", [ReprocessBehavior.NONE, ReprocessBehavior.COMPLETED])
def test_backfills_count_and_skip_pruned_runs_as_before(engine: Engine, behavior: ReprocessBehavior) -> None:
    key = backfilled(engine, ReprocessBehavior.NONE)
    engine.run_until_idle()
    backfill_runs = [one.run_id for one in engine.executor.open if one.run_id.startswith("backfill__")]
    for run_id in backfill_runs[1:]:
        engine.finish("a", run_id=run_id)
    engine.clock.move(9 * DAY)
    prune(engine)
    assert sum(name.startswith("backfill__") for name in run_ids(engine)) == SLOTS, "a backfill is under way"
    finish_all(engine)
    engine.clock.move(9 * DAY)
    finish_all(engine)
    assert get_backfill(engine.database, key)["runs"] == {RunState.SUCCESS: SLOTS}
    prune(engine)
    assert not any(name.startswith("backfill__") for name in run_ids(engine))
    assert get_backfill(engine.database, key)["runs"] == {RunState.SUCCESS: SLOTS}
    first, last = START - timedelta(hours=SLOTS), START - timedelta(hours=1)
    kept = run_dates(engine.database, "etl", first, last, behavior)
    assert len(kept) == (SLOTS if behavior is ReprocessBehavior.NONE else 0)
    second = backfilled(engine, behavior)
    finish_all(engine)
    made = sum(name.startswith("backfill__") for name in run_ids(engine))
    assert made == (0 if behavior is ReprocessBehavior.NONE else SLOTS)
    row = get_backfill(engine.database, second)
    assert (row["state"], row["slots_skipped"]) == ("finished", SLOTS - made)


def test_slots_of_pruned_runs_are_not_made_again(engine: Engine) -> None:
    engine.save("etl", {"a": {}}, schedule={"interval": "1h"}, catchup=True, start_date=format_instant(START - 5 * DAY))
    finish_all(engine)
    before = set(run_ids(engine))
    assert len(before) > 1
    prune(engine, RunPolicy(runs=timedelta(0), failed_runs=timedelta(0), keep_last=1))
    engine.clock.move(timedelta(seconds=1))
    prune(engine, RunPolicy(runs=timedelta(0), failed_runs=timedelta(0), keep_last=1))
    assert len(run_ids(engine)) == 1
    engine.save("etl", {"a": {}}, schedule={"interval": "1h"}, catchup=True, start_date=format_instant(START - 5 * DAY),
                description="changed, so that it is planned again")  # fmt: skip
    engine.run_until_idle()
    assert set(run_ids(engine)) <= before


def test_a_large_run_goes_in_pieces(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring_store.retention.sweeps.BATCH_MAX", 10)
    monkeypatch.setattr("mainspring_store.retention.sweeps.LARGE_RUN", 10)
    version = engine.save("wide", {f"t{number}": {"type": "noop"} for number in range(120)})
    for name in ("r1", "r2"):
        engine.trigger(version, name)
        engine.run_until_idle()
    engine.clock.move(9 * DAY)
    policy = Policy(of_runs=ONE)
    steps = list(sweep(engine.database, policy, now=engine.clock.now()))
    assert len(steps) > 3
    assert sum((step.removed for step in steps), Removed()).instances == 120
    assert run_ids(engine) == ["r2"]
    with engine.database.read() as connection:
        (event,) = connection.execute(select(audit_event)).all()
    assert (event.extra["runs"], event.extra["instances"]) == (1, 120)


def test_nobody_clears_a_run_of_which_a_part_is_gone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring_store.retention.sweeps.LARGE_RUN", 10)
    version = engine.save("wide", {f"t{number}": {"type": "noop"} for number in range(120)})
    for name in ("r1", "r2"):
        engine.trigger(version, name)
        engine.run_until_idle()
    engine.clock.move(9 * DAY)
    steps = sweep(engine.database, Policy(of_runs=ONE), now=engine.clock.now())
    assert 0 < next(steps).removed.instances < 120
    versions, now = Versions(engine.database), engine.clock.now()
    assert clear(engine.database, versions, "wide", Clear(runs=RunSelection(run_id="r1")), now=now) == []
    assert not requeue_run(engine.database, versions, "wide", "r1", now=now)
    assert engine.run("r1")["state"] == "success"
    assert sum((step.removed for step in steps), Removed()).runs == 1


def test_a_dag_overrides_the_policy(engine: Engine) -> None:
    done(engine, engine.save("mine", {"a": {}}, retention={"runs": "2d", "keep_last": 1}), "r1", "r2")
    done(engine, engine.save("kept", {"a": {}}, retention={"runs": "forever"}), "k1", "k2")
    engine.clock.move(3 * DAY)
    prune(engine, ONE)
    assert run_ids(engine) == ["r2", "k1", "k2"]
    done(engine, engine.save("other", {"a": {}}), "o1", "o2")
    done(engine, engine.save("mine", {"a": {}}, retention={"runs": "2d", "keep_last": 1}, description="v2"), "r3")
    engine.clock.move(3 * DAY)
    prune(engine, RunPolicy())
    assert run_ids(engine) == ["k1", "k2", "o1", "o2", "r3"]
    assert prune(engine, ONE, is_on=False) == Removed()


def test_old_versions_processes_and_audit_events_go(engine: Engine) -> None:
    done(engine, engine.save("etl", {"a": {}}), "r1")
    engine.save("etl", {"a": {}}, description="unused")
    engine.save("etl", {"a": {}}, description="current")
    for name in ("old", "busy"):
        services.register_service(
            engine.database, incarnation=name, kind="scheduler", hostname="h", pid=1, version="0", details={},
            now=engine.clock.now(),
        )  # fmt: skip
    engine.trigger(engine.save("live", {"a": {}}), "x")
    engine.run_until_idle()
    with engine.database.write() as connection:
        connection.execute(update(task_try).where(task_try.c.stopped_at.is_(None)).values(owner="busy"))
        connection.execute(
            insert(audit_event), {"at": engine.clock.now(), "event": "put_dag", "outcome": "done", "extra": {}}
        )
    engine.clock.move(9 * DAY)
    removed = prune(engine, RunPolicy(), versions=DAY, services=DAY, audit=DAY)
    assert (removed.versions, removed.services, removed.audit_events) == (1, 1, 1)
    with engine.database.read() as connection:
        assert list(connection.scalars(select(service.c.incarnation))) == ["busy"]
        versions = connection.scalars(select(dag_version.c.version_number).where(dag_version.c.dag_id == "etl"))
        assert sorted(versions) == [1, 3]
    engine.finish("a", run_id="x")


def count(totals: StoredTotals) -> None:
    totals._next_at = 0.0
    counting = totals.refresh()
    assert counting is not None
    counting.result()


def test_totals_of_principals_follow(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, "r1", "r2")
    with engine.database.write() as connection:
        connection.execute(update(dag_run).values(principal_id="ann"))
    totals = StoredTotals(engine.database)
    count(totals)
    before = totals._totals.run_bytes["ann"]
    engine.clock.move(9 * DAY)
    prune(engine)
    count(totals)
    assert totals._totals.run_bytes["ann"] == before // 2
    totals.close()


def test_a_crash_between_two_transactions_loses_no_audit(engine: Engine) -> None:
    version = engine.save("etl", {f"t{number}": {"type": "noop"} for number in range(40)})
    for number in range(6):
        engine.trigger(version, f"r{number}")
        engine.run_until_idle()
    engine.clock.move(9 * DAY)
    steps = sweep(engine.database, Policy(of_runs=ONE), now=engine.clock.now())
    removed = next(steps).removed + next(steps).removed
    steps.close()  # type: ignore[attr-defined]
    with engine.database.read() as connection:
        (event,) = connection.execute(select(audit_event)).all()
    assert event.extra["rows"] == removed.rows
    assert len(run_ids(engine)) == 6 - removed.runs


def test_two_sweeps_at_once_delete_each_row_once(engine: Engine) -> None:
    version = engine.save("etl", {f"t{number}": {"type": "noop"} for number in range(40)})
    for number in range(8):
        engine.trigger(version, f"r{number}")
        engine.run_until_idle()
    engine.clock.move(9 * DAY)
    first = sweep(engine.database, Policy(of_runs=ONE), now=engine.clock.now())
    second = sweep(engine.database, Policy(of_runs=ONE), now=engine.clock.now())
    removed = next(first).removed + next(second).removed
    removed += sum((step.removed for steps in (first, second) for step in steps), Removed())
    assert (removed.runs, run_ids(engine)) == (7, ["r7"])


def test_a_clock_that_jumped_ahead_prunes_nothing_for_a_day(engine: Engine) -> None:
    version = engine.save("etl", {"a": {}})
    done(engine, version, "r1", "r2")
    duty = RetentionDuty(engine.database, Policy(of_runs=ONE), engine.clock)
    duty.sweep()
    engine.clock.set(3650 * DAY)
    for _ in range(3):
        with pytest.raises(ClockLeap, match="jumped ahead"):
            duty.sweep()
    assert run_ids(engine) == ["r1", "r2"]
    engine.clock.set(-3650 * DAY)
    assert duty.sweep() == Removed()
    # A new time that lasts is believed.
    engine.clock.move(9 * DAY)
    with pytest.raises(ClockLeap):
        duty.sweep()
    engine.clock.move(DAY)
    assert duty.sweep().runs == 1


def test_a_new_instance_has_defaults_and_a_setting_overrides_them(database: Database) -> None:
    assert has_retention_defaults(database)
    policy = policy_of(RetentionSettings(), has_defaults=True)
    assert policy.of_runs == RunPolicy(runs=180 * DAY, failed_runs=365 * DAY, keep_last=100)
    assert policy.audit is None
    assert policy_of(RetentionSettings(runs="30d"), has_defaults=True).of_runs.runs == 30 * DAY
    assert policy_of(RetentionSettings(), has_defaults=False).is_empty
    assert not policy_of(RetentionSettings(mode="on"), has_defaults=False).is_empty
    assert policy_of(RetentionSettings(runs="30d"), has_defaults=False).of_runs == RunPolicy(runs=30 * DAY)


def test_an_upgraded_instance_keeps_everything_until_a_policy_is_set(empty_database: Database) -> None:
    migrate(empty_database)
    downgrade(empty_database, "0006")
    with empty_database.write() as connection:
        connection.execute(
            insert(service),
            {
                "incarnation": "old",
                "kind": "scheduler",
                "hostname": "h",
                "pid": 1,
                "version": "0",
                "started_at": START,
                "heartbeat_at": START,
                "details": {},
            },
        )
    migrate(empty_database)
    assert not has_retention_defaults(empty_database)


def test_the_thread_prunes_and_stops(engine: Engine) -> None:
    done(engine, engine.save("etl", {"a": {}}), "r1", "r2")
    engine.clock.move(9 * DAY)
    duty = RetentionDuty(engine.database, Policy(of_runs=ONE), engine.clock, first_sweep_seconds=0.0)
    duty.start()
    until(lambda: run_ids(engine) == ["r2"], "the old run goes")
    duty.stop()
    duty.stop()
