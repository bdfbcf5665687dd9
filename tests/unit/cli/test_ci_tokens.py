"""The OIDC token of the CI system that a command runs in."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from mainspring_cli.client.ci_tokens import ci_token
from mainspring_cli.client.exits import Unreachable
from mainspring_cli.client.session import Session
from mainspring_cli.commands.login import login
from mainspring_cli.config import ConfigError

GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://github.test/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s"}


def answering(monkeypatch: pytest.MonkeyPatch, handler: Callable[[httpx.Request], httpx.Response]) -> None:
    client = httpx.Client(transport=httpx.MockTransport(handler))
    monkeypatch.setattr(httpx, "get", client.get)


def test_github_is_asked_for_a_token_of_the_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    def github(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://github.test/token?v=1&audience=https%3A%2F%2Fflows.example.test"
        assert request.headers["Authorization"] == "Bearer s"
        return httpx.Response(200, json={"value": "a.b.c"})

    answering(monkeypatch, github)
    assert ci_token(GITHUB, audience="https://flows.example.test") == "a.b.c"


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(200, text="no"), httpx.Response(200, json=[])])
def test_an_answer_without_a_token(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response) -> None:
    answering(monkeypatch, lambda request: answer)
    with pytest.raises(Unreachable, match="GitHub gave no token"):
        ci_token(GITHUB, audience="x")


def test_a_token_of_the_environment_wins() -> None:
    assert ci_token({"MAINSPRING_OIDC_TOKEN": " a.b.c\n", **GITHUB}, audience="x") == "a.b.c"


def test_without_a_token_the_cure_is_named() -> None:
    with pytest.raises(ConfigError, match="id-token: write"):
        ci_token({}, audience="x")


def test_the_runner_of_github_hides_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(session: Session, operation: Any, **options: Any) -> Any:
        assert session.server.url == "https://flows.example.test"
        assert options["body"]["subject_token"] == "a.b.c"
        return {"access_token": "eyJ.x.y", "token_type": "Bearer", "expires_in": 900}

    monkeypatch.setattr(Session, "call", call)
    environment = {
        "MAINSPRING_URL": "https://flows.example.test",
        "MAINSPRING_OIDC_TOKEN": "a.b.c",
        "GITHUB_ACTIONS": "true",
    }
    made = CliRunner().invoke(login, ["--exchange"], env=environment)
    assert (made.exit_code, made.stdout, made.stderr) == (0, "eyJ.x.y\n", "::add-mask::eyJ.x.y\n")


@pytest.mark.parametrize("arguments", [[], ["--page", "--exchange"]])
def test_one_of_both_is_asked_for(arguments: list[str]) -> None:
    assert CliRunner().invoke(login, arguments).exit_code == 2
