"""What every test may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # `./dev test &` in a script: the processes that tests start would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.services.plugin", "tests.services.databases", "tests.services.shared_statements"]


_SLOW_FIRST = ("acceptance", "simulation", "conformance", "schemas")
"""Folders whose files take longest. Were they last, one process would work on the last file and the others on none."""
_PROCESSES_PER_CORE = 2
"""Tests of whole services wait a good part of their time, for processes to start and for time-outs to pass."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The number of processes for `-n auto`."""
    return max(2, round(len(os.sched_getaffinity(0)) * _PROCESSES_PER_CORE))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest. Within a folder, the order stays."""
    folder = len(Path(__file__).parent.parts)
    ranks = {name: rank for rank, name in enumerate(_SLOW_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parts[folder], len(ranks)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-zones", action="store_true", help="test timetables in every time zone there is; minutes")
    parser.addoption(
        "--all-kills", action="store_true", help="kill processes at every place of the deliveries; minutes"
    )


@pytest.fixture(autouse=True)
def original_umask() -> Iterator[None]:
    """Undo the umask of commands that run within a test's process: later tests make files for other users."""
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
