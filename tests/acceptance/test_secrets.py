"""A secret goes to the task that names it, and to no other place."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.server import Server, cmdline_of, descendants, started, until
from tests.services.environment import child_environment

CANARY = "kanarienvogel-4711"
PRINTING = """
dag_id: printing
tasks:
  show:
    type: shell
    env: {TOKEN: {secret: token}, GATE: "${{ params.gate }}"}
    script: |
      echo "the token is $TOKEN"; printf %s "$TOKEN" | base64; env
      while [ ! -e "$GATE" ]; do sleep 0.05; done
      echo "length=${#TOKEN}" >> "$MAINSPRING_OUTPUT"
      exit 3
"""

ATTACKS = """
dag_id: attacks
params: {type: object, properties: {x: {}}}
tasks:
  made: {type: shell, script: "true"}
  ask: {type: approval, depends_on: [made], message: "Go on?"}
  from_params: {type: shell, executor: EXECUTOR, env: {X: "${{ params.x }}"}, script: 'echo "x is $X"'}
  built: {type: shell, executor: EXECUTOR, env: {X: "${{ {'secret': 'victim'} }}"}, script: 'echo "x is $X"'}
  from_output:
    type: shell
    executor: EXECUTOR
    depends_on: [made, ask]
    env: {X: "${{ tasks.made.outputs.x }}", Y: {secret: mine}}
    script: 'echo "x is $X"'
  header:
    type: http
    executor: EXECUTOR
    url: http://127.0.0.1:1/
    headers: {X: "${{ params.x }}"}
  literal: {type: shell, executor: EXECUTOR, env: {X: {secret: mine}}, script: '[ "$X" = "a value of mine" ]'}
"""


def _files(*folders: Path) -> bytes:
    found = (Path(path) / name for folder in folders for path, _, names in os.walk(folder) for name in names)
    return b"".join(each.read_bytes() for each in found if each.is_file())


def test_a_printed_secret_is_found_nowhere_but_in_its_task(server: Server, tmp_path: Path) -> None:
    server.client.put_json("/secrets/token", {"value": CANARY})
    server.put_dag(PRINTING)
    gate = tmp_path / "gate"
    path = server.trigger("printing", {"gate": str(gate)})
    until(lambda: server.instances(path)["show"]["state"] == "running", "the task runs")
    until(lambda: "the token is" in server.log(path, "show"), "the task printed its secret")
    lines = [cmdline_of(pid) for pid in descendants(server.process.pid)]
    gate.touch()

    assert server.wait(path)["state"] == "failed"
    log = server.log(path, "show")
    assert "the token is ***" in log
    assert "MAINSPRING_SECRET_KEYS" not in log
    answers = [str(server.client.get(each)) for each in (path, f"{path}/taskInstances", "/dags/printing/definition")]
    assert not any(CANARY in text for text in (log, *lines, *answers, server.errors()))
    assert CANARY.encode() not in _files(tmp_path)


@pytest.mark.parametrize("executor", ["thread", "local", "rq"])
def test_no_expression_opens_a_secret_on_any_executor(tmp_path: Path, valkey_url: str, executor: str) -> None:
    settings = {"executor": executor, "redis_url": valkey_url, "execution_port": "0"}
    with started(tmp_path / "home", **settings) as server:
        server.client.put_json("/secrets/victim", {"value": CANARY})
        server.client.put_json("/secrets/mine", {"value": "a value of mine"})
        server.put_dag(ATTACKS.replace("EXECUTOR", executor))
        path = server.trigger("attacks", {"x": {"secret": "victim"}})
        until(lambda: server.client.get("/approvals")["total_entries"] == 1, "the question")
        entry = {"key": "x", "value": {"secret": "victim"}}
        server.client.post(f"{path}/taskInstances/made/xcomEntries", entry)
        server.client.post(f"{path}/taskInstances/ask/approval", {"choice": "approve"})
        assert server.wait(path)["state"] == "failed"
        instances = server.instances(path)
        for task_id in ("from_params", "built", "from_output", "header"):
            assert (instances[task_id]["state"], instances[task_id]["state_reason"]) == ("failed", "expression_error")
            assert instances[task_id]["try_number"] == 1
            assert CANARY not in server.log(path, task_id)
        assert instances["literal"]["state"] == "success"


def test_keys_are_rotated_while_the_service_runs(tmp_path: Path) -> None:
    using = PRINTING.replace("exit 3", "exit 0").replace("printing", "using")
    (tmp_path / "gate").touch()
    with started(tmp_path / "home") as server:
        server.client.put_json("/secrets/token", {"value": CANARY})
        server.put_dag(using)
        keys = (tmp_path / "home" / "secret-keys").read_text().split()
        rotated = subprocess.run(
            [sys.executable, "-m", "mainspring_cli", "secrets", "rotate-keys", "--home", str(tmp_path / "home")],
            env=child_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert rotated.stdout == "1 secrets are encrypted under the newest key\n"
        assert (tmp_path / "home" / "secret-keys").read_text().split()[1:] == keys
        path = server.trigger("using", {"gate": str(tmp_path / "gate")})
        assert server.wait(path)["state"] == "success", server.errors()


def test_services_with_keys_of_their_own_settings_keep_no_key_file(tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    with started(tmp_path / "home", secret_keys=Fernet.generate_key().decode()) as server:
        server.client.put_json("/secrets/token", {"value": CANARY})
        server.put_dag(PRINTING)
        path = server.trigger("printing", {"gate": str(tmp_path / "gate")})
        server.wait(path)
        log = server.log(path, "show")
    assert "the token is ***" in log
    assert "MAINSPRING_SECRET_KEYS" not in log
    assert not (tmp_path / "home" / "secret-keys").exists()


def test_nothing_that_lets_anybody_in_is_found_in_any_file(tmp_path: Path) -> None:
    """The values as they were written or answered: in the database, its journal, logs and whatever else is kept."""
    password, wrong, key = f"{CANARY}-password", f"{CANARY}-wrong", f"{CANARY}-key"
    home = tmp_path / "home"
    with started(home) as server:
        server.client.put_json("/secrets/token", {"value": CANARY})
        server.client.post("/users", {"username": "anna", "password": password, "role": "viewer"})
        made = _answer(server, "/api/v2/tokens", {"name": "ci", "role": "viewer"}, {"Idempotency-Key": key})
        login = _answer(server, "/auth/token", {"username": "anna", "password": password})
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            _answer(server, "/auth/token", {"username": "anna", "password": wrong})
        refused.value.close()
        shown = server.errors()
        kept = _files(home)
    kept += _files(home)
    assert b"anna" in kept
    for value in (CANARY, password, wrong, key, made["token"], login["access_token"]):
        assert value.encode() not in kept
        assert value not in shown


def _answer(server: Server, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        server.client.url.removesuffix("/api/v2") + path,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {server.client.token}",
            "Content-Type": "application/json",
            **(headers or {}),
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
