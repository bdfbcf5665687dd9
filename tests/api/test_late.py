"""What missed a deadline shows in answers, in filters of lists and in the metrics."""

from datetime import timedelta

from tests.api.harness import SHELL, Api


def test_late_runs_and_tasks_are_listed_and_counted(api: Api) -> None:
    rule = {"after": "run_start", "within": "1h"}
    api.save("etl", {"a": {**SHELL, "deadline": rule}, "b": SHELL}, deadline=rule)
    api.save("plain", {"a": SHELL})
    run_id, _ = api.trigger(), api.trigger("plain")
    engine = api.engine
    engine.run_until_idle()
    engine.clock.move(timedelta(hours=1))
    engine.run_until_idle()
    assert api.get(f"/dags/etl/dagRuns/{run_id}")["late_since"] is not None
    [run] = api.get("/dags/~/dagRuns?is_late=true")["dag_runs"]
    assert run["dag_id"] == "etl"
    [run] = api.get("/dags/~/dagRuns?is_late=false")["dag_runs"]
    assert (run["dag_id"], run["late_since"]) == ("plain", None)
    [late] = api.get("/dags/~/dagRuns/~/taskInstances?is_late=true")["task_instances"]
    assert (late["dag_id"], late["task_id"]) == ("etl", "a")
    assert late["late_since"] is not None
    assert api.get("/dags/~/dagRuns/~/taskInstances?is_late=false")["total_entries"] == 2
    metrics = api.request("GET", "/metrics").body.decode()
    assert 'mainspring_late{what="run"} 1' in metrics
    assert 'mainspring_late{what="task"} 1' in metrics


def test_a_deadline_is_checked_and_shown(sqlite_api: Api) -> None:
    api = sqlite_api
    for broken in (
        {"after": "dawn", "within": "1h"},
        {"after": "queued"},
        {"within": "1h"},
        {"after": "queued", "within": "0s"},
        {"after": "queued", "within": "1h", "action": "explode"},
    ):
        api.put("/dags/etl", {"tasks": {"a": SHELL}, "deadline": broken}, 422)
        api.put("/dags/etl", {"tasks": {"a": {**SHELL, "deadline": broken}}}, 422)
    api.put("/dags/etl", {"tasks": {"a": {**SHELL, "queue_timeout": "0s"}}}, 422)
    api.save("etl", {"a": SHELL}, deadline={"after": "queued", "within": "1h", "action": "fail"})
    shown = api.get("/dags/etl/definition")["deadline"]
    assert shown == {"after": "queued", "within": "PT1H", "action": "fail"}
