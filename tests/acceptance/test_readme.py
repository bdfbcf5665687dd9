"""The commands of the readme do what it says."""

import dataclasses
import json
import re
import subprocess
from pathlib import Path

from mainspring_cli.config import Config
from tests.acceptance.server import started
from tests.services.environment import child_environment

README = Path(__file__).parents[2] / "README.md"


def test_the_five_minutes_of_the_readme_work_as_written(tmp_path: Path) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", README.read_text(), flags=re.DOTALL)
    with started(tmp_path / ".mainspring") as server:
        address = server.client.url.removeprefix("http://").removesuffix("/api/v2")
        answer = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script.replace("127.0.0.1:8080", address)],
            env=child_environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        run = server.client.get("/dags/hello/dagRuns/first")
    assert run["state"] == "success"
    assert run["outputs"] == {"greeting": "Hello, reader!", "length": 14}
    assert "Hello, reader!" in answer.stdout


def test_every_dev_command_that_is_named_exists() -> None:
    answer = subprocess.run(
        [README.parent / "dev"], env=child_environment(), capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"^  \./dev (\w+)", answer.stdout, flags=re.MULTILINE))
    named = set(re.findall(r"\./dev (\w+)", README.read_text())) - {"alone"}
    assert {"demo", "test", "up"} <= named <= known


def test_every_file_that_is_linked_exists() -> None:
    documents = [README, *(README.parent / "docs").rglob("*.md")]
    broken = [
        f"{document.name}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        if not (document.parent / link).exists()
    ]
    assert broken == []


def test_the_demo_of_the_readme_shows_the_figures_of_the_demo() -> None:
    text = README.read_text()
    assert "units = 119.4 +6.48 per degree -1.69 per mm of rain +45.0 on weekends" in text
    assert json.loads("0.9068") == float(re.findall(r"r_squared = (\S+)", text)[0])


def test_every_setting_is_described() -> None:
    described = set(re.findall(r"`([a-z_]+)`", (README.parent / "docs" / "running.md").read_text()))
    assert {item.name for item in dataclasses.fields(Config)} <= described
