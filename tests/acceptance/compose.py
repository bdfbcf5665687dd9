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


class _Loader(yaml.SafeLoader):
    """Knows the tag by which a file of compose takes a value of an earlier file away."""


_RESET = object()
_Loader.add_constructor("!reset", lambda loader, node: _RESET)


def read_compose(variables: Mapping[str, str], *overlays: str) -> Any:
    """compose.yaml with its variables filled in and the overlays taken in, as `docker compose` does.

    Raises:
        KeyError: for a variable that must be set.
    """
    document = _read("compose.yaml", variables)
    services = document["services"]
    for overlay in overlays:
        changes = _read(overlay, variables)
        for service in changes["services"].values():
            if "extends" in service:
                base = services[service.pop("extends")["service"]]
                service.update(_merged(base, dict(service)))
        document = _merged(document, changes)
    return document


def _read(name: str, variables: Mapping[str, str]) -> Any:
    def fill(match: re.Match[str]) -> str:
        value = variables.get(match["name"], "")
        if match["rule"] == ":?" and not value:
            raise KeyError(match["name"])
        return value or (match["rest"] if match["rule"] == ":-" else "")

    pattern = r"\$\{(?P<name>\w+)(?:(?P<rule>:\?|:-)(?P<rest>[^}]*))?\}"
    return yaml.load(re.sub(pattern, fill, (DOCKER / name).read_text()), _Loader)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        if value is _RESET:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(base.get(key) or {}, value)
        elif isinstance(value, list):
            merged[key] = [*base.get(key, ()), *(each for each in value if each not in base.get(key, ()))]
        else:
            merged[key] = value
    return merged


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
