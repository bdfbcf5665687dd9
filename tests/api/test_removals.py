"""Deleting runs."""

from tests.api.harness import SHELL, Api


def test_a_run_is_deleted_with_all_that_belongs_to_it(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    api.engine.finish("a", outputs={"rows": 1})
    api.engine.finish("b")
    api.delete("/dags/etl/dagRuns/r1")
    api.get("/dags/etl/dagRuns/r1", 404)
    assert api.get("/dags/~/dagRuns/~/taskInstances")["total_entries"] == 0
    assert api.get("/dags/~/dagRuns/~/taskInstances/~/xcomEntries")["total_entries"] == 0
    api.delete("/dags/etl/dagRuns/r1", 404)


def test_a_running_run_is_not_deleted_and_a_queued_one_is(api: Api) -> None:
    api.save(max_active_runs=1)
    api.trigger(run_id="first")
    api.trigger(run_id="second")
    api.engine.run_until_idle()
    refused = api.delete("/dags/etl/dagRuns/first", 409)
    assert "cancel it first" in refused["detail"]["message"]
    api.delete("/dags/etl/dagRuns/second")
    api.engine.finish("a", run_id="first")
    assert [run["dag_run_id"] for run in api.get("/dags/etl/dagRuns")["dag_runs"]] == ["first"]


def test_a_task_that_waits_for_a_deleted_run_fails(api: Api) -> None:
    api.save("child", {"a": SHELL})
    api.patch("/dags/child", {"is_paused": True})
    api.save("parent", {"call": {"type": "dag", "dag_id": "child"}})
    api.trigger("parent", "p1")
    api.engine.run_until_idle()
    (child,) = api.get("/dags/child/dagRuns")["dag_runs"]
    api.delete(f"/dags/child/dagRuns/{child['dag_run_id']}")
    api.engine.run_until_idle()
    assert api.get("/dags/parent/dagRuns/p1/taskInstances/call")["state"] == "failed"


def test_a_run_parked_behind_a_deleted_one_goes_on(api: Api) -> None:
    api.save("etl", {"a": {**SHELL, "depends_on_past": True}}, schedule="@daily", start_date="2026-01-01T00:00:00Z")
    api.trigger(run_id="first", logical_date="2026-01-01T00:00:00Z", run_after="2099-01-01T00:00:00Z")
    api.trigger(run_id="second", logical_date="2026-01-02T00:00:00Z")
    api.engine.run_until_idle()
    assert api.get("/dags/etl/dagRuns/second/taskInstances/a")["state"] == "scheduled"
    api.delete("/dags/etl/dagRuns/first")
    api.engine.run_until_idle()
    assert api.get("/dags/etl/dagRuns/second/taskInstances/a")["state"] == "queued"
