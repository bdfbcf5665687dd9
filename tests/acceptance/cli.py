"""The `mainspring` command as a user or a pipeline runs it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.server import Server
from tests.services.environment import child_environment

__all__ = ["Command", "command_for"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """Runs commands against one server, in a folder of its own."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line(*arguments),
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
        )

    def json(self, *arguments: str) -> Any:
        """What a command that succeeds prints as JSON."""
        answer = self(*arguments, "-o", "json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.line(*arguments),
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def save(self, dag_id: str, source: str) -> None:
        """Save a DAG from its YAML without `dag_id`."""
        path = self.folder / f"{dag_id}.yaml"
        path.write_text(source)
        answer = self("dags", "apply", str(path))
        assert answer.returncode == 0, answer.stderr

    @staticmethod
    def line(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "mainspring_cli", *arguments]


def command_for(server: Server, folder: Path) -> Command:
    environment = child_environment(
        MAINSPRING_URL=server.client.url, MAINSPRING_TOKEN=server.client.token, HOME=str(folder)
    )
    return Command(environment=environment, folder=folder)
