"""The script that sets the environment up, and the lock files it installs from."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

from tests.services.environment import child_environment

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture
def dev() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _pinned(lock: str) -> dict[str, str]:
    """Distribution -> pinned version."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))


def _required(group: str | None) -> set[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    lines = document["dependency-groups"][group] if group else project["dependencies"]
    extras = [] if group else chain.from_iterable(project["optional-dependencies"].values())
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in [*lines, *extras]} - {"mainspring-client"}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_files_name_no_index(lock: str) -> None:
    assert not re.search(r"://|--index|--find-links|--extra", (ROOT / lock).read_text())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    packages = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert [package for package in packages if "--hash=sha256:" not in package] == []


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    assert _required(None) | _required("build") <= _pinned("requirements.lock").keys()
    assert _required("dev") <= _pinned("requirements-dev.lock").keys()


def test_the_development_lock_holds_all_of_the_runtime_lock_at_the_same_versions() -> None:
    assert _pinned("requirements.lock").items() <= _pinned("requirements-dev.lock").items()


def test_an_unknown_command_is_named_beside_the_known_ones() -> None:
    answer = subprocess.run([ROOT / "dev", "tset"], env=child_environment(), capture_output=True, text=True)
    assert answer.returncode == 1
    assert "unknown command: tset" in answer.stderr
    assert "./dev test" in answer.stdout


COMMANDS = re.findall(
    r"^  ./dev (\w+)",
    subprocess.run([ROOT / "dev"], env=child_environment(), capture_output=True, text=True).stdout,
    re.M,
)


@pytest.mark.parametrize(("command", "option"), [(command, "--help") for command in COMMANDS] + [("bench", "-h")])
def test_help_explains_a_command_and_installs_and_writes_nothing(command: str, option: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "dev", tmp_path)
    for name in (*LOCKS, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    before = sorted(tmp_path.iterdir())
    answer = subprocess.run(
        [tmp_path / "dev", command, option], env=child_environment(), capture_output=True, text=True, cwd=tmp_path
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"./dev {command}: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"lint", "openapi", "setup", "lock"}))
def test_help_shows_the_options_of_a_command_that_has_its_own_and_runs_nothing(command: str) -> None:
    answer = subprocess.run([ROOT / "dev", command, "--help"], env=child_environment(), capture_output=True, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")
    explanation, usage, options = re.split(r"(?im)^(usage: )", answer.stdout)
    assert explanation.startswith(f"./dev {command}: ")
    assert all(line.startswith("  runs ") for line in explanation.splitlines()[1:])
    assert usage
    assert "-h" in options


def test_a_python_that_is_too_old_is_told_so(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "PYTHON_MIN", (3, 99))
    with pytest.raises(SystemExit) as ended:
        dev.require_python()
    assert ended.value.code == 1
    assert "needs Python 3.99 or newer; this is 3." in capsys.readouterr().err


def test_a_python_that_is_too_old_hands_over_to_a_newer_one_on_path(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "python3.19"
    newer.write_text("#!/bin/sh\n")
    newer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dev, "PYTHON_MIN", (3, 19))
    executed: list[list[str]] = []

    def record(_: str, line: list[str]) -> None:
        executed.append(line)
        raise SystemExit

    monkeypatch.setattr(os, "execv", record)
    monkeypatch.setattr(sys, "argv", ["./dev", "test", "-k", "x"])
    with pytest.raises(SystemExit):
        dev.require_python()
    assert executed == [[str(newer), str(ROOT / "dev"), "test", "-k", "x"]]


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_the_environment_is_made_again_when_what_it_follows_from_has_changed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    for name in (*LOCKS, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    installed: list[str] = []
    monkeypatch.setattr(dev, "ROOT", str(tmp_path))
    monkeypatch.setattr(dev, "STAMP", str(tmp_path / ".venv" / "stamp"))
    for installer in ("install_with_uv", "install_with_pip"):
        monkeypatch.setattr(dev, installer, installed.append)

    dev.install("requirements.lock")
    dev.install("requirements.lock")
    assert installed == ["requirements.lock"]

    with (tmp_path / changed).open("a") as file:
        file.write("# changed\n")
    dev.install("requirements.lock")
    assert installed == ["requirements.lock"] * 2


def test_the_development_environment_serves_for_running_too(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(dev, "STAMP", str(tmp_path / "stamp"))
    for installer in ("install_with_uv", "install_with_pip"):
        monkeypatch.setattr(dev, installer, installed.append)
    monkeypatch.setattr(dev, "compile_packages", lambda: None)

    dev.install("requirements-dev.lock")
    dev.install("requirements.lock")

    assert installed == ["requirements-dev.lock"]


def test_no_tests_is_a_failure_of_the_test_command(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env=child_environment(),
        capture_output=True,
        cwd=ROOT,
    )
    assert answer.returncode != 0
