"""What every test may use."""

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.services.plugin", "tests.services.databases", "tests.services.shared_statements"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-zones", action="store_true", help="test timetables in every time zone there is; minutes")


@pytest.fixture(autouse=True)
def original_umask() -> Iterator[None]:
    """Undo the umask of commands that run within a test's process: later tests make files for other users."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
