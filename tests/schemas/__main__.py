"""Writes the present schema with live data to tests/schemas/<revision>.json: `python -m tests.schemas`.

Run this at the end of a day on which main got a new revision. To do it for an earlier commit: check the commit out
elsewhere, and run this file with the commit's folders first in PYTHONPATH.
"""

import base64
import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from mainspring_store import open_database
from mainspring_store.schema.migrate import current_revision, migrate
from tests.scheduler.engine import Engine
from tests.scheduler.test_backfills import fill

FOLDER = Path(__file__).parent
HTTP = {"url": "https://example.test/", "expected_status": ["204"]}
# Every state that a run can be upgraded in.
TASKS: dict[str, Any] = {
    "done": {},
    "runs": {"depends_on": ["done"], "retries": 1, "retry_delay": "PT1S"},
    "retries": {"retries": 3, "retry_delay": "PT1H"},
    "waits": {"type": "wait", "for": "2h"},
    "polls": {"type": "wait", "http": HTTP, "interval": "1h", "timeout": "1d"},
    "asks": {"type": "approval", "message": "go on?"},
    "last": {"depends_on": ["runs", "retries", "waits", "polls", "asks"]},
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mainspring.db"
        with closing(open_database(f"sqlite:///{path}")) as database:
            migrate(database)
            engine = Engine(database)
            engine.trigger(engine.save("live", TASKS))
            engine.run_until_idle()
            engine.finish("done")
            engine.fail("retries")
            engine.start("runs")
            engine.run_until_idle()
            daily = engine.save(
                "daily", {"a": {}}, schedule="@daily", start_date="2026-01-01", catchup=False, params={}
            )
            fill(engine, daily, 5, max_active_runs=2)
            engine.run_until_idle()
            engine.finish("a", run_id="backfill__2026-01-01T00:00:00+00:00")
            engine.clock.move(timedelta(minutes=1))
            engine.run_until_idle()
            engine.close()
            revision = current_revision(database)
        with closing(sqlite3.connect(path)) as connection:
            tables = _tables(connection)
    (FOLDER / f"{revision}.json").write_text(_with_a_row_a_line(tables))


def _with_a_row_a_line(tables: dict[str, list[dict[str, Any]]]) -> str:
    parts = []
    for name, rows in tables.items():
        lines = ",\n".join(json.dumps(row) for row in rows)
        parts.append(f'"{name}": [\n{lines}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _tables(connection: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    connection.row_factory = sqlite3.Row
    tables = {}
    for (name,) in connection.execute(names).fetchall():
        rows = connection.execute(f"SELECT * FROM {name}").fetchall()
        if rows and name != "alembic_version":
            tables[name] = [{key: _plain(row[key]) for key in row.keys()} for row in rows]  # noqa: SIM118
    return tables


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
