"""The code of the previous release, beside which this version must work: a rolling upgrade runs both for a while."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.services.environment import child_environment

__all__ = ["PREVIOUS_COMMIT", "PREVIOUS_REVISION", "previous_version"]

PREVIOUS_COMMIT = "0cb4f5ec1752ed512be7c0c89bfd63044320b374"
"""The first build of version 0.2.0. At each release, name the commit of the release before it."""
PREVIOUS_REVISION = "0020"
"""The tables of that version."""

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("core", "store", "executors", "scheduler", "api", "testing", "cli")


def previous_version() -> str:
    """A PYTHONPATH with the packages of the previous release, unpacked once into the cache folder of the user.

    The test is skipped where there is no history: in a shallow clone, and in a copy without Git.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mainspring" / "versions"
    folder = cache / PREVIOUS_COMMIT
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _unpack(cache, folder)
    return os.pathsep.join(str(folder / package) for package in _PACKAGES)


def _unpack(cache: Path, folder: Path) -> None:
    """Processes that do this at the same time each unpack, and the first one's folder stays."""
    try:
        is_shallow = _git("rev-parse", "--is-shallow-repository").strip() == b"true"
    except (FileNotFoundError, subprocess.CalledProcessError) as exc:
        pytest.skip(f"the code of the previous release comes from Git, which fails here: {exc}")
    if is_shallow:
        pytest.skip(f"this clone is shallow; the commit of the previous release is {PREVIOUS_COMMIT}")
    packed = _git("archive", "--format=tar", PREVIOUS_COMMIT, *_PACKAGES)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        unpacked = Path(temporary) / "code"
        unpacked.mkdir()
        subprocess.run(["tar", "-x", "-C", str(unpacked)], input=packed, env=child_environment(), check=True)
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(_ROOT), *arguments], env=child_environment(), capture_output=True, check=True
    ).stdout
