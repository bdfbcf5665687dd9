"""An engine on each kind of database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mainspring_store import Database
from tests.invariants import assert_sound
from tests.scheduler.engine import Engine


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
