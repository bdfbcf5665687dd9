"""Every mutant applies to the code as it is and names tests that exist."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, TABLE, Mutant
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


def test_each_mutant_has_one_row_in_the_table_and_none_elsewhere() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    table = TABLE.search(page)
    assert table is not None
    row = re.compile(r"^\| `([a-z0-9-]+)` \| ", re.MULTILINE)
    names = row.findall(table[0])
    assert names == sorted(path.stem for path in (ROOT / "tests" / "mutants" / "patches").glob("*.patch"))
    assert row.findall(page) == names
