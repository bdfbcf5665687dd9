"""Views of the page: overview, grid, timeline, activity and summary, on what real passes of the scheduler left."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import event, insert, update

from mainspring.attempts import Outcome
from mainspring.states import StateReason
from mainspring_store.access.roles import Role
from mainspring_store.tables import dag, dag_run, task_log
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api
from tests.api.test_permissions import granted

TASKS = {
    "extract": SHELL,
    "load": {**SHELL, "depends_on": ["extract"]},
    "report": {**SHELL, "depends_on": ["load"]},
}
PARTS = {
    "up": {**SHELL, "setup": True},
    "load": {**SHELL, "depends_on": ["up"], "expand": {"region": ["eu", "us"]}, "key": "${{ map.region }}"},
    "down": {**SHELL, "depends_on": ["load"], "teardown": {"of": ["up"]}},
    "tell": {**SHELL, "handler": "on_failure"},
}


def fail_run(api: Api, run_id: str, dag_id: str = "etl") -> None:
    """A run whose `load` fails, with a log."""
    api.trigger(dag_id, run_id)
    api.engine.run_until_idle()
    api.engine.finish("extract", run_id=run_id)
    attempt_id = api.engine.attempt("load", run_id).attempt_id
    with api.database.write() as connection:
        row = {"attempt_id": attempt_id, "offset": 0, "at": datetime.now(UTC)}
        connection.execute(
            insert(task_log), {**row, "data": b"begin\n\x1b[31mERROR no such table: orders\x1b[0m\nend\n"}
        )
    api.engine.fail("load", run_id=run_id, message="exit code 1", exit_code=1)


def succeed(api: Api, run_id: str, dag_id: str = "etl", tasks: tuple[str, ...] = ("extract", "load", "report")) -> None:
    api.trigger(dag_id, run_id)
    api.engine.run_until_idle()
    for task_id in tasks:
        api.engine.finish(task_id, run_id=run_id)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """`etl` succeeded twice and failed twice, a new version in between; `green` succeeded; `mapped` maps; `empty` is
    new and paused. Not to be changed."""
    with open_api(request.param) as api:
        api.save("etl", TASKS, tags=["nightly"])
        succeed(api, "r1")
        succeed(api, "r2")
        api.put("/dags/etl", {"tasks": {**TASKS, "check": {**SHELL, "depends_on": ["extract"]}}, "tags": ["nightly"]})
        for run_id in ("r3", "r4"):
            fail_run(api, run_id)
            api.engine.finish("check", run_id=run_id)
        soon = [(datetime.now(UTC) + timedelta(hours=hours)).isoformat() for hours in (1, 2)]
        api.save("green", {"a": SHELL}, schedule={"at": soon})
        succeed(api, "g1", "green", ("a",))
        api.save("mapped", {"list": SHELL, "each": {**SHELL, "depends_on": ["list"], "expand": {"n": [1, 2, 3]}}})
        api.trigger("mapped", "m1")
        api.engine.run_until_idle()
        api.engine.finish("list", run_id="m1")
        api.engine.finish("each", run_id="m1", map_index=0)
        api.engine.fail("each", run_id="m1", map_index=1)
        api.save("empty", {"a": SHELL})
        api.patch("/dags/empty", {"is_paused": True})
        yield api


def overview(api: Api, query: str = "", **options: Any) -> dict[str, Any]:
    return {row["dag_id"]: row for row in api.get(f"/dagOverview?{query}", **options)["dags"]}


class TestOverview:
    def test_a_schedule_stands_in_parts(self, api: Api) -> None:
        excluded = {"exclude": ["KR", "2026-12-24"]}
        lines = ["@daily", "30 9 * * mon-fri"]
        api.save("lines", schedule={"cron": lines, "timezone": "Asia/Seoul", "calendar": excluded})
        api.save("every", schedule={"interval": "PT90S"})
        api.save("none")
        rows = overview(api)
        assert rows["lines"]["schedule"]["crons"] == ["0 0 * * *", "30 9 * * mon-fri"]
        days = {name: rows["lines"]["schedule"][name] for name in ("timezone", "excluded_dates", "excluded_calendars")}
        assert days == {"timezone": "Asia/Seoul", "excluded_dates": 1, "excluded_calendars": ["KR"]}
        assert (rows["every"]["schedule"]["crons"], rows["every"]["schedule"]["interval_seconds"]) == ([], 90)
        assert rows["none"]["schedule"] is None
        assert api.get("/dags/lines/details")["schedule"] == rows["lines"]["schedule"]

    def test_each_dag_has_its_latest_runs_oldest_first(self, shared: Api) -> None:
        row = overview(shared)["etl"]
        assert [run[0] for run in row["runs"]] == ["r1", "r2", "r3", "r4"]
        assert [run[1] for run in row["runs"]] == ["success", "success", "failed", "failed"]
        assert [run[5] for run in row["runs"]] == [1, 1, 2, 2]
        assert {run[2] for run in row["runs"]} == {"manual"}
        assert all(run[4] >= 0 for run in row["runs"])
        assert (row["state"], row["tags"], row["version"]["version_number"]) == ("failed", ["nightly"], 2)
        assert row["version"]["created_by"] == "admin"
        assert row["median_duration"] is not None
        assert row["next"] is None
        assert [run[0] for run in overview(shared, "runs=2")["etl"]["runs"]] == ["r3", "r4"]

    def test_a_schedule_a_pause_and_a_dag_without_runs(self, shared: Api) -> None:
        rows = overview(shared)
        assert (rows["green"]["timezone"], rows["green"]["next"] is not None) == ("UTC", True)
        empty = rows["empty"]
        assert (empty["state"], empty["runs"], empty["median_duration"]) == (None, [], None)
        assert (empty["is_paused"], empty["paused_by"]) == (True, "admin")
        assert datetime.fromisoformat(empty["paused_at"]) <= datetime.now(UTC)

    def test_failing_dags_come_first(self, shared: Api) -> None:
        order = [row["dag_id"] for row in shared.get("/dagOverview")["dags"]]
        assert order == ["etl", "mapped", "green", "empty"]
        assert order == [row["dag_id"] for row in shared.get("/dagOverview?order_by=attention")["dags"]]
        assert sorted(order) == [row["dag_id"] for row in shared.get("/dagOverview?order_by=dag_id")["dags"]]

    def test_the_filters_of_dags_hold(self, shared: Api) -> None:
        assert set(overview(shared, "tags=nightly")) == {"etl"}
        assert set(overview(shared, "paused=true")) == {"empty"}
        assert set(overview(shared, "last_dag_run_state=success")) == {"green"}
        assert set(overview(shared, "dag_id_pattern=ma")) == {"mapped"}
        page = shared.get("/dagOverview?limit=1&offset=1")
        assert ([row["dag_id"] for row in page["dags"]], page["total_entries"]) == (["mapped"], 4)

    def test_it_holds_the_dags_that_are_seen(self, shared: Api) -> None:
        assert set(overview(shared, token=granted(shared, Role.VIEWER, "gr*"))) == {"green"}

    @pytest.mark.parametrize("query", ["runs=0", "runs=101"])
    def test_what_cannot_be_asked(self, shared: Api, query: str) -> None:
        shared.get(f"/dagOverview?{query}", 422)

    def test_a_pause_keeps_who_began_it(self, api: Api) -> None:
        api.save("etl")
        api.patch("/dags/etl", {"is_paused": True})
        first = overview(api)["etl"]
        api.patch("/dags/etl", {"is_paused": True}, token=api.token_of(Role.OPERATOR))
        assert overview(api)["etl"]["paused_by"] == first["paused_by"] == "admin"
        assert overview(api)["etl"]["paused_at"] == first["paused_at"]
        api.patch("/dags?dag_id_pattern=~", {"is_paused": False})
        assert (overview(api)["etl"]["paused_by"], overview(api)["etl"]["paused_at"]) == (None, None)

    def test_runs_due_at_one_instant_and_in_the_future(self, api: Api) -> None:
        api.save("etl")
        runs = [api.trigger("etl") for _ in range(5)]
        with api.database.write() as connection:
            connection.execute(update(dag_run).values(run_after=datetime(2026, 1, 1, tzinfo=UTC)))
        api.trigger("etl", "later", run_after=(datetime.now(UTC) + timedelta(days=1)).isoformat())
        assert [run[0] for run in overview(api, "runs=3")["etl"]["runs"]] == runs[2:]

    def test_its_statements_do_not_grow_with_the_dags(self, api: Api) -> None:
        engine = api.app.extensions["mainspring"].database.engine
        statements: list[str] = []
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        counts = []
        for number in range(4):
            api.save(f"etl_{number}")
            api.trigger(f"etl_{number}")
            repeats = []
            for _ in range(3):
                statements.clear()
                overview(api)
                repeats.append(len(statements))
            # Now and then the API reads the token anew.
            counts.append(min(repeats))
        assert len(set(counts)) == 1, counts


class TestGrid:
    def grid(self, api: Api, query: str = "", dag_id: str = "etl") -> Any:
        return api.get(f"/dags/{dag_id}/grid?{query}")

    def test_rows_are_the_tasks_of_all_versions_in_view(self, shared: Api) -> None:
        grid = self.grid(shared)
        assert [(task["task_id"], task["versions"]) for task in grid["tasks"]] == [
            ("extract", [1, 2]),
            ("check", [2, 2]),
            ("load", [1, 2]),
            ("report", [1, 2]),
        ]
        assert [run["dag_run_id"] for run in grid["runs"]] == ["r1", "r2", "r3", "r4"]
        assert grid["before"] is None

    def test_cells_are_in_the_order_of_the_tasks(self, shared: Api) -> None:
        runs = {run["dag_run_id"]: run for run in self.grid(shared)["runs"]}
        assert runs["r1"]["cells"] == [["success", 1], None, ["success", 1], ["success", 1]]
        assert runs["r3"]["cells"] == [["success", 1], ["success", 1], ["failed", 1], ["upstream_failed", 0]]
        assert (runs["r3"]["version_number"], runs["r3"]["state"]) == (2, "failed")

    def test_a_mapped_task_is_one_cell_with_its_worst_state(self, shared: Api) -> None:
        grid = self.grid(shared, dag_id="mapped")
        assert [task["is_mapped"] for task in grid["tasks"]] == [False, True]
        [run] = grid["runs"]
        state, tries, counts = run["cells"][1]
        assert (state, tries) == ("failed", 1)
        assert counts == {"success": 1, "failed": 1, "queued": 1}

    def test_earlier_runs_follow_a_key(self, shared: Api) -> None:
        first = self.grid(shared, "runs=3")
        assert [run["dag_run_id"] for run in first["runs"]] == ["r2", "r3", "r4"]
        second = self.grid(shared, f"runs=3&before={quote(first['before'])}")
        assert ([run["dag_run_id"] for run in second["runs"]], second["before"]) == (["r1"], None)
        assert [task["task_id"] for task in second["tasks"]] == ["extract", "load", "report"]
        shared.get(f"/dags/green/grid?before={quote(first['before'])}", 422)
        shared.get("/dags/etl/grid?before=x", 422)

    def test_runs_can_be_chosen(self, shared: Api) -> None:
        assert [run["dag_run_id"] for run in self.grid(shared, "state=success")["runs"]] == ["r1", "r2"]
        assert self.grid(shared, "run_type=backfill") == {"tasks": [], "runs": [], "before": None}
        shared.get("/dags/none/grid", 404)

    def test_a_task_has_its_part_in_the_run(self, api: Api) -> None:
        api.save("etl", PARTS)
        api.trigger("etl", "r1")
        parts = {task["task_id"]: (task["setup_teardown_type"], task["handler"]) for task in self.grid(api)["tasks"]}
        assert parts == {
            "up": ("setup", None),
            "load": (None, None),
            "down": ("teardown", None),
            "tell": (None, "on_failure"),
        }

    def test_a_removed_task_keeps_its_place(self, api: Api) -> None:
        api.save("etl", {"a": SHELL, "old": {**SHELL, "depends_on": ["a"]}, "z": {**SHELL, "depends_on": ["old"]}})
        api.trigger("etl", "r1")
        api.put("/dags/etl", {"tasks": {"a": SHELL, "z": {**SHELL, "depends_on": ["a"]}}})
        api.trigger("etl", "r2")
        assert [(task["task_id"], task["versions"]) for task in self.grid(api)["tasks"]] == [
            ("a", [1, 2]),
            ("old", [1, 1]),
            ("z", [1, 2]),
        ]


class TestTimeline:
    def timeline(self, api: Api, run_id: str, query: str = "", dag_id: str = "etl") -> Any:
        return api.get(f"/dags/{dag_id}/dagRuns/{run_id}/timeline?{query}")

    def test_tries_of_each_task_and_words_where_there_is_no_bar(self, shared: Api) -> None:
        rows = {row["task_id"]: row for row in self.timeline(shared, "r3")["instances"]}
        [[number, queued, start, end, state, worker]] = rows["load"]["tries"]
        assert (number, state, worker) == (1, "failed", "here")
        assert queued <= start <= end
        assert (rows["load"]["state_reason"], rows["load"]["text"]) == ("exit_code", "exit code 1")
        assert (rows["report"]["tries"], rows["report"]["text"]) == ([], "did not run: load failed")
        assert (rows["report"]["upstream"], rows["report"]["upstream_more"]) == (["load"], 0)
        assert (rows["extract"]["text"], rows["extract"]["upstream"], rows["extract"]["counts"]) == (None, [], None)

    def test_what_an_instance_waits_for_stands_in_parts_too(self, api: Api) -> None:
        before = {f"before_{number}": SHELL for number in range(5)}
        api.save("etl", {**before, "last": {**SHELL, "depends_on": list(before)}, "again": {**SHELL, "retries": 1}})
        api.trigger("etl", "r1")
        api.engine.run_until_idle()
        api.engine.fail("again", run_id="r1")
        rows = {row["task_id"]: row for row in self.timeline(api, "r1")["instances"]}
        assert (rows["last"]["upstream"], rows["last"]["upstream_more"]) == (["before_0", "before_1", "before_2"], 2)
        assert rows["last"]["text"] == "waits for before_0, before_1, before_2 and 2 more"
        assert rows["again"]["not_before"] > datetime.now(UTC).isoformat()
        assert rows["last"]["not_before"] is None

    def test_the_critical_path_and_the_roots(self, shared: Api) -> None:
        assert self.timeline(shared, "r1")["critical_path"] == [["extract", -1], ["load", -1], ["report", -1]]
        failed = self.timeline(shared, "r3")
        assert failed["roots"] == [["load", -1]]
        assert set(failed["medians"]) == {"extract", "load", "report"}

    def test_a_mapped_task_is_folded_until_it_is_expanded(self, shared: Api) -> None:
        [folded] = [
            row for row in self.timeline(shared, "m1", dag_id="mapped")["instances"] if row["task_id"] == "each"
        ]
        assert (folded["task_id"], folded["map_index"], folded["state"]) == ("each", -1, "failed")
        assert folded["counts"] == {"success": 1, "failed": 1, "queued": 1}
        assert [len(row) for row in folded["tries"]] == [6]
        timeline = self.timeline(shared, "m1", "expand=each", dag_id="mapped")
        rows = [row for row in timeline["instances"] if row["task_id"] == "each"]
        assert [(row["map_index"], row["state"]) for row in rows] == [(0, "success"), (1, "failed"), (2, "queued")]
        assert rows[2]["text"] == "waits for a worker"
        assert self.timeline(shared, "m1", dag_id="mapped")["roots"] == [["each", 1]]

    def test_rows_have_the_part_of_their_task_and_the_key_of_their_instance(self, api: Api) -> None:
        api.save("etl", PARTS)
        api.trigger("etl", "r1")
        api.engine.run_until_idle()
        api.engine.finish("up", run_id="r1")
        rows = self.timeline(api, "r1", "expand=load")["instances"]
        assert [(row["task_id"], row["rendered_map_index"]) for row in rows if row["task_id"] == "load"] == [
            ("load", "eu"),
            ("load", "us"),
        ]
        parts = {row["task_id"]: (row["setup_teardown_type"], row["handler"]) for row in rows}
        assert (parts["up"], parts["down"]) == (("setup", None), ("teardown", None))
        assert (parts["load"], parts["tell"]) == ((None, None), (None, "on_failure"))
        folded = {row["task_id"]: row for row in self.timeline(api, "r1")["instances"]}["load"]
        assert (folded["rendered_map_index"], folded["counts"]) == (None, {"queued": 2})

    def test_the_median_is_that_of_the_overview(self, shared: Api) -> None:
        median = self.timeline(shared, "r3")["median_duration"]
        assert median == overview(shared)["etl"]["median_duration"] is not None
        assert self.timeline(shared, "m1", dag_id="mapped")["median_duration"] is None

    @pytest.mark.parametrize("wait", [True, False], ids=["awaited", "not awaited"])
    def test_a_child_run_names_the_task_that_made_it(self, api: Api, wait: bool) -> None:
        api.save("child", {"only": SHELL})
        api.save("parent", {"call": {"type": "dag", "dag_id": "child", "wait": wait}})
        api.trigger("parent", "p1")
        api.engine.run_until_idle()
        [run] = api.get("/dags/child/dagRuns")["dag_runs"]
        child = quote(run["dag_run_id"])
        parent = {"dag_id": "parent", "dag_run_id": "p1", "task_id": "call", "map_index": -1}
        assert self.timeline(api, child, dag_id="child")["parent"] == parent
        assert self.timeline(api, "p1", dag_id="parent")["parent"] is None
        viewer = granted(api, Role.VIEWER, "child")
        assert api.get(f"/dags/child/dagRuns/{child}/timeline", token=viewer)["parent"] is None

    def test_what_waits_says_for_what(self, api: Api) -> None:
        api.save("etl", TASKS)
        api.trigger("etl", "r1")
        api.engine.run_until_idle()
        rows = {row["task_id"]: row for row in self.timeline(api, "r1")["instances"]}
        assert (rows["load"]["text"], rows["report"]["text"]) == ("waits for extract", "waits for load")
        api.get("/dags/etl/dagRuns/none/timeline", 404)


class TestActivity:
    def activity(self, api: Api, query: str = "", **options: Any) -> list[list[Any]]:
        begin = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        end = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
        return api.get(f"/activity?from={quote(begin)}&to={quote(end)}&bins=4&{query}", **options)["bins"]

    def test_runs_are_counted_where_they_were_due(self, shared: Api) -> None:
        bins = self.activity(shared)
        assert len(bins) == 4
        begun = [sum(column) for column in zip(*(row[1:4] for row in bins), strict=True)]
        assert begun == [3, 2, 1]
        assert sum(row[4] for row in bins[:1]) == 0
        assert sum(row[4] for row in bins) == 2

    def test_it_counts_the_dags_that_are_seen(self, shared: Api) -> None:
        bins = self.activity(shared, token=granted(shared, Role.VIEWER, "green"))
        assert [sum(row[1] for row in bins), sum(row[4] for row in bins)] == [1, 2]
        bins = self.activity(shared, token=granted(shared, Role.VIEWER, "etl"))
        assert [sum(row[2] for row in bins), sum(row[4] for row in bins)] == [2, 0]

    @pytest.mark.parametrize(
        "query", ["", "from=2026-01-01", "from=2026-01-02&to=2026-01-01", "from=2020-01-01&to=2026-01-01"]
    )
    def test_what_cannot_be_asked(self, shared: Api, query: str) -> None:
        shared.get(f"/activity?{query}", 422)


class TestHome:
    SPAN = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&bins=4"

    @pytest.mark.parametrize("filters", ["", "&limit=1&order_by=dag_id&runs=2"])
    @pytest.mark.parametrize("pattern", ["*", "green"])
    def test_it_is_three_views_in_one_answer(self, shared: Api, filters: str, pattern: str) -> None:
        token = granted(shared, Role.VIEWER, pattern)
        home = shared.get(f"/home?{self.SPAN}{filters}", token=token)
        del home["summary"]["health"]  # tells the instant of the last heartbeat
        summary = shared.get("/summary", token=token)
        del summary["health"]
        assert home == {
            "summary": summary,
            "activity": shared.get(f"/activity?{self.SPAN}", token=token),
            "overview": shared.get(f"/dagOverview?{filters.removeprefix('&')}", token=token),
        }
        assert len(home["activity"]["bins"]) == 4

    @pytest.mark.parametrize(
        ("query", "status"), [("", 422), ("from=2026-01-02&to=2026-01-01", 422), (f"{SPAN}&order_by=colour", 400)]
    )
    def test_what_cannot_be_asked(self, shared: Api, query: str, status: int) -> None:
        shared.get(f"/home?{query}", status)


class TestSummary:
    def test_failing_dags_come_with_the_line_that_says_why(self, shared: Api) -> None:
        summary = shared.get("/summary")
        assert summary["counts"]["failing"] == 1
        assert (summary["counts"]["running"], summary["counts"]["runs_24h"], summary["counts"]["success_24h"]) == (
            1,
            6,
            3,
        )
        [failed] = [item for item in summary["attention"] if item["kind"] == "failed"]
        assert (failed["dag_id"], failed["dag_run_id"], failed["task_id"]) == ("etl", "r4", "load")
        assert failed["line"] == {"n": 2, "text": "ERROR no such table: orders"}
        assert (failed["failed_in_a_row"], failed["state_reason"], failed["message"]) == (2, "exit_code", "exit code 1")
        assert summary["health"]["metadatabase"]["status"] == "healthy"

    def test_it_tells_of_the_dags_that_are_seen(self, shared: Api) -> None:
        summary = shared.get("/summary", token=granted(shared, Role.VIEWER, "green"))
        assert (summary["attention"], summary["counts"]["failing"], summary["counts"]["runs_24h"]) == ([], 0, 1)

    def test_a_later_success_ends_a_failure(self, api: Api) -> None:
        api.save("etl", TASKS)
        fail_run(api, "r1")
        assert api.get("/summary")["counts"]["failing"] == 1
        succeed(api, "r2")
        assert api.get("/summary")["attention"] == []

    def test_late_lost_slow_asking_and_paused(self, api: Api) -> None:
        scheduled = {"schedule": {"interval": "PT1H"}, "start_date": "2026-01-01T00:00:00Z"}
        api.save("late", {"a": SHELL}, **scheduled)
        api.save("lost", {"a": {**SHELL, "retries": 1}})
        api.save("slow", {"a": SHELL})
        api.save("asks", {"a": {"type": "approval", "message": "Go on?", "timeout": "PT1H"}})
        succeed(api, "s1", "slow", ("a",))
        for dag_id in ("lost", "slow", "asks"):
            api.trigger(dag_id, dag_id)
        api.engine.run_until_idle()
        api.engine.finish("a", Outcome.LOST, run_id="lost", reason=StateReason.WORKER_LOST)
        api.post(
            "/backfills", {"dag_id": "late", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
        )
        api.put("/backfills/1/pause", {})
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        with api.database.write() as connection:
            connection.execute(update(dag).where(dag.c.dag_id == "late").values(next_run_after=an_hour_ago))
            connection.execute(update(dag_run).where(dag_run.c.run_id == "slow").values(start_date=an_hour_ago))
        summary = api.get("/summary")
        items = {item["kind"]: item for item in summary["attention"]}
        assert list(items) == ["retrying", "late", "slow", "approval", "backfill_paused"]
        assert (items["retrying"]["state_reason"], items["retrying"]["next_try_at"] is not None) == (
            "worker_lost",
            True,
        )
        assert datetime.fromisoformat(items["late"]["due_at"]) == an_hour_ago
        assert items["slow"]["dag_run_id"] == "slow"
        assert (items["approval"]["message"], items["approval"]["choices"]) == ("Go on?", ["approve", "reject"])
        assert items["approval"]["due_at"] is not None
        assert items["backfill_paused"]["dag_id"] == "late"
        assert (summary["counts"]["late"], summary["counts"]["approvals"]) == (1, 1)


class TestCalendar:
    def calendar(self, api: Api, query: str, dag_id: str = "etl", status: int = 200) -> Any:
        return api.get(f"/dags/{dag_id}/calendar?{query}", status)

    def test_runs_count_on_the_day_of_the_zone_on_which_they_were_due(self, api: Api) -> None:
        api.save("etl")
        for run_id, run_after in (
            ("r1", "2026-03-28T22:59:59Z"),
            ("r2", "2026-03-28T23:00:00Z"),
            ("r3", "2026-03-29T22:00:00Z"),
        ):
            api.trigger("etl", run_id, run_after=run_after)
        berlin = self.calendar(api, "from=2026-03-28&to=2026-03-30&timezone=Europe/Berlin")
        assert [(row[0], row[3]) for row in berlin["days"]] == [("2026-03-28", 1), ("2026-03-29", 1), ("2026-03-30", 1)]
        utc = self.calendar(api, "from=2026-03-28&to=2026-03-30")
        assert ([row[3] for row in utc["days"]], utc["timezone"]) == ([2, 1, 0], "UTC")

    def test_planned_days_and_days_that_the_schedule_leaves_out(self, api: Api) -> None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        left_out = tomorrow + timedelta(days=1)
        api.save("etl", schedule={"cron": "0 12 * * *", "calendar": {"exclude": [left_out.isoformat()]}})
        api.engine.run_until_idle()
        days = self.calendar(api, f"from={tomorrow}&to={tomorrow + timedelta(days=2)}")["days"]
        assert [row[4] for row in days] == [1, 0, 1]
        assert [row[5] is not None for row in days] == [False, True, False]

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "from=2026-01-02&to=2026-01-01",
            "from=2025-01-01&to=2026-12-31",
            "from=2026-01-01&to=2026-01-02&timezone=No/Zone",
        ],
    )
    def test_what_cannot_be_asked(self, shared: Api, query: str) -> None:
        self.calendar(shared, query, status=422)

    def test_a_dag_that_does_not_exist(self, shared: Api) -> None:
        self.calendar(shared, "from=2026-01-01&to=2026-01-02", "none", 404)


class TestUpcoming:
    def test_planned_runs_and_runs_that_wait_for_their_instant(self, shared: Api) -> None:
        runs = shared.get("/upcoming")["runs"]
        assert [(run["dag_id"], run["kind"], run["dag_run_id"]) for run in runs] == [("green", "planned", None)] * 2
        assert len(shared.get("/upcoming?limit=1")["runs"]) == 1
        after = quote((datetime.now(UTC) + timedelta(minutes=90)).isoformat())
        assert len(shared.get(f"/upcoming?from={after}")["runs"]) == 1
        assert shared.get("/upcoming", token=granted(shared, Role.VIEWER, "etl"))["runs"] == []

    def test_a_future_run_stands_among_them(self, api: Api) -> None:
        api.save("etl")
        due = datetime.now(UTC) + timedelta(hours=1)
        api.trigger("etl", "later", run_after=due.isoformat())
        api.trigger("etl", "much_later", run_after=(due + timedelta(days=2)).isoformat())
        [run] = api.get("/upcoming")["runs"]
        assert (run["dag_run_id"], run["kind"]) == ("later", "queued")
        assert datetime.fromisoformat(run["run_after"]) == due


class TestUpcomingDays:
    def days(self, api: Api, query: str, status: int = 200, **options: Any) -> Any:
        return api.get(f"/upcoming/days?{query}", status, **options)

    def test_runs_count_on_the_day_of_the_zone_on_which_they_are_due(self, api: Api) -> None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        api.save("etl")
        api.save("daily", schedule={"cron": "0 12 * * *"})
        for run_id, time in (("noon", "12:00"), ("late", "23:30")):
            api.trigger("etl", run_id, run_after=f"{tomorrow}T{time}:00Z")
        api.engine.run_until_idle()
        span = f"from={tomorrow}&to={tomorrow + timedelta(days=1)}"
        utc = self.days(api, span)
        assert [row[1:] for row in utc["days"]] == [[3, True], [1, True]]
        assert [row[0] for row in utc["days"]] == [str(tomorrow), str(tomorrow + timedelta(days=1))]
        assert utc["timezone"] == "UTC"
        assert [row[1] for row in self.days(api, f"{span}&timezone=Asia/Seoul")["days"]] == [2, 2]

    def test_a_day_after_the_last_counted_run_says_so(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        api.save("often", schedule={"cron": "0 */6 * * *"})
        api.engine.run_until_idle()
        monkeypatch.setattr("mainspring_api.resources.page.calendar.UPCOMING_RUNS_MAX", 9)
        days = self.days(api, f"from={tomorrow}&to={tomorrow + timedelta(days=3)}")["days"]
        assert [row[2] for row in days] == sorted((row[2] for row in days), reverse=True)
        assert (days[0][1:], days[-1][2]) == ([4, True], False)

    def test_the_dags_beyond_the_bound_of_one_answer_are_counted_by_the_next_answer(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        for minute in (10, 20):
            api.save(f"at_{minute}", schedule={"cron": f"{minute} 12 * * *"})
        api.engine.run_until_idle()
        # The process has one database but in tests, where versions of several databases have one number.
        monkeypatch.setattr("mainspring_api.resources.page.planned._days_kept", OrderedDict())
        monkeypatch.setattr("mainspring_api.resources.page.calendar.UPCOMING_COMPUTED_MAX", 1)
        span = f"from={tomorrow}&to={tomorrow}"
        assert [self.days(api, span)["days"][0][1:] for _ in range(2)] == [[1, False], [2, True]]

    def test_only_the_dags_that_the_reader_may_see_are_counted(self, shared: Api) -> None:
        today = datetime.now(UTC).date()
        span = f"from={today}&to={today + timedelta(days=1)}"
        assert sum(row[1] for row in self.days(shared, span)["days"]) == 2
        assert sum(row[1] for row in self.days(shared, span, token=granted(shared, Role.VIEWER, "etl"))["days"]) == 0

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "from=2026-01-02&to=2026-01-01",
            "from=2026-01-01&to=2026-12-31",
            "from=2026-01-01&to=2026-01-02&timezone=No/Zone",
        ],
    )
    def test_what_cannot_be_asked(self, shared: Api, query: str) -> None:
        self.days(shared, query, 422)


class TestSearch:
    def hits(self, api: Api, query: str, **options: Any) -> list[tuple[str, str]]:
        return [(hit["kind"], hit["title"]) for hit in api.get(f"/search?{query}", **options)["hits"]]

    def test_dags_tasks_and_runs_by_name(self, shared: Api) -> None:
        assert self.hits(shared, "q=TL") == [("dag", "etl")]
        assert self.hits(shared, "q=r3") == [("run", "r3")]
        assert self.hits(shared, "q=Extra") == [("task", "extract")]
        assert self.hits(shared, "q=m") == [("dag", "mapped"), ("dag", "empty"), ("run", "m1")]
        assert self.hits(shared, "q=e&kinds=dag&kinds=run")[0] == ("dag", "empty")
        [hit] = shared.get("/search?q=check")["hits"]
        assert (hit["dag_id"], hit["task_id"], hit["dag_run_id"]) == ("etl", "check", None)

    def test_a_run_is_found_behind_its_type(self, api: Api) -> None:
        api.save("etl")
        run_id = api.trigger("etl", run_after="2026-01-01T00:00:00Z")
        assert run_id.startswith("manual__2026-01-01")
        assert self.hits(api, "q=2026-01&kinds=run") == [("run", run_id)]
        assert self.hits(api, "q=manual__2026-01&kinds=run") == [("run", run_id)]

    @pytest.mark.parametrize("words", ["%25", "_", "%5C", "%27", "%F0%9F%98%80", "%F4%8F%BF%BF"])
    def test_nothing_is_special(self, shared: Api, words: str) -> None:
        assert self.hits(shared, f"q={words}") == []

    def test_it_finds_what_is_seen(self, shared: Api) -> None:
        token = granted(shared, Role.VIEWER, "green")
        assert self.hits(shared, "q=extract", token=token) == self.hits(shared, "q=r3", token=token) == []
        assert self.hits(shared, "q=green", token=token) == [("dag", "green")]

    @pytest.mark.parametrize("query", ["", "q=", "q=x&kinds=pool"])
    def test_what_cannot_be_searched(self, shared: Api, query: str) -> None:
        shared.get(f"/search?{query}", 422)

    def test_each_kind_has_its_share(self, sqlite_api: Api) -> None:
        for number in range(25):
            sqlite_api.save(f"same_{number:02}", {"same": SHELL})
        sqlite_api.trigger("same_00", "same_run")
        hits = self.hits(sqlite_api, "q=same")
        assert len(hits) == 20
        assert {kind for kind, _ in hits} == {"dag", "task", "run"}


class TestTriggerPlan:
    def plan(self, api: Api, body: Any, status: int = 200) -> Any:
        return api.post("/dags/etl/dagRuns?dry_run=true", body, status)

    def test_it_says_what_the_trigger_would_do_and_does_nothing(self, api: Api) -> None:
        params = {
            "type": "object",
            "properties": {"rows": {"type": "integer", "default": 3}},
            "additionalProperties": False,
        }
        api.save("etl", params=params, max_active_runs=1)
        plan = self.plan(api, {"conf": {"rows": 5}})
        assert plan == {
            "params": {"rows": 5},
            "version_number": 1,
            "starts": "now",
            "reasons": [],
            "instances": 2,
            "estimated_seconds": None,
        }
        assert self.plan(api, {})["params"] == {"rows": 3}
        assert api.get("/dags/etl/dagRuns")["total_entries"] == 0

    def test_it_says_why_the_run_would_wait(self, api: Api) -> None:
        api.save("etl", {"a": SHELL}, max_active_runs=1)
        succeed(api, "r1", tasks=("a",))
        api.trigger("etl", "r2")
        api.engine.run_until_idle()
        api.patch("/dags/etl", {"is_paused": True})
        plan = self.plan(api, {"run_after": "2099-01-01T00:00:00Z"})
        assert (plan["starts"], len(plan["reasons"]), plan["estimated_seconds"] is not None) == ("queued", 3, True)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"conf": {"rows": "x"}}, id="conf"),
            pytest.param({"dag_run_id": "r1"}, id="id"),
            pytest.param({"logical_date": "2026-01-01T00:00:00Z"}, id="logical date"),
            pytest.param({"dag_run_id": "scheduled__x"}, id="reserved id"),
        ],
    )
    def test_its_errors_are_those_of_the_trigger(self, api: Api, body: Any) -> None:
        api.save("etl", params={"type": "object", "properties": {"rows": {"type": "integer"}}})
        api.trigger("etl", "r1", logical_date="2026-01-01T00:00:00Z")
        refused = api.request("POST", "/dags/etl/dagRuns", json=body)
        planned = api.request("POST", "/dags/etl/dagRuns?dry_run=true", json=body)
        assert refused.status in (400, 409)
        assert planned.status == refused.status
        assert {**planned.json, "request_id": ""} == {**refused.json, "request_id": ""}


class TestBackfillPlan:
    def test_each_slot_of_the_range_has_an_action(self, api: Api) -> None:
        schedule = {"cron": "0 0 * * *", "calendar": {"exclude": ["2026-01-03"]}}
        api.save("etl", {"a": SHELL}, schedule=schedule, start_date="2026-01-01")
        body = {"dag_id": "etl", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-05T00:00:00Z"}
        for day, end in ((1, "success"), (4, "failed"), (5, None)):
            api.trigger("etl", f"r{day}", logical_date=f"2026-01-0{day}T00:00:00Z")
            if end is not None:
                api.patch(f"/dags/etl/dagRuns/r{day}", {"state": end})
        plan = api.post("/backfills/dry_run?slots=all", {**body, "reprocess_behavior": "failed"})
        assert [(slot["logical_date"][:10], slot["action"], slot["dag_run_id"]) for slot in plan["slots"]] == [
            ("2026-01-01", "keep", "r1"),
            ("2026-01-02", "create", None),
            ("2026-01-03", "excluded", None),
            ("2026-01-04", "rerun", "r4"),
            ("2026-01-05", "keep", "r5"),
        ]
        assert [slot["reason"] is None for slot in plan["slots"]] == [False, True, False, True, False]
        assert plan["totals"] == {"create": 1, "rerun": 1, "keep": 2, "excluded": 1}
        assert [row["logical_date"][:10] for row in plan["backfills"]] == ["2026-01-02", "2026-01-04"]
        plain = api.post("/backfills/dry_run", body)
        assert (plain["slots"], plain["totals"], plain["estimated_seconds"]) == (None, None, None)

    def test_backfills_of_all_dags_that_are_seen(self, api: Api) -> None:
        body = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
        for dag_id in ("etl", "other"):
            api.save(dag_id, {"a": SHELL}, schedule={"cron": "0 0 * * *"}, start_date="2026-01-01")
            api.post("/backfills", {"dag_id": dag_id, **body})
        api.put("/backfills/1/cancel", {})

        def ids(query: str, **options: Any) -> list[str]:
            return [each["dag_id"] for each in api.get(f"/backfills{query}", **options)["backfills"]]

        assert ids("") == ["etl", "other"]
        assert (ids("?is_active=true"), ids("?is_active=false")) == (["other"], ["etl"])
        assert ids("?dag_id=etl&is_active=true") == []
        assert ids("", token=granted(api, Role.VIEWER, "other")) == ["other"]
