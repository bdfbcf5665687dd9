"""What is asked of all DAGs at once: tags, counts of runs, pausing; and their sources."""

import orjson

from tests.api.harness import Api


def test_tags_are_listed_once_by_name_and_filtered(api: Api) -> None:
    api.save("one", tags=["nightly", "sales"])
    api.save("two", tags=["sales", "weekly"])
    assert api.get("/dagTags") == {"tags": ["nightly", "sales", "weekly"], "total_entries": 3}
    assert api.get("/dagTags?order_by=-name&limit=1&offset=1") == {"tags": ["sales"], "total_entries": 3}
    assert api.get("/dagTags?tag_name_pattern=LY")["tags"] == ["nightly", "weekly"]
    assert api.get("/dagTags?order_by=colour", 400)["code"] == "bad_request"


def test_runs_are_counted_by_dag_and_state(api: Api) -> None:
    for dag_id in ("busy", "idle", "other"):
        api.save(dag_id)
    for run_id in ("r1", "r2", "r3"):
        api.trigger("busy", run_id)
    api.patch("/dags/busy/dagRuns/r1", {"state": "failed"})
    counted = api.get("/dagStats?dag_ids=busy&dag_ids=idle&dag_ids=unknown")
    states = {each["dag_id"]: {one["state"]: one["count"] for one in each["stats"]} for each in counted["dags"]}
    assert states == {
        "busy": {"queued": 2, "running": 0, "success": 0, "failed": 1},
        "idle": {"queued": 0, "running": 0, "success": 0, "failed": 0},
    }
    assert counted["total_entries"] == 2
    assert api.get("/dagStats")["total_entries"] == 3


def test_all_dags_that_a_pattern_finds_are_paused_together_and_a_page_of_them_is_answered(api: Api) -> None:
    for dag_id in ("etl_a", "etl_b", "report"):
        api.save(dag_id, tags=["t"] if dag_id != "etl_a" else [])
    changed = api.patch("/dags?dag_id_prefix_pattern=etl_", {"is_paused": True})
    assert [(dag["dag_id"], dag["is_paused"]) for dag in changed["dags"]] == [("etl_a", True), ("etl_b", True)]
    assert [dag["dag_id"] for dag in api.get("/dags?paused=false")["dags"]] == ["report"]
    # What is found is found before the change, so a filter on what is changed works too.
    back = api.patch("/dags?paused=true&dag_id_pattern=~&limit=1", {"is_paused": False})
    assert ([dag["dag_id"] for dag in back["dags"]], back["total_entries"]) == (["etl_a"], 2)
    assert api.get("/dags?paused=false")["total_entries"] == 3
    assert api.patch("/dags?dag_id_pattern=%25&tags=t&tags=x", {"is_paused": True})["total_entries"] == 2
    assert api.patch("/dags?update_mask=tags&dag_id_pattern=~", {"is_paused": True}, 400)["code"] == "bad_request"


def test_without_a_pattern_no_dag_is_paused(api: Api) -> None:
    api.save("etl", tags=["t"])
    for query in ("", "?tags=t", "?dag_id_pattern=", "?owners=x&limit=1"):
        assert api.patch(f"/dags{query}", {"is_paused": True}) == {"dags": [], "total_entries": 0}
    assert api.get("/dags/etl")["is_paused"] is False


def test_a_source_is_the_definition_of_a_version_as_text(api: Api) -> None:
    api.save("etl", description="first")
    api.put("/dags/etl", {"tasks": {"a": {"type": "noop"}}, "description": "second"})
    current = api.get("/dagSources/etl")
    assert (current["version_number"], orjson.loads(current["content"])["description"]) == (2, "second")
    first = api.request("GET", "/dagSources/etl?version_number=1", headers={"Accept": "text/plain"})
    assert (first.media_type, orjson.loads(first.body)["description"]) == ("text/plain", "first")
    assert api.request("GET", "/dagSources/etl", headers={"Accept": "image/png"}).status == 406
    api.get("/dagSources/none", 404)
    api.get("/dagSources/etl?version_number=3", 404)
