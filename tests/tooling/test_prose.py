"""The measure of prose finds what CONTRIBUTING.md forbids, and lets plain English pass."""

from pathlib import Path

import pytest

from tests.tooling.prose import FUNCTION_LINES_MAX, measure


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        pytest.param(
            '"""What it is that those have which others told them of, so that they say it."""',
            "empty words",
            id="empty",
        ),
        pytest.param(
            '"""The worker reports to somebody, and the scheduler writes the state of the task."""',
            "house words",
            id="house",
        ),
        pytest.param("found = 1\n", "pointing names", id="pointing"),
        pytest.param("def f():\n" + "    pass\n" * FUNCTION_LINES_MAX, "has over", id="long"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, source: str, fault: str) -> None:
    (tmp_path / "module.py").write_text(source)
    assert any(fault in each for each in measure(tmp_path).faults)


def test_plain_english_is_within_the_bounds(tmp_path: Path) -> None:
    text = '"""The scheduler claims an attempt and writes its lease to the database before the executor starts."""\n'
    (tmp_path / "module.py").write_text(text + "instance = 1\n")
    assert not measure(tmp_path).faults


def test_migrations_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "module.py").write_text("found = 1\n")
    assert not measure(tmp_path).faults
