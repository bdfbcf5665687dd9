"""Print a link that logs a browser in, once the API answers. A process of its own: a supervisor has a single thread."""

import os
import subprocess
import sys
import time
from pathlib import Path

from mainspring_api.http.credential_files import admin_token_path
from mainspring_cli.client.page_links import page_link
from mainspring_cli.client.plain_client import ApiError, Client

__all__ = ["announce_page", "sign_in_link"]

_WAIT_SECONDS_MAX = 60.0
_PAUSE_SECONDS = 0.2


def announce_page(url: str, home: Path) -> None:
    """Start a process that prints the link to the standard output, and return at once.

    url: address of the server, without a path. home: the folder with the token of the administrator.
    """
    names = ("ADMIN_TOKEN", "ADMIN_PASSWORD", "MIGRATOR_DATABASE_URL", "DATABASE_URL")
    hidden = {f"MAINSPRING_{name}" for name in names}
    subprocess.Popen(
        [sys.executable, "-m", "mainspring_cli.services.page_announcement", url, str(home)],
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def sign_in_link(url: str, home: Path) -> str:
    """A link that is valid once and for 10 minutes. Raises ApiError when the server makes none."""
    token = admin_token_path(home).read_text(encoding="ascii").strip()
    made = Client(url=url, token=token).post("/auth/sessionCode", {})
    return page_link(url, made["code"])


def _main(url: str, home: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            link = sign_in_link(url, home)
        except (ApiError, OSError):
            time.sleep(_PAUSE_SECONDS)
            continue
        print(f"Log in with one click, within 10 minutes: {link}", flush=True)
        return


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
