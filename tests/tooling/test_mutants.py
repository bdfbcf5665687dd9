"""Every mutant applies to the code as it is and names tests that exist."""

import subprocess
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, Mutant
from tests.services.environment import child_environment


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "mutants" / "patches").glob("*.patch")), ids=lambda path: path.stem
)
def test_a_mutant_applies_and_names_tests_that_exist(path: Path) -> None:
    applied = subprocess.run(
        ["git", "apply", "--check", path], env=child_environment(), cwd=ROOT, capture_output=True, text=True
    )
    assert applied.returncode == 0, applied.stderr
    mutant = Mutant.read(path)
    assert mutant.what.endswith(".")
    places = [one.partition("::")[0] for one in mutant.tests if one.startswith("tests/")]
    assert places
    assert all((ROOT / place).exists() for place in places)
