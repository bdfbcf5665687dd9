"""The other versions of Python that pyproject.toml names, where they are installed: the example, and tests."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packages.conftest import ROOT, run, run_well

MINORS = range(12, 15)
TESTS = (
    "tests/unit/executors",
    "tests/unit/clients",
    "tests/unit/core/test_expressions.py",
    "tests/unit/core/test_timetables.py",
    "tests/conformance/executors/test_protocol.py",
    "tests/conformance/executors/test_outputs.py",
    "tests/conformance/executors/test_outcomes.py",
)
"""What depends on the version: processes and threads, the reading of texts, addresses, event loops, time zones."""
TESTS_MIN = 1_000
SECONDS_MAX = 420


def interpreter(minor: int) -> Path:
    """A Python 3.`minor` of this machine: on PATH, or beside the one that runs this test. Skips where there is none."""
    on_path = shutil.which(f"python3.{minor}")
    beside = sorted(Path(sys.base_prefix).parent.glob(f"*3.{minor}.*/bin/python3"))
    for candidate in (*([Path(on_path)] if on_path else []), *beside):
        if run([candidate, "-c", "import sys, venv; print(sys.version_info[1])"]).stdout.strip() == str(minor):
            return candidate
    pytest.skip(f"Python 3.{minor} is not installed")


@pytest.fixture(params=MINORS, ids=lambda minor: f"3.{minor}")
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The programs of a new environment of this version, without any package but pip."""
    run_well([interpreter(request.param), "-m", "venv", tmp_path / "environment"])
    return tmp_path / "environment" / "bin"


def test_every_version_that_is_named_is_tried() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = {int(minor) for minor in re.findall(r":: 3\.(\d+)", " ".join(classifiers))}
    assert named == {11, *MINORS}


@pytest.mark.timeout(SECONDS_MAX)
def test_the_example_and_the_tests_succeed(programs: Path, dist: Path, constraints: Path, tmp_path: Path) -> None:
    pip = [programs / "pip", "--disable-pip-version-check", "--quiet"]
    extras = ",".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    run_well([*pip, "install", "--find-links", dist, "--constraint", constraints, f"mainspring[{extras}]"])
    shown = run_well([programs / "mainspring", "demo"], folder=tmp_path, HOME=str(tmp_path))
    assert "State    success" in shown

    run_well([*pip, "install", "--no-deps", "--require-hashes", "-r", "requirements-dev.lock"])
    line = [programs / "python", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *TESTS]
    ended = run(line, seconds=SECONDS_MAX)
    assert ended.returncode == 0, ended.stdout[-8000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= TESTS_MIN
