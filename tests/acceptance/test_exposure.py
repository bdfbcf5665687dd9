"""Serving other machines: with a chosen token, behind TLS or a proxy."""

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.server import started, until
from tests.services.tls import self_signed


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path)


def _total_dags(url: str, token: str, *, context: ssl.SSLContext | None = None) -> int:
    request = urllib.request.Request(f"{url}/dags", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=context) as answer:
        total: int = json.load(answer)["total_entries"]
        return total


def test_tls_is_spoken_with_the_given_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    settings = {
        "tls_certificate": str(certificate[0]),
        "tls_key": str(certificate[1]),
        "admin_token": "chosen-by-us-2026",
    }
    with started(tmp_path / "home", host="0.0.0.0", **settings) as server:
        port = server.client.url.split(":")[2].split("/")[0]
        context = ssl.create_default_context(cafile=str(certificate[0]))
        assert server.client.url.startswith("https://")
        assert _total_dags(f"https://localhost:{port}/api/v2", "chosen-by-us-2026", context=context) == 0


def test_workers_beside_an_api_behind_tls_find_the_execution_api(
    tmp_path: Path, certificate: tuple[Path, Path], valkey_url: str
) -> None:
    settings = {
        "tls_certificate": str(certificate[0]),
        "tls_key": str(certificate[1]),
        "admin_token": "chosen-by-us-2026",
    }
    settings |= {"executor": "rq", "redis_url": valkey_url, "execution_port": "0"}
    with started(tmp_path / "home", **settings) as server:
        context = ssl.create_default_context(cafile=str(certificate[0]))
        url = server.client.url.replace("127.0.0.1", "localhost")
        until(lambda: _alive_workers(url, context=context) == 1, "the worker", deadline_seconds=30)


def _alive_workers(url: str, *, context: ssl.SSLContext) -> int:
    with urllib.request.urlopen(f"{url}/monitor/health", context=context) as answer:
        alive: int = json.load(answer)["worker"]["alive"]
        return alive


def test_behind_a_proxy_only_names_that_were_allowed_are_answered(tmp_path: Path) -> None:
    settings = {"behind_proxy": "true", "admin_token": "chosen-by-us-2026", "allowed_hosts": "flows.example.test"}
    with started(tmp_path / "home", host="0.0.0.0", **settings) as server:
        url = server.client.url.replace("0.0.0.0", "127.0.0.1")
        statuses = {}
        for name in ("flows.example.test", "evil.example.test"):
            headers = {"Authorization": "Bearer chosen-by-us-2026", "Host": name}
            try:
                with urllib.request.urlopen(urllib.request.Request(f"{url}/dags", headers=headers)) as answer:
                    statuses[name] = answer.status
            except urllib.error.HTTPError as refused:
                statuses[name] = refused.code
                refused.close()
    assert statuses == {"flows.example.test": 200, "evil.example.test": 400}


def test_a_token_of_the_settings_is_not_shown(tmp_path: Path) -> None:
    with started(tmp_path / "home", admin_token="chosen-by-us-2026") as server:
        assert _total_dags(server.client.url, "chosen-by-us-2026") == 0
        server.process.terminate()
        assert server.process.stdout is not None
        assert "chosen-by-us-2026" not in server.process.stdout.read() + server.errors()
