"""Why a task instance does not run yet."""

from tests.api.harness import SHELL, Api


def waits_for(api: Api, task_id: str, run_id: str = "r1", suffix: str = "") -> list[str]:
    answer = api.get(f"/dags/etl/dagRuns/{run_id}/taskInstances/{task_id}{suffix}/dependencies")
    assert all(each["reason"] for each in answer["dependencies"])
    return [each["name"] for each in answer["dependencies"]]


def test_a_queued_run_tells_what_keeps_it(api: Api) -> None:
    api.save()
    api.patch("/dags/etl", {"is_paused": True})
    api.trigger(run_id="r1", run_after="2099-01-01T00:00:00Z")
    assert waits_for(api, "a") == ["Dagrun Running", "Dag Not Paused", "Execution Date"]
    assert waits_for(api, "b", suffix="/-1")[-1] == "Trigger Rule"


def test_what_has_begun_waits_for_nothing_and_what_follows_for_its_upstream(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    api.engine.run_until_idle()
    assert (waits_for(api, "a"), waits_for(api, "b")) == ([], ["Trigger Rule"])
    api.engine.finish("a")
    assert waits_for(api, "b") == []
    api.get("/dags/etl/dagRuns/r1/taskInstances/none/dependencies", 404)
    api.get("/dags/etl/dagRuns/r1/taskInstances/a/3/dependencies", 404)


def test_a_task_that_no_pool_is_large_enough_for_is_told_so(api: Api) -> None:
    api.post("/pools", {"name": "db", "slots": 2}, 201)
    api.save("etl", {"a": {**SHELL, "pool": "db", "pool_slots": 4}, "b": {**SHELL, "pool": "db", "pool_slots": 2}})
    api.trigger(run_id="r1")
    api.engine.run_until_idle()

    def reason(task_id: str) -> str:
        [each] = api.get(f"/dags/etl/dagRuns/r1/taskInstances/{task_id}/dependencies")["dependencies"]
        return str(each["reason"])

    assert reason("a").startswith("The task needs 4 slots and pool 'db' has 2 in all: the task never starts unless")
    api.patch("/pools/db", {"slots": 5})
    assert reason("a") == "The task needs 4 slots; 2 of 5 slots of pool 'db' are taken"


def test_full_pools_runs_and_tasks_and_the_past_are_named(api: Api) -> None:
    api.post("/pools", {"name": "db", "slots": 1}, 201)
    tasks = {
        "a": {**SHELL, "pool": "db"},
        "b": {**SHELL, "pool": "db"},
        "c": {**SHELL, "depends_on_past": True},
    }
    api.save("etl", tasks, max_active_tasks=2)
    api.trigger(run_id="r1", logical_date="2026-01-01T00:00:00Z")
    api.engine.run_until_idle()
    assert waits_for(api, "b") == ["Dag Active Tasks", "Pool Slots Available"]
    api.trigger(run_id="r2", logical_date="2026-01-02T00:00:00Z")
    api.engine.run_until_idle()
    assert "Previous Dagrun State" in waits_for(api, "c", "r2")
