"""Lists of runs: filters, order, pages by offset and by cursor."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from mainspring.attempts import Outcome
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def runs(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """Runs r0 to r4 of `etl`, and q_r of `other`. r0 failed, r1 succeeded, r2 runs, r3 and r4 are queued."""
    with open_api(request.param) as api:
        api.save("etl", {"a": SHELL}, max_active_runs=3)
        api.save("other", {"a": SHELL}, is_paused_upon_creation=True)
        for number in range(5):
            api.trigger(
                run_id=f"r{number}",
                conf={"n": number, "label": "50%" if number == 2 else "none"},
                logical_date=None if number == 3 else f"2026-01-0{number + 1}",
            )
        api.trigger("other", run_id="q_r")
        engine = api.engine
        engine.run_until_idle()
        engine.finish("a", Outcome.FAILED, run_id="r0")
        engine.clock.move(timedelta(seconds=5))
        engine.finish("a", run_id="r1")
        api.patch("/dags/etl/dagRuns/r3", {"note": "touched"})
        yield api


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("etl/dagRuns", "r0 r1 r2 r3 r4"),
        ("~/dagRuns", "r0 r1 r2 r3 r4 q_r"),
        ("etl/dagRuns?order_by=-id", "r4 r3 r2 r1 r0"),
        ("etl/dagRuns?order_by=-dag_run_id&limit=2", "r4 r3"),
        ("etl/dagRuns?order_by=-run_id&limit=2&offset=2", "r2 r1"),
        ("etl/dagRuns?limit=0", ""),
        ("etl/dagRuns?limit=", "r0 r1 r2 r3 r4"),
        ("etl/dagRuns?offset=9", ""),
        ("etl/dagRuns?limit=100000", "r0 r1 r2 r3 r4"),
        ("etl/dagRuns?order_by=logical_date", "r0 r1 r2 r4 r3"),
        ("etl/dagRuns?order_by=-logical_date", "r4 r2 r1 r0 r3"),
        ("etl/dagRuns?order_by=state&order_by=-run_id", "r0 r4 r3 r2 r1"),
        ("etl/dagRuns?order_by=duration&state=failed&state=success", "r0 r1"),
        ("etl/dagRuns?order_by=-duration", "r1 r0 r4 r3 r2"),
        ("~/dagRuns?order_by=-dag_id&order_by=-id", "q_r r4 r3 r2 r1 r0"),
        ("etl/dagRuns?state=failed", "r0"),
        ("etl/dagRuns?state=none", ""),
        ("etl/dagRuns?state=running&state=queued&state=none", "r2 r3 r4"),
        ("etl/dagRuns?run_type=manual&run_type=scheduled&limit=1", "r0"),
        ("etl/dagRuns?run_type=backfill", ""),
        ("etl/dagRuns?run_type=asset_triggered&run_type=asset_materialization&run_type=none", ""),
        ("etl/dagRuns?run_id_pattern=R3%7Cr4", "r3 r4"),
        ("~/dagRuns?run_id_pattern=__r", "q_r"),
        ("~/dagRuns?run_id_prefix_pattern=q", "q_r"),
        ("~/dagRuns?run_id_prefix_pattern=Q", ""),
        ("~/dagRuns?dag_id_prefix_pattern=oth", "q_r"),
        ("etl/dagRuns?triggering_user_name_pattern=ADM&limit=1", "r0"),
        ("etl/dagRuns?conf_contains=50%25", "r2"),
        ("etl/dagRuns?conf_contains=%22n%22:3", "r3"),
        ("etl/dagRuns?dag_version=1&limit=1", "r0"),
        ("etl/dagRuns?has_note=true", "r3"),
        ("etl/dagRuns?has_note=false", "r0 r1 r2 r4"),
        ("etl/dagRuns?dag_version=2", ""),
        ("etl/dagRuns?logical_date_gte=2026-01-02&logical_date_lt=2026-01-05", "r1 r2"),
        ("etl/dagRuns?logical_date_gt=2026-01-02T00:00:00%2B0000&logical_date_lte=2026-01-05", "r2 r4"),
        ("etl/dagRuns?logical_date_lte=2026-01-01T01:00:00+01:00", "r0"),
        ("etl/dagRuns?duration_gte=4.5", "r1"),
        ("etl/dagRuns?duration_lt=4.5", "r0"),
        ("etl/dagRuns?run_after_gte=2100-01-01", ""),
        # What has not started, or ended, counts as doing so now.
        ("~/dagRuns?start_date_gte=2100-01-01", "q_r"),
        ("etl/dagRuns?start_date_gt=2020-01-01&start_date_lt=2100-01-01", "r0 r1 r2 r3 r4"),
        ("etl/dagRuns?end_date_gte=2020-01-01", "r0 r1 r2 r3 r4"),
        ("etl/dagRuns?end_date_gt=2100-01-01", "r2 r3 r4"),
        ("etl/dagRuns?end_date_lte=2020-01-01", ""),
        ("etl/dagRuns?end_date_lte=2100-01-01&state=running", "r2 r3 r4"),
        ("etl/dagRuns?start_date=2100-01-01&end_date=2100-01-01&limit=1", "r0"),
    ],
)  # fmt: skip
def test_filters_order_and_pages(runs: Api, path: str, expected: str) -> None:
    listed = runs.get(f"/dags/{path}")
    assert " ".join(run["dag_run_id"] for run in listed["dag_runs"]) == expected
    assert listed["next_cursor"] is None
    if "limit=" not in path and "offset" not in path:
        assert listed["total_entries"] == len(expected.split())


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("order_by=no_such", 400),
        ("order_by=--id", 400),
        ("order_by=id;drop", 400),
        ("&".join(["order_by=id"] * 11), 400),
        ("cursor=garbage!", 400),
        ("cursor=W10", 400),
        ("cursor=~", 400),
        ("partition_date_gte=2026-01-01", 400),
        ("partition_date_lte=2026-01-01", 400),
        ("partition_date_lte=soon", 422),
        ("limit=-1", 422),
        ("limit=x", 422),
        ("limit=" + "9" * 5000, 422),
        ("offset=-1", 422),
        ("offset=99999999999999999999", 422),
        ("state=cancelled", 422),
        ("run_type=x", 422),
        ("run_after_gte=yesterday", 422),
        ("duration_gte=nan", 422),
        ("duration_gte=inf", 422),
        ("dag_version=99999999999999999999", 422),
        ("run_id_pattern=%00", 422),
        ("run_id_pattern=" + "x" * 1001, 422),
    ],
)
def test_bad_queries_are_refused(runs: Api, query: str, status: int) -> None:
    runs.get(f"/dags/etl/dagRuns?{query}", status)


@pytest.mark.parametrize(
    "order",
    ["id", "-id", "run_id", "-state", "logical_date", "-logical_date", "duration", "-duration", "start_date",
     "-end_date", "conf", "-run_after", "updated_at"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 4])
def test_cursors_walk_the_same_order_forth_and_back(runs: Api, order: str, size: int) -> None:
    path = f"/dags/etl/dagRuns?order_by={order}&limit={size}"
    expected = [run["dag_run_id"] for run in runs.get(f"/dags/etl/dagRuns?order_by={order}")["dag_runs"]]
    pages, cursor, last = [], "", {}
    while cursor is not None:
        last = runs.get(f"{path}&cursor={cursor}")
        assert (last["total_entries"], last["total_entries_limit"]) == (5, 50_000)
        pages.append([run["dag_run_id"] for run in last["dag_runs"]])
        cursor = last["next_cursor"]
    assert [run_id for page in pages for run_id in page] == expected
    back, cursor = [pages[-1]], last["previous_cursor"]
    while cursor is not None:
        page = runs.get(f"{path}&cursor={cursor}")
        back.append([run["dag_run_id"] for run in page["dag_runs"]])
        cursor = page["previous_cursor"]
    assert [run_id for page in reversed(back) for run_id in page] == expected


def test_a_cursor_of_another_order_is_refused(runs: Api) -> None:
    cursor = runs.get("/dags/etl/dagRuns?cursor=&limit=1")["next_cursor"]
    runs.get(f"/dags/etl/dagRuns?cursor={cursor}&order_by=-id", 400)


def test_a_page_by_cursor_is_not_moved_by_new_rows(runs: Api) -> None:
    first = runs.get("/dags/other/dagRuns?order_by=-id&cursor=&limit=1")
    assert first["next_cursor"] is None
    runs.trigger("other", run_id="later")
    assert runs.get("/dags/other/dagRuns?order_by=-id&cursor=&limit=1")["dag_runs"][0]["dag_run_id"] == "later"
    runs.delete("/dags/other")
