"""People and pipelines with an identity provider: a whole server, a real provider, and the command line."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.acceptance.cli import Command
from tests.acceptance.server import Server, started
from tests.services.environment import child_environment
from tests.services.oidc import real_provider

PUBLIC_URL = "http://localhost:18080"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider(
        anna={"groups": ["data"], "preferred_username": "Anna Kim"}, job={"repository": "acme/flows"}
    ) as url:
        yield url


@pytest.fixture(scope="module")
def server(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    rule = {"name": "flows", "issuer": issuer, "audience": "ci", "claims": {"repository": "acme/*"}, "role": "operator"}
    settings = {
        "oidc_issuer": issuer,
        "oidc_client_id": "mainspring",
        "oidc_client_secret": "s3cret-of-the-client",
        "oidc_groups": json.dumps({"data": {"role": "viewer"}}),
        "public_url": PUBLIC_URL,
        "token_exchange": json.dumps([rule]),
    }
    with started(tmp_path_factory.mktemp("server") / "home", **settings) as running:
        yield running


def ci_token(issuer: str) -> str:
    """A token of the provider for a job."""
    query = {"response_type": "code", "client_id": "ci", "redirect_uri": PUBLIC_URL, "scope": "openid", "nonce": "n"}
    back = httpx.post(f"{issuer}/oauth2/authorize", params=query, data={"sub": "job"}, timeout=60).headers["Location"]
    form = {"grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0]}
    answer = httpx.post(
        f"{issuer}/oauth2/token", data={**form, "redirect_uri": PUBLIC_URL}, auth=("ci", "x"), timeout=60
    )
    return str(answer.json()["id_token"])


def url_of(server: Server) -> str:
    return server.client.url.removesuffix("/api/v2")


def exchange(server: Server, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        Command.line("login", "--exchange"),
        env=child_environment(MAINSPRING_URL=url_of(server), **variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_person_logs_in_with_the_provider(server: Server, issuer: str) -> None:
    with httpx.Client(base_url=url_of(server), timeout=60) as browser:
        answer = browser.get("/auth/oidc/login", params={"next": "/runs"})
        back = httpx.post(answer.headers["Location"], data={"sub": "anna"}, timeout=60).headers["Location"]
        assert back.startswith(f"{PUBLIC_URL}/auth/oidc/callback?")
        assert browser.get(back.removeprefix(PUBLIC_URL)).headers["Location"] == "/runs"
        me = browser.get("/api/v2/me").json()
    assert (me["name"], me["rights"]) == ("Anna_Kim", [{"role": "viewer", "grants": []}])


def test_a_job_exchanges_its_token_by_the_command(server: Server, issuer: str, tmp_path: Path) -> None:
    shown = ci_token(issuer)
    made = exchange(server, MAINSPRING_OIDC_TOKEN=shown)
    assert (made.returncode, made.stderr) == (0, "")
    token = made.stdout.strip()
    environment = child_environment(MAINSPRING_URL=url_of(server), MAINSPRING_TOKEN=token)
    assert Command(environment=environment, folder=tmp_path).json("dags", "list") == []
    replayed = exchange(server, MAINSPRING_OIDC_TOKEN=shown)
    assert (replayed.returncode, "exchanged already" in replayed.stderr) == (6, True)
    nothing = exchange(server)
    assert (nothing.returncode, "id-token: write" in nothing.stderr) == (78, True)


def test_no_secret_of_the_provider_is_logged_or_kept(server: Server, issuer: str) -> None:
    facts = httpx.get(
        f"{url_of(server)}/ready", headers={"Authorization": f"Bearer {server.client.token}"}, timeout=60
    ).json()["security"]
    assert f"people log in with {issuer}" in facts["authentication"]
    kept = b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file())
    assert b"s3cret-of-the-client" not in kept
