"""Six programs that others wrote for Airflow 3, unchanged, do their main commands against one running server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring_api.resources.service.version import AIRFLOW_VERSION
from tests.acceptance.programs.airflow_programs import command_loop, mcp_server
from tests.acceptance.server import Server, started

ETL = """
dag_id: etl
tags: [nightly]
tasks:
  extract: {type: shell, script: 'echo "rows seen: 3"; echo "rows=3" >> "$MAINSPRING_OUTPUT"'}
  load: {type: noop, depends_on: [extract]}
"""
USER, PASSWORD = "ann", "correct horse battery"
RUN = "/dags/etl/dagRuns/"

pytestmark = pytest.mark.timeout(600)
"""The first test installs the environment of the program where `./dev setup` has not."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        server.client.post("/users", {"username": USER, "password": PASSWORD, "role": "admin"})
        server.put_dag(ETL)
        server.client.post("/dags/etl/dagRuns", {"dag_run_id": "r1", "logical_date": None})
        assert server.wait(RUN + "r1")["state"] == "success"
        yield server


@pytest.fixture
def url(server: Server) -> str:
    return server.client.url.removesuffix("/api/v2")


def is_success(server: Server, run_id: str) -> bool:
    """Whether a run that a program triggered is there and ends well."""
    return server.wait(RUN + run_id)["state"] == "success"


def states(instances: list[dict[str, Any]]) -> dict[str, str]:
    return {instance["task_id"]: instance["state"] for instance in instances}


ALL_SUCCESS = {"extract": "success", "load": "success"}


def test_af_of_astronomer(server: Server, url: str, tmp_path: Path) -> None:
    settings = {
        "AF_CONFIG": "/dev/null",
        "AF_TELEMETRY_DISABLED": "1",
        "AIRFLOW_API_URL": url,
        "AIRFLOW_AUTH_TOKEN": server.client.token or "",
    }
    with command_loop("astro-airflow-mcp", "af", tmp_path, **settings) as af:
        health = af("health").json()
        assert (health["overall_status"], health["version"]["version"]) == ("healthy", AIRFLOW_VERSION)
        [dag] = af("dags", "list").json()["dags"]
        assert (dag["dag_id"], [tag["name"] for tag in dag["tags"]]) == ("etl", ["nightly"])
        triggered = af("runs", "trigger", "etl", "--conf", '{"day": "monday"}').json()
        assert is_success(server, triggered["dag_run_id"])
        run = af("runs", "get", "etl", triggered["dag_run_id"]).json()
        assert (run["state"], run["conf"]) == ("success", {"day": "monday"})
        assert [task["task_id"] for task in af("tasks", "list", "etl").json()["tasks"]] == ["extract", "load"]
        assert af("tasks", "instance", "etl", "r1", "extract").json()["state"] == "success"
        log = af("tasks", "logs", "etl", "r1", "extract").json()
        assert [line["event"] for line in log["content"]] == ["rows seen: 3"]
        assert af("assets", "list").json()["total_assets"] == 0
        refused = af("config", "show")
        assert (refused.exit_code, "403" in refused.output + refused.errors) == (1, True)


def test_airflow_api_client(server: Server, url: str, tmp_path: Path) -> None:
    settings = {f"AIRFLOW_API_CLIENT_{name}": text for name, text in (("ENDPOINT", url), ("PASSWORD", PASSWORD))}
    with command_loop("airflow-api-client", "airflow-api-client", tmp_path, **settings) as client:

        def ask(*arguments: str) -> Any:
            return client("--username", USER, "--output-format", "json", *arguments).json()

        assert [dag["dag_id"] for dag in ask("list", "dags")["dags"]] == ["etl"]
        waited = client("--username", USER, "run", "etl", "--run-id", "waited", "--conf", '{"day": "monday"}')
        assert waited.exit_code == 0, waited.errors
        run = ask("get", "dag-run", "etl/waited")
        assert (run["dag_run_id"], run["state"], run["conf"]) == ("waited", "success", {"day": "monday"})
        assert states(ask("list", "task-instances", "etl/waited")["task_instances"]) == ALL_SUCCESS
        assert [line["event"] for line in ask("get", "log", "etl/waited/extract")["extract"]] == ["rows seen: 3"]
        assert ask("xcom", "etl/waited/extract/rows")["tasks"]["extract"]["rows"]["value"] == 3
        assert ask("pause", "etl")["is_paused"] is True
        assert ask("unpause", "etl")["is_paused"] is False
        missing = client("--username", USER, "get", "dag", "nothing")
        assert missing.exit_code == 1


def test_airflow_dev_mcp(server: Server, url: str, tmp_path: Path) -> None:
    settings = {"AIRFLOW_URL": url, "AIRFLOW_USERNAME": USER, "AIRFLOW_PASSWORD": PASSWORD}
    with mcp_server("airflow-dev-mcp", "airflow-dev-mcp", tmp_path, **settings) as mcp:
        listed = mcp.call("list_dags")
        assert [(dag["dag_id"], dag["tags"]) for dag in listed["dags"]] == [("etl", ["nightly"])]
        run_id = mcp.call("trigger_dag", dag_id="etl", conf={"day": "monday"})["dag_run_id"]
        assert is_success(server, run_id)
        status = mcp.call("get_run_status", dag_id="etl", run_id=run_id)
        assert (status["run"]["state"], status["run"]["conf"]) == ("success", {"day": "monday"})
        assert states(status["tasks"]) == ALL_SUCCESS
        assert run_id in {run["dag_run_id"] for run in mcp.call("list_dag_runs", dag_id="etl")["dag_runs"]}
        assert mcp.call("get_task_logs", dag_id="etl", run_id="r1", task_id="extract")["content"] == "rows seen: 3"
        assert mcp.call("get_import_errors")["total_entries"] == 0
        for is_paused in (True, False):
            assert mcp.call("set_dag_paused", dag_id="etl", paused=is_paused)["is_paused"] is is_paused


