"""An engine on each kind of database, and one that sends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring_store import Database
from mainspring_store.database.key_ring import KeyRing
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine
from tests.scheduler.sending import Sending
from tests.services.receiver import receiving


@pytest.fixture
def make_engine(database: Database) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**options: Any) -> Engine:
        engines.append(Engine(database, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
    assert_sound(database)


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()


@pytest.fixture
def sending(make_engine: Callable[..., Engine], tmp_path: Path) -> Iterator[Sending]:
    with receiving() as server:
        engine = make_engine(key_ring=KeyRing(tmp_path / "secret-keys"))
        yield Sending(engine, tmp_path, server, public_url="https://page.example.test")
