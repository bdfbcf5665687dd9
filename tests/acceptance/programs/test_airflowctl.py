"""`airflowctl`, unchanged, against a real server: every command for what is here.

Left out, because version 0.1.5 fails on them whatever a server answers: `dags get-tags` where there are tags,
`backfill create-dry-run`, `dags trigger --conf`.
"""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.acceptance.programs.airflowctl import Airflowctl, Answer, airflowctl
from tests.acceptance.server import Server, started, until

ETL = """
dag_id: etl
schedule: {cron: "0 0 * * *", timezone: UTC}
tasks:
  extract: {type: shell, script: 'echo "rows=3" >> "$MAINSPRING_OUTPUT"'}
  load: {type: noop, depends_on: [extract]}
"""
USER, PASSWORD = "ann", "correct horse battery"
PAGE_LENGTH = 50
"""Of the lists that the command asks for."""

pytestmark = pytest.mark.timeout(600)
"""The first test installs the environment of the program where `./dev setup` has not."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server") / "home") as server:
        server.client.post("/users", {"username": USER, "password": PASSWORD, "role": "admin"})
        yield server


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.client.url.removesuffix("/api/v2")


@pytest.fixture(scope="module")
def ctl(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Airflowctl]:
    """The command, logged in with a password."""
    with airflowctl(tmp_path_factory.mktemp("ctl")) as ctl:
        login = ctl("auth", "login", "--api-url", url, "--username", USER, "--password", PASSWORD)
        assert "Login successful" in login.output, f"{login.output}{login.errors}"
        yield ctl


@pytest.fixture
def etl(server: Server, ctl: Airflowctl) -> Iterator[str]:
    """The only DAG, without runs."""
    server.put_dag(ETL)
    yield "etl"
    ctl("dags", "delete", "etl")


def test_the_command_by_itself_shows_the_server_and_runs_a_dag(ctl: Airflowctl, url: str, etl: str) -> None:
    assert "'version'" in ctl.alone("version", "--remote").output
    assert [dag["dag_id"] for dag in ctl.alone("dags", "list", "--output", "json").json()] == [etl]
    triggered = ctl.alone("dags", "trigger", etl, "--dag-run-id", "alone", "--output", "json").json()
    assert [(run["dag_run_id"], run["run_type"], run["triggering_user_name"]) for run in triggered] == [
        ("alone", "manual", USER)
    ]
    assert ended(ctl, etl, "alone")["state"] == "success"


def test_a_login_keeps_the_address_and_a_token(ctl: Airflowctl, url: str) -> None:
    assert ctl("auth", "list-envs").json() == [{"environment": "production", "api_url": url, "status": "authenticated"}]
    refused = ctl("auth", "token", "--api-url", url, "--username", USER, "--password", "wrong horse battery")
    assert (refused.exit_code, "Invalid credentials" in refused.output) == (1, True)


def test_a_token_may_be_given_with_each_command(ctl: Airflowctl, server: Server, url: str) -> None:
    printed = ctl("auth", "token", "--api-url", url, "--username", USER, "--password", PASSWORD)
    assert ctl("pools", "get", "default_pool", "--api-token", printed.output.strip()).json()[0]["slots"] == "128"
    viewer = server.client.post("/tokens", {"name": "viewer", "role": "viewer"})["token"]
    refused = ctl("pools", "create", "--name", "mine", "--slots", "1", "--api-token", viewer)
    assert (refused.exit_code, "Forbidden" in refused.output) == (1, True)
    # Written where a pipeline has no keyring: the address is kept, the token comes with every call.
    (ctl.folder / "pipeline").mkdir()
    pipeline = {"AIRFLOW_HOME": str(ctl.folder / "pipeline"), "AIRFLOW_CLI_DEBUG_MODE": "false"}
    login = ctl.alone("auth", "login", "--api-url", url, "--api-token", viewer, "--skip-keyring", **pipeline)
    assert "Login successful" in login.output
    assert ctl.alone("pools", "get", "default_pool", AIRFLOW_CLI_TOKEN=viewer, **pipeline).json()


def test_dags_are_shown(ctl: Airflowctl, etl: str) -> None:
    (listed,) = ctl("dags", "list").json()
    (one,) = ctl("dags", "get", etl).json()
    assert listed == one
    assert (one["dag_id"], one["timetable_summary"], one["is_paused"]) == (etl, "0 0 * * *", "False")
    (details,) = ctl("dags", "get-details", etl).json()
    assert (details["timezone"], details["catchup"], details["max_active_runs"]) == ("UTC", "False", "16")
    (version,) = ctl("dags", "list-version", etl).json()
    assert version["version_number"] == "1"
    assert ctl("dags", "get-version", etl, "1").json() == [version]
    (following,) = ctl("dags", "next-execution", etl).json()
    assert following["next_dagrun_run_after"] == following["next_dagrun_data_interval_end"]
    assert following["next_dagrun_run_after"].endswith("00:00:00+00:00")


def test_what_the_server_refuses_is_told(ctl: Airflowctl, etl: str) -> None:
    missing = ctl("dags", "get", "nothing")
    assert (missing.exit_code, "The DAG with dag_id: 'nothing' was not found" in missing.output) == (1, True)
    ctl("dags", "trigger", etl, "--dag-run-id", "twice").json()
    twice = ctl("dags", "trigger", etl, "--dag-run-id", "twice")
    assert (twice.exit_code, "dag 'etl' has a run 'twice' already" in twice.output) == (1, True)
    ended(ctl, etl, "twice")


def test_dags_are_paused_and_deleted(ctl: Airflowctl, etl: str) -> None:
    assert ctl("dags", "pause", etl).json()[0]["is_paused"] == "True"
    assert ctl("dags", "get", etl).json()[0]["is_paused"] == "True"
    assert ctl("dags", "unpause", etl).json()[0]["is_paused"] == "False"
    assert ctl("dags", "update", etl, "--is-paused").json()[0]["is_paused"] == "True"
    assert ctl("dags", "update", etl, "--no-is-paused").json()[0]["is_paused"] == "False"
    assert ctl("dags", "delete", etl).json() == [{"operation": "delete", "entity": etl}]
    assert ctl("dags", "list").json() == []


def test_runs_and_their_outputs(ctl: Airflowctl, etl: str) -> None:
    logical_date = "2026-01-02T03:04:05+00:00"
    ctl("dags", "trigger", etl, "--dag-run-id", "one", "--logical-date", logical_date, "--note", "by hand").json()
    run = ended(ctl, etl, "one")
    assert (run["state"], run["note"], run["logical_date"]) == ("success", "by hand", "2026-01-02T03:04:05Z")
    assert listed_runs(ctl, "--dag-id", etl) == ["one"]
    assert listed_runs(ctl, "--state", "success", "--limit", "5") == ["one"]
    assert listed_runs(ctl, "--state", "failed") == []

    of = (etl, "one", "extract")
    assert [entry["key"] for entry in ctl("xcom", "list", *of).json()] == ["rows"]
    assert ctl("xcom", "get", *of, "rows").json()[0]["value"] == "3"
    assert ctl("xcom", "add", *of, "checked", "[1, null]").json()[0]["value"] == ["1", None]
    assert ctl("xcom", "edit", *of, "checked", "true").json()[0]["value"] == "True"
    assert ctl("xcom", "delete", *of, "checked").json() == [{"operation": "delete", "entity": "checked"}]
    assert [entry["key"] for entry in ctl("xcom", "list", *of).json()] == ["rows"]


def test_runs_are_counted(ctl: Airflowctl, server: Server) -> None:
    # The command takes an id for a list of letters, so it can only ask for DAGs of one letter.
    server.put_dag(ETL.replace("dag_id: etl", "dag_id: e"))
    ctl("dags", "trigger", "e", "--dag-run-id", "one").json()
    ended(ctl, "e", "one")
    (counted,) = ctl("dags", "get-stats", "e").json()
    assert {"state": "success", "count": "1"} in counted["stats"]
    ctl("dags", "delete", "e").json()


def test_a_backfill_is_made_paused_and_cancelled(ctl: Airflowctl, etl: str) -> None:
    ctl("dags", "pause", etl).json()  # so that its runs wait
    days = ("--from-date", "2026-01-01", "--to-date", "2026-01-03")
    (made,) = ctl("backfill", "create", "--dag-id", etl, *days, "--max-active-runs", "2").json()
    assert (made["dag_id"], made["from_date"], made["max_active_runs"]) == (etl, "2026-01-01T00:00:00Z", "2")
    key = made["id"]
    assert [backfill["id"] for backfill in ctl("backfill", "list", etl).json()] == [key]
    for command, is_paused in (("pause", "True"), ("unpause", "False")):
        assert fell_over_its_printing(ctl("backfill", command, key))
        assert ctl("backfill", "get", key).json()[0]["is_paused"] == is_paused
    assert fell_over_its_printing(ctl("backfill", "cancel", key))
    assert ctl("backfill", "get", key).json()[0]["completed_at"] is not None
    again = ctl("backfill", "cancel", key)
    assert (again.exit_code, "'status': 409" in again.output) == (1, True)


def test_pools(ctl: Airflowctl) -> None:
    assert ctl("pools", "create", "--name", "small", "--slots", "3").json()[0]["open_slots"] == "3"
    assert ctl("pools", "update", "--pool", "small", "--slots", "5").json()[0]["slots"] == "5"
    assert ctl("pools", "get", "small").json()[0]["slots"] == "5"
    path = ctl.file("pools.json", [{"name": "small", "slots": 7}, {"name": "large", "slots": 700, "description": "d"}])
    imported = ctl("pools", "import", path, "--action-on-existing-key", "overwrite")
    assert (imported.exit_code, imported.output.strip()) == (0, "['small', 'large']")
    refused = ctl("pools", "import", path, "--action-on-existing-key", "fail")
    assert (refused.exit_code, "already exist" in refused.errors) == (1, True)
    assert ctl("pools", "export", str(ctl.folder / "exported.json")).exit_code == 0
    exported = json.loads((ctl.folder / "exported.json").read_text())
    assert {pool["name"]: pool["slots"] for pool in exported} == {"default_pool": 128, "large": 700, "small": 7}
    for name in ("small", "large"):
        assert ctl("pools", "delete", name).json() == [{"operation": "delete", "entity": name}]
    assert [pool["name"] for pool in ctl("pools", "list").json()] == ["default_pool"]


def test_variables(ctl: Airflowctl) -> None:
    assert ctl("variables", "create", "--key", "a", "--value", "one", "--description", "d").json()[0]["value"] == "one"
    assert ctl("variables", "update", "--key", "a", "--value", "two").json()[0]["value"] == "two"
    assert ctl("variables", "get", "a").json()[0]["value"] == "two"
    many = {f"k{number:02}": str(number) for number in range(PAGE_LENGTH + 5)}
    path = ctl.file("variables.json", {**many, "a": {"value": {"rows": 3}, "description": "an object"}})
    assert ctl("variables", "import", path, "--action-on-existing-key", "overwrite").exit_code == 0
    listed = {variable["key"]: variable["value"] for variable in ctl("variables", "list").json()}
    assert listed == {**many, "a": '{"rows":3}'}
    assert ctl("variables", "import", path, "--action-on-existing-key", "fail").exit_code == 1
    assert ctl("variables", "delete", "a").json() == [{"operation": "delete", "entity": "a"}]
    assert ctl("variables", "get", "a").exit_code == 1


def test_connections_hide_their_password(ctl: Airflowctl) -> None:
    of = ("--connection-id", "warehouse", "--conn-type", "http")
    (made,) = ctl("connections", "create", *of, "--host", "example.org", "--password", "hunter2").json()
    assert (made["host"], made["password"]) == ("example.org", "***")
    (updated,) = ctl("connections", "update", *of, "--host", "example.net", "--port", "8443").json()
    assert ctl("connections", "get", "warehouse").json() == [updated]
    assert (updated["host"], updated["port"]) == ("example.net", "8443")
    path = ctl.file("connections.json", {"lake": {"conn_type": "ftp", "host": "h", "port": 21, "schema": "s"}})
    assert ctl("connections", "import", path).output.strip() == "Successfully imported ['lake'] connection(s)"
    assert [each["connection_id"] for each in ctl("connections", "list").json()] == ["lake", "warehouse"]
    for name in ("lake", "warehouse"):
        assert ctl("connections", "delete", name).json() == [{"operation": "delete", "entity": name}]
    assert ctl("connections", "list").json() == []


def test_the_scheduler_is_a_job(ctl: Airflowctl) -> None:
    (job,) = ctl("jobs", "list", "--is-alive", "--job-type", "SchedulerJob").json()
    assert (job["state"], job["end_date"]) == ("running", None)
    assert ctl("jobs", "list", "--hostname", "elsewhere").json() == []


@pytest.mark.parametrize(
    "command",
    [
        "assets list",
        "plugins list",
        "plugins list-import-errors",
        "providers list",
        "dags list-warning",
        "dags list-import-errors",
    ],
)
def test_what_there_is_none_of_is_an_empty_list(ctl: Airflowctl, command: str) -> None:
    assert ctl(*command.split()).json() == []


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("connections create-defaults", "/connections/defaults"),
        ("connections test --connection-id a --conn-type http", "/connections/test"),
        ("dags get-import-error 1", "/importErrors/1"),
    ],
)
def test_what_is_not_here_is_told_by_status_and_address(ctl: Airflowctl, url: str, command: str, path: str) -> None:
    refused = ctl(*command.split())
    assert refused.exit_code == 1
    assert f"Server error '501 NOT IMPLEMENTED' for url '{url}/api/v2{path}" in refused.errors


def test_a_command_tries_again_while_the_database_is_away(ctl: Airflowctl, server: Server) -> None:
    with closing(sqlite3.connect(server.home / "mainspring.db", timeout=30)) as database, ThreadPoolExecutor() as aside:
        database.execute("ALTER TABLE variable RENAME TO variable_away")
        tries = {"AIRFLOW_CLI_API_RETRIES": "9"}
        created = aside.submit(ctl.alone, "variables", "create", "--key", "late", "--value", "1", **tries)
        try:
            until(lambda: "no such table: variable" in server.errors(), "a try that the server refused")
        finally:
            database.execute("ALTER TABLE variable_away RENAME TO variable")
        assert created.result().json()[0]["value"] == "1"
    ctl("variables", "delete", "late").json()


def ended(ctl: Airflowctl, dag_id: str, run_id: str) -> dict[str, str]:
    """The run once it is over, as the command shows it."""
    shown: list[dict[str, str]] = []

    def is_over() -> bool:
        shown[:] = ctl("dagrun", "get", dag_id, run_id).json()
        return shown[0]["state"] in ("success", "failed")

    until(is_over, f"the end of {run_id}")
    return shown[0]


def fell_over_its_printing(answer: Answer) -> bool:
    """The command asked, read what was answered and then fell: it has forgotten that these commands print something."""
    return "'Namespace' object has no attribute 'output'" in answer.errors


def listed_runs(ctl: Airflowctl, *filters: str) -> list[str]:
    # Without `--limit` the command sends an empty one.
    (page,) = ctl("dagrun", "list", *filters).json()
    return [run["dag_run_id"] for run in page["dag_runs"]]
