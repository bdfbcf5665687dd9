"""The planted bugs fit the code as it is; `./dev planted`, which takes long, is not the first to tell."""

import subprocess
from pathlib import Path

import pytest

from tests.planted.__main__ import ROOT, Plant


@pytest.mark.parametrize("path", sorted((ROOT / "planted").glob("*.patch")), ids=lambda path: path.stem)
def test_a_planted_bug_applies_and_names_tests_that_exist(path: Path) -> None:
    applied = subprocess.run(["git", "apply", "--check", path], cwd=ROOT, capture_output=True, text=True)
    assert applied.returncode == 0, applied.stderr
    plant = Plant.read(path)
    assert plant.what.endswith(".")
    places = [one.partition("::")[0] for one in plant.tests if one.startswith("tests/")]
    assert places
    assert all((ROOT / place).exists() for place in places)