def test_airflow_mcp_server(server: Server, url: str, tmp_path: Path) -> None:
    settings = {"AIRFLOW_BASE_URL": url, "AUTH_TOKEN": server.client.token or ""}
    program = "airflow-mcp-server"
    with mcp_server(program, program, tmp_path, arguments=("--unsafe", "--static-tools"), **settings) as mcp:
        # Its tools are made from our document.
        assert mcp.tools() >= {"get_dags", "trigger_dag_run", "put_dag", "get_hitl_details"}
        assert mcp.call("get_version")["version"] == AIRFLOW_VERSION
        assert [dag["dag_id"] for dag in mcp.call("get_dags")["dags"]] == ["etl"]
        triggered = mcp.call("trigger_dag_run", dag_id="etl", dag_run_id="by-document")
        assert triggered["dag_run_id"] == "by-document"
        assert is_success(server, "by-document")
        assert mcp.call("get_dag_run", dag_id="etl", dag_run_id="by-document")["state"] == "success"
        log = mcp.call("get_log", dag_id="etl", dag_run_id="r1", task_id="extract", try_number=1)
        assert [line["event"] for line in log["content"]] == ["rows seen: 3"]
        assert mcp.call("get_pool", pool_name="default_pool")["slots"] == 128
        assert mcp.call("get_assets")["total_entries"] == 0


def test_apache_airflow_mcp_server(server: Server, url: str, tmp_path: Path) -> None:
    settings = {"AIRFLOW_MCP_HOST": url, "AIRFLOW_MCP_USERNAME": USER, "AIRFLOW_MCP_PASSWORD": PASSWORD}
    program, arguments = "apache-airflow-mcp-server", ("--transport", "stdio")
    with mcp_server(program, "airflow-mcp", tmp_path, arguments=arguments, **settings) as mcp:

        def call(tool: str, **members: Any) -> Any:
            return mcp.call(tool, instance="default", **members)

        assert [dag["dag_id"] for dag in call("airflow_list_dags")["dags"]] == ["etl"]
        run_id = call("airflow_trigger_dag", dag_id="etl")["dag_run_id"]
        assert is_success(server, run_id)
        run = call("airflow_get_dag_run", dag_id="etl", dag_run_id=run_id)["dag_run"]
        assert (run["state"], run["triggering_user_name"]) == ("success", USER)
        instances = call("airflow_list_task_instances", dag_id="etl", dag_run_id=run_id)["task_instances"]
        assert states(instances) == ALL_SUCCESS
        of_try = {"dag_id": "etl", "dag_run_id": "r1", "task_id": "extract", "try_number": 1}
        assert call("airflow_get_task_instance_logs", **of_try)["log"].endswith("rows seen: 3")
        for tool, is_paused in (("airflow_pause_dag", True), ("airflow_unpause_dag", False)):
            assert call(tool, dag_id="etl")["dag"]["is_paused"] is is_paused


def test_mcp_airflow_api(server: Server, url: str, tmp_path: Path) -> None:
    settings = {
        "AIRFLOW_API_BASE_URL": f"{url}/api",
        "AIRFLOW_API_VERSION": "v2",
        "AIRFLOW_API_USERNAME": USER,
        "AIRFLOW_API_PASSWORD": PASSWORD,
    }
    with mcp_server("mcp-airflow-api", "mcp-airflow-api", tmp_path, **settings) as mcp:
        assert mcp.call("get_version")["version"] == AIRFLOW_VERSION
        assert [dag["dag_id"] for dag in mcp.call("list_dags")["dags"]] == ["etl"]
        before = server.client.get("/dags/etl/dagRuns")["total_entries"]
        # Version 3.1.5 reads the id from `run_id`, which is `dag_run_id` in Airflow 3, so the answer has none.
        triggered = mcp.call("trigger_dag", dag_id="etl")
        assert (triggered["dag_id"], triggered["run_id"], triggered["state"]) == ("etl", None, "queued")
        assert server.client.get("/dags/etl/dagRuns")["total_entries"] == before + 1
        of_task = {"dag_id": "etl", "dag_run_id": "r1", "task_id": "extract"}
        log = mcp.call("get_task_instance_logs", **of_task)
        assert [line["event"] for line in log["content"]] == ["rows seen: 3"]
        assert [entry["key"] for entry in mcp.call("list_xcom_entries", **of_task)["xcom_entries"]] == ["rows"]
        assert [pool["name"] for pool in mcp.call("list_pools")["pools"]] == ["default_pool"]
        assert mcp.call("list_assets")["total_entries"] == 0
        assert "HTTP 403" in mcp.refusal("get_config")
        # Version 3.1.5 asks for `/taskInstances`, a path that no version of Airflow has; Airflow answers 404 too.
        assert "HTTP 404" in mcp.refusal("list_task_instances_all")
