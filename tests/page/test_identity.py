"""Logging in on the page with an identity provider."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Server, started
from tests.page.conftest import player
from tests.services.oidc import real_provider
from tests.services.ports import free_port

DAG = """
dag_id: page_params
params: {type: object, properties: {rows: {type: integer, maximum: 100, default: 5}}}
tasks: {greet: {type: noop}}
"""
SOURCE = Path(__file__).with_name("login_scenarios.mjs").read_text(encoding="utf-8")
SCENARIOS = re.findall(r"^  async (\w+)\(", SOURCE, re.MULTILINE)


@pytest.fixture(scope="module")
def identity_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = str(free_port())
    with real_provider(anna={"groups": ["data"]}, bob={"groups": ["sales"]}) as issuer:
        settings = {
            "oidc_issuer": issuer,
            "oidc_client_id": "mainspring",
            "oidc_client_secret": "s3cret-of-the-client",
            "oidc_name": "Example",
            "oidc_groups": json.dumps({"data": {"role": "operator"}}),
            "public_url": f"http://127.0.0.1:{port}",
            "port": port,
        }
        with started(tmp_path_factory.mktemp("identity") / "home", **settings) as server:
            server.put_dag(DAG)
            yield server


@pytest.mark.page
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(identity_server: Server, browser: "subprocess.Popen[bytes]", tmp_path: Path, name: str) -> None:
    player(identity_server, browser, tmp_path)(name)
