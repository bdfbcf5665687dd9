"""The built distributions, each installed in an environment with nothing else."""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.services.environment import child_environment

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 300


def run(
    command: Sequence[str | Path], *, folder: Path = ROOT, seconds: float = SECONDS_MAX, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a program in a minimal environment. The caller looks at the exit code."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder, env=child_environment(**variables), capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip


def run_well(command: Sequence[str | Path], *, folder: Path = ROOT, **variables: str) -> str:
    """The output of a program that must succeed."""
    ended = run(command, folder=folder, **variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of the server and of the client."""
    folder = tmp_path_factory.mktemp("dist")
    for source in (ROOT, ROOT / "clients" / "python"):
        run_well([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], folder=source)
    return folder


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of the lock, for an installation that chooses what it needs."""
    pins = re.findall(r"^[a-z0-9.-]+==\S+(?: ; [^\\\n]+)?", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    file.write_text("\n".join(pins) + "\n")
    return file


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory, dist: Path, constraints: Path) -> Callable[[str], Path]:
    """Installs a requirement with the built wheels in a new environment; returns the folder of its programs."""
    made: dict[str, Path] = {}

    def installed(requirement: str) -> Path:
        if requirement not in made:
            folder = tmp_path_factory.mktemp("environment")
            venv.create(folder, with_pip=True)
            # The configuration of the machine leads pip to the index, so the variables of pip are kept.
            index = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
            run_well(
                [folder / "bin" / "pip", "install", "-q", "--find-links", dist, "-c", constraints, requirement], **index
            )
            made[requirement] = folder / "bin"
        return made[requirement]

    return installed
