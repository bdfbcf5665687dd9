"""Lets all engines of a test process share their compiled SQL.

SQLAlchemy compiles a statement once for an engine. Nearly every test opens an engine of its own, so that compiling the
same statements again took more than a third of the processor time of the suite. A program has few engines for long and
shares nothing.
"""

from typing import Any

import sqlalchemy
from sqlalchemy import Engine

from mainspring_store.database import transactions

_first: dict[str, Engine] = {}
"""Name of a dialect -> the first engine, whose dialect and cache the later engines use. The key of the cache holds the
dialect."""


def _create_engine(*arguments: Any, **options: Any) -> Engine:
    engine = sqlalchemy.create_engine(*arguments, **options)
    first = _first.setdefault(engine.dialect.name, engine)
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache
    return engine


transactions.create_engine = _create_engine
