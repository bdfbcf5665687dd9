"""What every test may use."""

import pytest

pytest_plugins = ["tests.services.plugin", "tests.services.databases", "tests.services.shared_statements"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-zones", action="store_true", help="test timetables in every time zone there is; minutes")
