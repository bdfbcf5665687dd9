"""Fixtures for real servers. `MAINSPRING_TEST_POSTGRES_URL`, `MAINSPRING_TEST_REDIS_URL` name servers to use instead.

Each process of a parallel run has a server of its own: it starts in about a second, and nothing has to be shared.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.postgres import PostgresServer
from tests.services.valkey import ValkeyServer

__all__ = ["postgres_server", "postgres_url", "valkey_url"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for this test process."""
    given = os.environ.get("MAINSPRING_TEST_POSTGRES_URL")
    if given:
        server = PostgresServer(url=given)
        yield server
        server.close()
        return
    folder = _short_folder("mainspring-pg-")
    try:
        server = PostgresServer.start(folder)
        yield server
        server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of a new, empty database for this test module; dropped afterwards."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def valkey_url() -> Iterator[str]:
    """URL of an empty Redis-compatible server for this test module."""
    given = os.environ.get("MAINSPRING_TEST_REDIS_URL")
    if given:
        yield given
        return
    folder = _short_folder("mainspring-vk-")
    try:
        server = ValkeyServer.start(folder)
        yield server.url
        server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _short_folder(prefix: str) -> Path:
    """A new folder whose path leaves room for a socket's name: the kernel takes 107 bytes, pytest's own are longer."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp" if os.path.isdir("/tmp") else None))
