"""The page in a real Chromium against a real server with real runs: one server and one browser for all scenarios."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.acceptance.server import Server, started, until
from tests.services.environment import child_environment
from ui import tool

Scenario = Callable[[str], None]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
DAGS = (
    """
dag_id: page_works
tasks: {greet: {type: shell, command: [echo, hello]}}
""",
    """
dag_id: page_night
tasks: {dark: {type: shell, command: [sh, -c, "echo begin; echo 'Error: night falls' >&2; exit 3"]}}
""",
    """
dag_id: page_live
tasks: {greet: {type: shell, command: [echo, hello]}}
""",
    """
dag_id: page_fails
tags: [sales]
schedule: {cron: "30 2 * * *", timezone: Asia/Seoul}
tasks:
  extract: {type: shell, command: [echo, "250 rows"]}
  load: {type: shell, command: [sh, -c, "echo 'Error: disk is full' >&2; exit 3"], depends_on: [extract]}
  report: {type: shell, command: ["true"], depends_on: [load]}
""",
    """
dag_id: page_params
params: {type: object, properties: {rows: {type: integer, maximum: 100, default: 5}}}
tasks: {greet: {type: shell, command: ["true"]}}
""",
    f"""
dag_id: page_hostile
description: "{HOSTILE}"
tags: ["'><b>x</b>"]
tasks: {{greet: {{type: shell, command: ["true"], doc_md: "{HOSTILE}"}}}}
""",
    """
dag_id: page_asks
tasks: {confirm: {type: approval, message: "Pay out?"}}
""",
)


def chromium() -> str:
    """Skips a test where there is no Chromium; fails it in CI, which installs the browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("there is no Chromium on this machine: apt-get install chromium fonts-noto-cjk")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("page") / "home", allowed_hosts="page.test") as server:
        for source in DAGS:
            server.put_dag(source)
        runs = [server.trigger("page_works"), server.trigger("page_fails")]
        for run in runs:
            until(lambda run=run: server.client.get(run)["state"] in ("success", "failed"), run)  # type: ignore[misc]
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator["subprocess.Popen[bytes]"]:
    path = chromium()
    tool.install()
    driver = subprocess.Popen(
        [tool.locked_node(), Path(__file__).with_name("driver.mjs")],
        env=child_environment(UI=str(tool.UI), CHROMIUM=path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert driver.stdin is not None
    assert driver.stdout is not None
    try:
        yield driver
    finally:
        driver.stdin.close()
        try:
            driver.wait(20)
        except subprocess.TimeoutExpired:
            driver.kill()
            driver.wait()
        driver.stdout.close()


@pytest.fixture
def play(page_server: Server, browser: "subprocess.Popen[bytes]", tmp_path: Path) -> Scenario:
    """Plays a scenario of scenarios.mjs; fails with its error. A screenshot of the failure is in `tmp_path`."""
    return player(page_server, browser, tmp_path)


def player(server: Server, browser: "subprocess.Popen[bytes]", folder: Path, **members: Any) -> Scenario:
    """Plays scenarios against a server. folder: for screenshots. members: further ones of the scenario's `task`."""
    body = {"name": f"viewer-{folder.name}", "role": "viewer"}
    viewer: Mapping[str, Any] = server.client.post("/tokens", body)

    def play(name: str) -> None:
        task = {
            "scenario": name,
            "url": server.client.url.removesuffix("/api/v2"),
            "token": server.client.token,
            "viewer": viewer["token"],
            "folder": str(folder),
            **members,
        }
        assert browser.stdin is not None
        assert browser.stdout is not None
        browser.stdin.write(orjson.dumps(task) + b"\n")
        browser.stdin.flush()
        answer = orjson.loads(browser.stdout.readline() or b'{"error": "the browser ended"}')
        assert "error" not in answer, answer["error"]

    return play
