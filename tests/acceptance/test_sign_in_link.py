"""The link that logs a browser in: printed to a terminal alone, and by `mainspring login --page`."""

import json
import os
import pty
import re
import urllib.request
from urllib.error import HTTPError

import pytest

from mainspring_cli.services import page_announcement
from tests.acceptance.cli import Command
from tests.acceptance.server import Server

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/login#code=([A-Za-z0-9_-]{43})")


def opened(link: str) -> tuple[int, str]:
    """Status and cookie of the login that the page makes of the link."""
    match = LINK.search(link)
    assert match is not None, link
    request = urllib.request.Request(
        f"{match[1]}/auth/session",
        data=json.dumps({"code": match[2]}).encode(),
        headers={"Content-Type": "application/json", "Origin": match[1], "X-Mainspring-Page": "1"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Set-Cookie"]
    except HTTPError as exc:
        return exc.code, ""


def test_the_command_makes_a_link_that_logs_in_once(mainspring: Command) -> None:
    made = mainspring("login", "--page")
    assert (made.returncode, "10 minutes" in made.stderr) == (0, True)
    status, cookie = opened(made.stdout)
    assert (status, cookie.startswith("mainspring=")) == (204, True)
    assert opened(made.stdout)[0] == 401


def test_a_server_on_a_terminal_prints_a_link(shared_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    started: list[object] = []
    real = page_announcement.subprocess.Popen
    monkeypatch.setattr(
        page_announcement.subprocess,
        "Popen",
        lambda command, **options: started.append(real(command, stdout=slave, **options)),
    )
    page_announcement.announce_page(shared_server.client.url.removesuffix("/api/v2"), shared_server.home)
    with os.fdopen(master, encoding="utf-8") as terminal:
        line = terminal.readline()
    os.close(slave)
    assert opened(line)[0] == 204
    [process] = started
    process.wait(30)  # type: ignore[attr-defined]
