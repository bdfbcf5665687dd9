"""Task instances, their logs and their outputs over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from sqlalchemy import insert

from mainspring.attempts import LogChunk
from mainspring.states import StateReason
from mainspring_api.resources.instances.task_instances import instance_uuid
from mainspring_store.tables import task_log
from tests.api.conftest import OpenApi
from tests.api.harness import SHELL, Api

TASKS = {
    "extract": {**SHELL, "task_display_name": "Get it", "retries": 2, "owner": "ann"},
    "load": {**SHELL, "depends_on": ["extract"], "doc_md": "# load", "execution_timeout": "90s"},
    "tidy": {"type": "noop", "depends_on": ["load"], "trigger_rule": "all_done"},
}


@pytest.fixture
def run(api: Api) -> str:
    """A run of `etl`, whose `extract` has been handed to the executor."""
    api.save("etl", TASKS)
    run_id = api.trigger()
    api.engine.run_until_idle()
    return run_id


def test_an_instance_tells_what_its_latest_try_works_on(api: Api) -> None:
    api.put("/secrets/key", {"value": "CANARY"}, 201)
    env = {"DAY": "${{ params.day }}", "ROWS": "${{ tasks.first.outputs.rows }}"}
    tasks = {
        "first": SHELL,
        "second": {**SHELL, "depends_on": ["first"], "env": env},
        "keyed": {**SHELL, "env": {"KEY": {"secret": "key"}}},
        "each": {**SHELL, "expand": {"n": [7, 8]}, "env": {"N": "${{ map.n }}"}},
        "asks": {"type": "approval", "message": "Go on with ${{ params.day }}?", "depends_on": ["second"]},
    }
    api.save(
        "etl", tasks, params={"type": "object", "properties": {"day": {"type": "string", "default": "2026-01-02"}}}
    )
    run = api.trigger()
    path = f"/dags/etl/dagRuns/{run}/taskInstances"
    assert api.get(f"{path}/second")["rendered_fields"] == {}
    api.engine.run_until_idle()
    api.engine.finish("first", run_id=run, outputs={"rows": 250})
    api.engine.run_until_idle()
    assert api.get(f"{path}/first")["rendered_fields"] == {"command": SHELL["command"]}
    second = api.get(f"{path}/second")
    assert second["rendered_fields"]["env"] == {"DAY": "2026-01-02", "ROWS": 250}
    assert api.get(f"{path}/keyed")["rendered_fields"]["env"] == {"KEY": {"secret": "key"}}
    assert [api.get(f"{path}/each/{index}")["rendered_fields"]["env"] for index in (0, 1)] == [{"N": 7}, {"N": 8}]
    assert {tuple(each["rendered_fields"]) for each in api.get(path)["task_instances"]} == {()}
    api.engine.finish("second", run_id=run)
    api.engine.run_until_idle()
    assert api.get(f"{path}/asks")["rendered_fields"] == {}


def test_an_instance_tells_its_state_from_birth_to_end(api: Api, run: str) -> None:
    path = f"/dags/etl/dagRuns/{run}/taskInstances"
    queued = api.get(f"{path}/extract")
    assert (queued["state"], queued["try_number"], queued["max_tries"]) == ("queued", 1, 2)
    assert (queued["task_display_name"], queued["queue"], queued["operator"]) == ("Get it", "default", "shell")
    assert (queued["executor"], queued["map_index"], queued["start_date"]) == ("thread", -1, None)
    assert api.get(f"{path}/load")["state"] == "scheduled"

    api.engine.start("extract", run)
    api.engine.run_until_idle()
    running = api.get(f"{path}/extract")
    assert (running["state"], running["hostname"], running["pid"]) == ("running", "here", 1)
    assert running["id"] == queued["id"]

    api.engine.finish("extract", run_id=run)
    done = api.get(f"{path}/extract")
    assert (done["state"], done["state_reason"], done["still_running"]) == ("success", None, False)
    assert done["duration"] is not None


def test_a_failure_says_why(api: Api, run: str) -> None:
    path = f"/dags/etl/dagRuns/{run}/taskInstances"
    api.engine.fail("extract", run_id=run, reason=StateReason.EXIT_CODE, exit_code=3, message="exit code 3")
    waiting = api.get(f"{path}/extract")
    assert (waiting["state"], waiting["exit_code"], waiting["message"]) == ("up_for_retry", 3, "exit code 3")
    assert datetime.fromisoformat(waiting["next_try_at"]) > datetime.now(UTC)


def test_ids_are_uuids_made_of_the_key() -> None:
    assert instance_uuid(1) == UUID("6d61696e-7370-8000-8000-000000000001")
    assert {instance_uuid(key).version for key in (1, 2**40, 2**62 - 1)} == {8}
    assert len({instance_uuid(key) for key in (1, 2, 2**40, 2**62 - 1)}) == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dags/etl/dagRuns/{run}/taskInstances/none", 404),
        ("/dags/etl/dagRuns/none/taskInstances/extract", 404),
        ("/dags/none/dagRuns/{run}/taskInstances", 404),
        ("/dags/none/dagRuns/~/taskInstances", 404),
        ("/dags/~/dagRuns/{run}/taskInstances", 400),
        ("/dags/~/dagRuns/~/taskInstances", 200),
        ("/dags/etl/dagRuns/{run}/taskInstances?order_by=task_id", 400),
        ("/dags/etl/dagRuns/{run}/taskInstances?state=cancelled", 422),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/2", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/0", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/99999999999999999999", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/load/logs/1", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/1?map_index=0", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/1?map_index=-2", 422),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/logs/1?token=x", 400),
        ("/dags/etl/dagRuns/{run}/taskInstances/extract/xcomEntries/none", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/none/xcomEntries/none", 404),
        ("/dags/etl/dagRuns/{run}/taskInstances/none/xcomEntries", 200),
    ],
)
def test_paths_that_lead_nowhere(api: Api, run: str, path: str, status: int) -> None:
    api.get(path.format(run=run), status)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def listed(request: pytest.FixtureRequest, open_api: OpenApi) -> Iterator[Api]:
    """Instances of two runs of `etl`: in r1 `extract` succeeded and `load` runs, r2 has not begun to work."""
    with open_api(request.param) as api:
        api.save("etl", TASKS)
        api.save("other", {"x": SHELL}, is_paused_upon_creation=True)
        api.trigger(run_id="r1", logical_date="2026-01-01")
        api.trigger(run_id="r2")
        api.trigger("other", run_id="r3")
        api.engine.run_until_idle()
        api.engine.finish("extract", run_id="r1")
        api.engine.start("load", "r1")
        api.engine.run_until_idle()
        yield api


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("etl/dagRuns/r1/taskInstances", "extract load tidy"),
        ("etl/dagRuns/~/taskInstances", "extract load tidy extract load tidy"),
        ("~/dagRuns/~/taskInstances", "extract load tidy extract load tidy x"),
        ("etl/dagRuns/r1/taskInstances?order_by=-id", "tidy load extract"),
        ("etl/dagRuns/r1/taskInstances?order_by=operator&order_by=id", "tidy extract load"),
        ("etl/dagRuns/r1/taskInstances?order_by=-start_date", "load extract tidy"),
        ("etl/dagRuns/r1/taskInstances?order_by=duration", "extract load tidy"),
        ("etl/dagRuns/r1/taskInstances?state=success", "extract"),
        ("etl/dagRuns/r1/taskInstances?state=running&state=scheduled", "load tidy"),
        ("etl/dagRuns/r1/taskInstances?state=no_status", ""),
        ("etl/dagRuns/~/taskInstances?state=queued", "extract"),
        ("etl/dagRuns/r1/taskInstances?task_id=load", "load"),
        ("etl/dagRuns/r1/taskInstances?task_display_name_pattern=TID%7Cload", "load tidy"),
        ("etl/dagRuns/r1/taskInstances?task_display_name_pattern=get%20it", "extract"),
        ("~/dagRuns/~/taskInstances?task_display_name_pattern=g_t%7Cx", "extract extract x"),
        ("etl/dagRuns/r1/taskInstances?task_display_name_pattern=extract", ""),
        ("etl/dagRuns/r1/taskInstances?task_display_name_prefix_pattern=Get%7Ctid", "extract tidy"),
        ("etl/dagRuns/r1/taskInstances?task_display_name_prefix_pattern=get", ""),
        ("~/dagRuns/~/taskInstances?dag_id_prefix_pattern=oth", "x"),
        ("~/dagRuns/~/taskInstances?run_id_pattern=r2&task_id=load", "load"),
        ("etl/dagRuns/r1/taskInstances?queue=fast&queue=slow", ""),
        ("etl/dagRuns/r1/taskInstances?queue_name_pattern=DEF", "extract load tidy"),
        ("etl/dagRuns/r1/taskInstances?pool=default_pool&limit=1", "extract"),
        ("etl/dagRuns/r1/taskInstances?pool=none", ""),
        ("etl/dagRuns/r1/taskInstances?executor=thread", "extract load"),
        ("etl/dagRuns/r1/taskInstances?operator=noop", "tidy"),
        ("etl/dagRuns/r1/taskInstances?operator_name_pattern=she", "extract load"),
        ("etl/dagRuns/r1/taskInstances?try_number=1", "extract load"),
        ("etl/dagRuns/r1/taskInstances?map_index=-1&map_index=0", "extract load tidy"),
        ("etl/dagRuns/r1/taskInstances?version_number=2", ""),
        ("etl/dagRuns/r1/taskInstances?start_date_gte=2026-01-01&end_date_lt=2100-01-01", "extract load tidy"),
        ("etl/dagRuns/r1/taskInstances?end_date_gt=2100-01-01", "load tidy"),
        ("etl/dagRuns/r1/taskInstances?start_date_lt=2026-01-01", ""),
        ("etl/dagRuns/r1/taskInstances?state=restarting&state=up_for_reschedule&state=awaiting_input", ""),
        ("etl/dagRuns/~/taskInstances?logical_date_lte=2026-01-01", "extract load tidy"),
        ("etl/dagRuns/r1/taskInstances?duration_gte=0", "extract"),
        ("etl/dagRuns/r1/taskInstances?updated_at_gt=2100-01-01", ""),
    ],
)  # fmt: skip
def test_instances_are_listed_filtered_and_ordered(listed: Api, path: str, expected: str) -> None:
    page = listed.get(f"/dags/{path}")
    assert " ".join(one["task_id"] for one in page["task_instances"]) == expected
    if "limit" not in path:
        assert page["total_entries"] == len(expected.split())


@pytest.mark.parametrize("order", ["map_index", "-start_date", "start_date", "-operator", "logical_date", "-duration"])
def test_instances_can_be_walked_by_cursor(listed: Api, order: str) -> None:
    path = f"/dags/~/dagRuns/~/taskInstances?order_by={order}"
    expected = [one["id"] for one in listed.get(path)["task_instances"]]
    walked, cursor = [], ""
    while cursor is not None:
        page = listed.get(f"{path}&limit=2&cursor={cursor}")
        walked += [one["id"] for one in page["task_instances"]]
        cursor = page["next_cursor"]
    assert walked == expected


class TestOutputs:
    @pytest.fixture
    def outputs(self, api: Api, run: str) -> str:
        values = {"return_value": {"rows": [1, None, "ü"]}, "text": "2.0", "nothing": None}
        api.engine.finish("extract", run_id=run, outputs=values)
        return f"/dags/etl/dagRuns/{run}/taskInstances/extract/xcomEntries"

    @pytest.mark.parametrize(
        ("key", "value", "text"),
        [
            ("return_value", {"rows": [1, None, "ü"]}, '{"rows":[1,null,"ü"]}'),
            ("text", "2.0", '"2.0"'),
            ("nothing", None, "null"),
        ],
    )
    def test_an_output_keeps_its_json_type(self, api: Api, outputs: str, key: str, value: object, text: str) -> None:
        entry = api.get(f"{outputs}/{key}?deserialize=true&map_index=-1")
        assert (entry["value"], entry["key"], entry["task_id"]) == (value, key, "extract")
        assert entry["task_display_name"] == "Get it"
        assert api.get(f"{outputs}/{key}?stringify=true")["value"] == text

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", "nothing return_value text"),
            ("?order_by=-key&limit=2", "text return_value"),
            ("?xcom_key=text", "text"),
            ("?xcom_key_pattern=T", "nothing return_value text"),
            ("?xcom_key_prefix_pattern=t", "text"),
            ("?map_index=0", ""),
            ("?run_id_pattern=manual&task_id_pattern=ext&limit=1", "nothing"),
        ],
    )
    def test_outputs_are_listed_without_values(self, api: Api, outputs: str, query: str, expected: str) -> None:
        page = api.get(outputs + query)
        assert " ".join(entry["key"] for entry in page["xcom_entries"]) == expected

    def test_wildcards_list_the_outputs_of_everything(self, api: Api, outputs: str) -> None:
        assert api.get("/dags/~/dagRuns/~/taskInstances/~/xcomEntries")["total_entries"] == 3
        assert api.get("/dags/~/dagRuns/~/taskInstances/load/xcomEntries")["total_entries"] == 0


class TestLogs:
    """The log of `extract`, try 1."""

    def write(self, api: Api, run: str, *pieces: bytes) -> None:
        attempt = api.engine.attempt("extract", run)
        offset = 0
        with api.database.write() as connection:
            for piece in pieces:
                chunk = LogChunk(attempt_id=attempt.attempt_id, offset=offset, data=piece, at=datetime.now(UTC))
                row = {"attempt_id": chunk.attempt_id, "offset": chunk.offset, "at": chunk.at, "data": chunk.data}
                connection.execute(insert(task_log), row)
                offset += len(piece)

    def path(self, run: str) -> str:
        return f"/dags/etl/dagRuns/{run}/taskInstances/extract/logs/1"

    def events(self, page: dict[str, list[dict[str, str]]]) -> list[str]:
        return [line["event"] for line in page["content"]]

    def test_a_running_log_can_be_followed_to_its_end(self, api: Api, run: str) -> None:
        self.write(api, run, b"one\ntw", b"o\r\n\nthr")
        first = api.get(self.path(run))
        assert self.events(first) == ["one", "two", ""]
        again = api.get(f"{self.path(run)}?token={first['continuation_token']}")
        assert self.events(again) == []
        api.engine.finish("extract", run_id=run)
        last = api.get(f"{self.path(run)}?token={again['continuation_token']}")
        assert (self.events(last), last["continuation_token"]) == (["thr"], None)

    def test_an_empty_log_is_an_empty_list(self, api: Api, run: str) -> None:
        assert api.get(self.path(run))["content"] == []
        api.engine.finish("extract", run_id=run)
        assert api.get(self.path(run)) == {"content": [], "continuation_token": None}

    def test_a_long_log_comes_in_pages_or_in_full(self, api: Api, run: str) -> None:
        lines = [f"{number} {'x' * 100}" for number in range(10_000)]
        data = "\n".join(lines).encode()
        self.write(api, run, *(data[start : start + 65536] for start in range(0, len(data), 65536)))
        api.engine.finish("extract", run_id=run)
        read, token, pages = [], "", 0
        while token is not None:
            page = api.get(f"{self.path(run)}?token={token}")
            read += self.events(page)
            token, pages = page["continuation_token"], pages + 1
        assert read == lines
        assert pages == 5
        full = api.get(f"{self.path(run)}?full_content=true")
        assert (self.events(full), full["continuation_token"]) == (lines, None)

    def test_one_huge_line_is_cut_where_the_page_ends_and_nothing_is_lost(self, api: Api, run: str) -> None:
        data = b"y" * (700 * 1024)
        self.write(api, run, *(data[start : start + 65536] for start in range(0, len(data), 65536)))
        api.engine.finish("extract", run_id=run)
        read, token = "", ""
        while token is not None:
            page = api.get(f"{self.path(run)}?token={token}")
            read += "".join(self.events(page))
            token = page["continuation_token"]
        assert read == data.decode()

    def test_binary_and_escapes_are_text_in_json(self, api: Api, run: str) -> None:
        self.write(api, run, b"\xff\x00\x1b[31mred\x1b[0m\n<script>\n")
        assert self.events(api.get(self.path(run))) == ["\ufffd\x00\x1b[31mred\x1b[0m", "<script>"]

    def test_a_stream_has_a_line_each_and_the_token_in_a_header(self, api: Api, run: str) -> None:
        self.write(api, run, b"one\ntwo\n")
        answer = api.request("GET", self.path(run), headers={"Accept": "application/x-ndjson"})
        assert answer.media_type == "application/x-ndjson"
        assert [orjson.loads(line)["event"] for line in answer.body.splitlines()] == ["one", "two"]
        token = answer.headers["Airflow-Continuation-Token"]
        assert self.events(api.get(f"{self.path(run)}?token={token}")) == []

    @pytest.mark.parametrize(
        ("accept", "status"),
        [
            ("*/*", 200),
            ("application/json", 200),
            ("application/x-ndjson,application/json", 200),
            ("image/png", 406),
            ("application/*", 200),
        ],
    )
    def test_what_can_be_asked_for(self, api: Api, run: str, accept: str, status: int) -> None:
        answer = api.request("GET", self.path(run), headers={"Accept": accept})
        assert (answer.status, answer.media_type) == (status, "application/json")

    def test_a_token_counts_for_its_try_only(self, api: Api, run: str) -> None:
        token = api.get(self.path(run))["continuation_token"]
        other = api.trigger()
        api.engine.run_until_idle()
        api.get(f"{self.path(other)}?token={token}", 400)
        tampered = ("A" if token[0] != "A" else "B") + token[1:]
        assert "Bad Signature" in api.get(f"{self.path(run)}?token={tampered}", 400)["detail"]


def test_tasks_are_those_of_the_current_version(sqlite_api: Api) -> None:
    sqlite_api.save("etl", TASKS)
    tasks = sqlite_api.get("/dags/etl/tasks")
    assert [task["task_id"] for task in tasks["tasks"]] == ["extract", "load", "tidy"]
    assert [task["downstream_task_ids"] for task in tasks["tasks"]] == [["load"], ["tidy"], []]
    extract, load, tidy = tasks["tasks"]
    assert (extract["task_display_name"], extract["retries"], extract["owner"]) == ("Get it", 2, "ann")
    assert load["execution_timeout"] == {"__type": "TimeDelta", "days": 0, "seconds": 90, "microseconds": 0}
    assert (load["doc_md"], tidy["trigger_rule"], tidy["operator_name"]) == ("# load", "all_done", "noop")
    assert sqlite_api.get("/dags/etl/tasks/load") == load
    sqlite_api.get("/dags/etl/tasks/none", 404)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("task_id", "extract load tidy"),
        ("-task_id", "tidy load extract"),
        ("operator_name", "tidy extract load"),
        ("-retries", "extract tidy load"),
        ("execution_timeout", "load extract tidy"),
    ],
)
def test_tasks_can_be_ordered(sqlite_api: Api, order: str, expected: str) -> None:
    sqlite_api.save("etl", TASKS)
    tasks = sqlite_api.get(f"/dags/etl/tasks?order_by={order}")["tasks"]
    assert " ".join(task["task_id"] for task in tasks) == expected


def test_tasks_in_an_unknown_order_are_a_bad_request(sqlite_api: Api) -> None:
    sqlite_api.save("etl", TASKS)
    sqlite_api.get("/dags/etl/tasks?order_by=__class__", 400)


def test_the_key_of_an_instance_is_its_rendered_map_index(api: Api) -> None:
    task = {**SHELL, "expand": {"region": ["eu", "us", "apac"]}, "key": "${{ map.region }}"}
    api.save("etl", {"load": task, "plain": {**SHELL, "expand": {"n": [1]}}, "tidy": {"type": "noop"}})
    run = api.trigger()
    path = f"/dags/etl/dagRuns/{run}/taskInstances"
    assert [one["rendered_map_index"] for one in api.get(path)["task_instances"]] == [None, None, None]
    api.engine.run_until_idle()
    listed = {(one["task_id"], one["map_index"]): one["rendered_map_index"] for one in api.get(path)["task_instances"]}
    keys = {("load", 0): "eu", ("load", 1): "us", ("load", 2): "apac"}
    assert listed == {**keys, ("plain", 0): "0", ("tidy", -1): None}
    assert api.get(f"{path}/load/2")["rendered_map_index"] == "apac"
    by_key = api.get(f"{path}?rendered_map_index_pattern=A")["task_instances"]
    assert [(one["task_id"], one["map_index"]) for one in by_key] == [("load", 2)]
    by_prefix = api.get(f"{path}/load/listMapped?rendered_map_index_prefix_pattern=u")["task_instances"]
    assert [one["map_index"] for one in by_prefix] == [1]


def test_a_task_group_chooses_the_instances_of_its_tasks(api: Api) -> None:
    inner = {"prefix_group_id": False, "tasks": {"plain": SHELL}}
    load = {"tasks": {"a": SHELL, "b": {**SHELL, "expand": {"n": [1, 2]}}}, "groups": {"inner": inner}}
    api.save("etl", {"start": SHELL}, groups={"load": load})
    run = api.trigger()
    api.engine.run_until_idle()
    api.put("/dags/etl", {"tasks": {"start": SHELL}, "groups": {"other": {**inner}}})

    def chosen(path: str, group: str) -> list[tuple[str, int]]:
        listed = api.get(f"/dags/etl/dagRuns/{path}?task_group_id={group}&order_by=id")["task_instances"]
        return sorted((one["task_id"], one["map_index"]) for one in listed)

    of_run = f"{run}/taskInstances"
    assert chosen(of_run, "load") == [("load.a", -1), ("load.b", 0), ("load.b", 1), ("plain", -1)]
    assert chosen(of_run, "load.inner") == [("plain", -1)]
    assert chosen("~/taskInstances", "other") == [("plain", -1)], "for all runs the current version decides"
    assert chosen(f"{of_run}/load.b/listMapped", "load") == [("load.b", 0), ("load.b", 1)]
    assert chosen(f"{of_run}/load.b/listMapped", "load.inner") == []
    api.get(f"/dags/etl/dagRuns/{of_run}?task_group_id=other", 404)
    problem = api.get("/dags/~/dagRuns/~/taskInstances?task_group_id=load", 400)["errors"][0]
    assert (problem["pointer"], problem["hint"]) == ("/task_group_id", "name the DAG in the path")
