"""Airflow's own command line, `airflowctl`, as its users run it: in an environment of its own, against one server."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.generate import tool_environment
from tests.services.environment import child_environment

__all__ = ["Airflowctl", "Answer", "airflowctl"]

_LOCK = "airflowctl.lock"
_LOOP = Path(__file__).with_name("command_loop.py")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one command ended."""

    exit_code: int
    output: str
    errors: str

    def json(self) -> Any:
        """What the command printed as JSON, in its last line; every value in it is a string, a list, a dict or None."""
        assert self.exit_code == 0, f"{self.output}\n{self.errors}"
        return json.loads(self.output.splitlines()[-1])


@dataclass(frozen=True, kw_only=True)
class Airflowctl:
    """Runs commands in a folder of their own, where they keep what they are logged in with."""

    folder: Path
    environment: dict[str, str]
    many: subprocess.Popen[str]

    def __call__(self, *arguments: str) -> Answer:
        """Run a command in a process that lives on: loading the command takes longer than what is asked of it."""
        assert self.many.stdin is not None
        assert self.many.stdout is not None
        self.many.stdin.write(json.dumps(arguments) + "\n")
        self.many.stdin.flush()
        return Answer(**json.loads(self.many.stdout.readline()))

    def alone(self, *arguments: str, **environment: str) -> Answer:
        """Run a command in a process of its own, as a shell does."""
        ended = subprocess.run(
            [tool_environment(_LOCK) / "bin" / "airflowctl", *arguments],
            env=self.environment | environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Answer(exit_code=ended.returncode, output=ended.stdout, errors=ended.stderr)

    def file(self, name: str, content: Any) -> str:
        """A JSON file for a command to read; returns its path."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)


@contextmanager
def airflowctl(folder: Path) -> Iterator[Airflowctl]:
    """The command, not logged in; installed first where it is not there yet."""
    folder.mkdir(exist_ok=True)
    environment = child_environment() | {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW_CLI_DEBUG_MODE": "true",  # keeps the token in a file: there is no keyring here
        "AIRFLOW_CLI_API_RETRIES": "1",
        "COLUMNS": "1000",  # of the terminal, so that no message is broken
    }
    process = subprocess.Popen(
        [tool_environment(_LOCK) / "bin" / "python", "-I", _LOOP, "airflowctl"],
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Airflowctl(folder=folder, environment=environment, many=process)
    finally:
        process.kill()
        process.communicate()
