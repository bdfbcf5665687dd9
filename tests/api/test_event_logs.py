"""The audit log over HTTP."""

import orjson

from mainspring_store.access.roles import Role
from tests.api.harness import Api


def test_what_was_done_is_listed_with_who_did_it(api: Api) -> None:
    api.save()
    api.trigger(run_id="r1")
    api.patch("/dags/etl/dagRuns/r1", {"state": "failed"})
    listed = api.get("/eventLogs?dag_id=etl&order_by=-event_log_id")
    assert [(one["event"], one["run_id"]) for one in listed["event_logs"]][:1] == [("patch_dag_run", "r1")]
    assert {one["event"] for one in listed["event_logs"]} == {"put_dag", "trigger_dag_run", "patch_dag_run"}
    assert {one["owner"] for one in listed["event_logs"]} == {"admin"}
    one = listed["event_logs"][0]
    assert api.get(f"/eventLogs/{one['event_log_id']}") == one
    assert "request_id" in orjson.loads(one["extra"])


def test_the_log_is_cut_by_instants_that_are_not_in_it_and_ordered_by_all_its_keys(api: Api) -> None:
    api.save()
    api.trigger()
    first, second = api.get("/eventLogs?order_by=when")["event_logs"]
    at = [one["when"].replace("+00:00", "Z") for one in (first, second)]
    assert api.get(f"/eventLogs?after={at[0]}&before={at[1]}")["total_entries"] == 0
    assert [one["event"] for one in api.get(f"/eventLogs?after={at[0]}")["event_logs"]] == ["trigger_dag_run"]
    assert [one["event"] for one in api.get(f"/eventLogs?before={at[1]}")["event_logs"]] == ["put_dag"]
    for key in ("id", "dttm", "dag_id", "task_id", "run_id", "event", "logical_date", "owner", "extra"):
        listed = api.get(f"/eventLogs?order_by={key}&order_by=-id")["event_logs"]
        assert len(listed) == 2, key


def test_the_log_is_filtered_and_read_by_administrators_alone(api: Api) -> None:
    api.save()
    viewer = api.token_of(Role.VIEWER)
    api.delete("/dags/etl", 403, token=viewer)
    refused = api.get("/eventLogs?outcome=refused")["event_logs"]
    assert [(one["event"], one["owner"]) for one in refused] == [("delete_dag", "a viewer")]
    assert api.get("/eventLogs?excluded_events=put_dag&excluded_events=delete_dag")["total_entries"] == 0
    assert api.get("/eventLogs?event_pattern=PUT&before=2999-01-01T00:00:00Z")["total_entries"] == 1
    api.get("/eventLogs", 403, token=viewer)
    api.get("/eventLogs/999999", 404)
