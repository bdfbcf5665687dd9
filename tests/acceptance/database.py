"""`mainspring db` as an administrator runs it."""

import subprocess
import sys
from pathlib import Path

from tests.services.environment import child_environment


def db(command: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`mainspring db upgrade` or `mainspring db check`."""
    given = {f"MAINSPRING_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "mainspring_cli", "db", command, "--home", str(home)],
        env=child_environment(**given),
        capture_output=True,
        text=True,
        timeout=60,
    )
