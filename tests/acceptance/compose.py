"""compose.yaml and the script of its secrets, as Docker and an administrator use them."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.services.environment import child_environment

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent
OWN = ("migrate", "api", "execution-api", "scheduler", "worker")
RUNNING_TASKS = ("scheduler", "worker")
FILLED = {"MAINSPRING_ALLOWED_HOSTS": "flows.example.test"}
MOUNTED = "/run/secrets/"
"""Where a container finds its secrets, each in a file of its name."""
DAG = """
dag_id: diamond
tasks:
  first: {type: shell, command: [sleep, "0.2"]}
  left: {type: python, depends_on: [first], callable: "ours:double", args: [21]}
  right: {type: shell, depends_on: [first], command: [sleep, "0.3"]}
  last: {type: shell, depends_on: [left, right], command: ["true"]}
outputs: {n: "${{ tasks.left.outputs.return_value }}"}
"""


def read_compose(variables: Mapping[str, str]) -> Any:
    """compose.yaml with its variables filled in as `docker compose` does; `KeyError` for one that must be set."""

    def fill(match: re.Match[str]) -> str:
        value = variables.get(match["name"], "")
        if match["rule"] == ":?" and not value:
            raise KeyError(match["name"])
        return value or (match["rest"] if match["rule"] == ":-" else "")

    pattern = r"\$\{(?P<name>\w+)(?:(?P<rule>:\?|:-)(?P<rest>[^}]*))?\}"
    return yaml.safe_load(re.sub(pattern, fill, (DOCKER / "compose.yaml").read_text()))


def example() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def make_secrets(folder: Path, *queues: str) -> dict[str, str]:
    """Secret -> its value, made by the script as an administrator runs it."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "chgrp").symlink_to("/bin/true")  # only root can do this
    environment = child_environment(PATH=f"{tools}:{child_environment()['PATH']}")
    for _ in range(2):  # the second call keeps what is there
        made = {file.name: file.read_text() for file in (folder / "secrets").glob("*")}
        line = ["sh", DOCKER / "make-secrets.sh", folder / "secrets", *queues]
        subprocess.run(line, env=environment, check=True, capture_output=True)
    assert made == {file.name: file.read_text() for file in (folder / "secrets").glob("*")}
    return made
