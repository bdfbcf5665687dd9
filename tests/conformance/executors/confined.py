"""Runs a test again in a process of its own, where this machine is smaller: a small disk, or a limit of processes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.environment import child_environment

__all__ = ["is_inside", "run_with_a_limit_of_processes", "run_with_own_mounts"]

_INSIDE = "MAINSPRING_TEST_CONFINED"
_SECONDS_MAX = 180
_ROOT = Path(__file__).resolve().parents[3]


def is_inside() -> bool:
    """Whether this is the second run."""
    return _INSIDE in os.environ


def run_with_own_mounts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In a mount namespace, so that the test can mount a small disk. Skips where this is not allowed."""
    _run(request, tmp_path, "unshare", "--mount", "--propagation", "private", "--")


def run_with_a_limit_of_processes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As another user that may read everything: root is exempt from RLIMIT_NPROC. Skips where this is not allowed."""
    rights = "+dac_override,+dac_read_search"
    identity = ("--reuid=65534", "--regid=65534", "--clear-groups")
    _run(request, tmp_path, "setpriv", *identity, f"--inh-caps={rights}", f"--ambient-caps={rights}")


def _run(request: pytest.FixtureRequest, tmp_path: Path, program: str, *arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"needs root, to confine a process with {program}")
    if (
        shutil.which(program) is None
        or subprocess.run([program, *arguments, "true"], env=child_environment(), capture_output=True).returncode
    ):
        pytest.skip(f"{program} is missing or not allowed here")
    test = f"{request.node.path}::{request.node.name}"
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={tmp_path / 'inside'}")
    ended = subprocess.run(
        [program, *arguments, sys.executable, "-m", "pytest", *options, test],
        cwd=_ROOT, env=child_environment(**{_INSIDE: "1"}), capture_output=True, text=True, timeout=_SECONDS_MAX,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout, ended.stdout
