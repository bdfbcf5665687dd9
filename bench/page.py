"""What the page costs: its views on PostgreSQL with 200,000 runs and 1,000,000 task instances stored, and a browser.

python -m bench page
"""

import gzip
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from urllib.parse import quote

from sqlalchemy import text

from bench.api import TIMES, server_of
from bench.engine import put
from bench.support.history import DAGS, stored_history
from bench.support.http_load import Connection, latencies_milliseconds, request_bytes
from bench.support.page_browser import measure
from mainspring_store import open_database
from tests.acceptance.server import Server

GRID_RUNS, GRID_TASKS = 100, 200
GRID_BYTES_MAX = 60_000


def main() -> None:
    """Print each figure beside its limit: of the browser first, which needs no large database."""
    measure()
    with server_of("postgresql") as (server, url):
        put(server, "wide", {f"task_{number:03}": {"type": "noop"} for number in range(GRID_TASKS)})
        stored_history(server, url)
        _store_wide(url)
        for what, path, limit in _questions():
            _tell(what, _latencies(server, path), limit)
        grid = _answer(server, _GRID)
        size = len(gzip.compress(grid, 1, mtime=0))
        note = "" if size <= GRID_BYTES_MAX else "  MISSED"
        print(f"grid of {GRID_RUNS} x {GRID_TASKS}: {size} bytes by gzip (limit <= {GRID_BYTES_MAX}){note}", flush=True)


_GRID = f"/dags/wide/grid?runs={GRID_RUNS}"


def _questions() -> list[tuple[str, str, float]]:
    """What, where, and how many milliseconds it may take."""
    now = datetime.now(UTC)
    history_ends = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=200_000)
    day = quote((history_ends - timedelta(days=7)).isoformat()), quote(history_ends.isoformat())
    today = quote((now - timedelta(hours=12)).isoformat()), quote((now + timedelta(hours=2)).isoformat())
    run = f"/dags/{DAGS[7]}/dagRuns/r777"
    return [
        ("home of 50 DAGs", f"/home?runs=20&limit=50&from={today[0]}&to={today[1]}&bins=72", 200),
        ("overview of 50 DAGs", "/dagOverview?runs=20&limit=50", 200),
        ("summary", "/summary", 200),
        ("activity of this day", f"/activity?from={today[0]}&to={today[1]}&bins=48", 200),
        ("activity of a week with 10,080 runs", f"/activity?from={day[0]}&to={day[1]}&bins=168", 200),
        ("grid of 24 runs", f"/dags/{DAGS[7]}/grid?runs=24", 200),
        (f"grid of {GRID_RUNS} x {GRID_TASKS}", _GRID, 150),
        ("timeline", f"{run}/timeline", 200),
        ("calendar of a year", f"/dags/{DAGS[7]}/calendar?from=2026-01-01&to=2026-12-31", 200),
        ("search for a part of a DAG's name", "/search?q=story-4", 200),
        ("search for the id of a run", "/search?q=r1999", 200),
        ("search for what there is not", "/search?q=nothing_like_it", 200),
    ]


def _store_wide(url: str) -> None:
    """Runs of the DAG `wide`, every tenth of which failed."""
    database = open_database(url)
    with database.write() as connection:
        connection.execute(text(_WIDE_RUNS), {"runs": GRID_RUNS, "tasks": GRID_TASKS})
        connection.execute(text(_WIDE_INSTANCES))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    database.close()


_WIDE_RUNS = """
INSERT INTO dag_run (dag_id, run_id, dag_version_id, run_type, state, conf, params, run_after, queued_at,
                     start_date, end_date, updated_at, triggered_by, tasks_total, tasks_unfinished, max_active_tasks)
SELECT dag.dag_id, 'w' || n, dag.version_id, 'manual', CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'success' END, '{}',
       '{}', moment, moment, moment, moment + interval '3 seconds', moment, 'rest_api', :tasks, 0, 16
FROM generate_series(0, :runs - 1) AS n
JOIN dag ON dag.dag_id = 'wide'
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 hour' AS moment) AS at
"""
_WIDE_INSTANCES = """
INSERT INTO task_instance (dag_run_id, task_id, task_index, state, max_tries, up_total, wake_on, operator, rank, pool,
                           pool_slots, queue, start_date, end_date, updated_at, try_number)
SELECT run.id, task.id, task.number - 1,
       CASE WHEN run.state = 'failed' AND task.number % 7 = 0 THEN 'failed' ELSE 'success' END, 0, 0, 0, 'noop', -1,
       'default_pool', 1, 'default', run.start_date, run.end_date, run.updated_at, 1 + (task.number % 13 = 0)::int
FROM dag_run AS run
CROSS JOIN LATERAL (SELECT n AS number, 'task_' || lpad((n - 1)::text, 3, '0') AS id
                    FROM generate_series(1, run.tasks_total) AS n) AS task
WHERE run.dag_id = 'wide'
"""


def _latencies(server: Server, path: str) -> list[float]:
    request = request_bytes("GET", f"/api/v2{path}", token=server.client.token)
    return latencies_milliseconds(server.client.url.removesuffix("/api/v2"), [request] * TIMES)


def _answer(server: Server, path: str) -> bytes:
    connection = Connection(server.client.url.removesuffix("/api/v2"))
    body = connection.ask(request_bytes("GET", f"/api/v2{path}", token=server.client.token))
    connection.close()
    return body


def _tell(what: str, milliseconds: list[float], limit: float) -> None:
    slow = quantiles(milliseconds, n=20)[18]
    print(f"{what}, p95: {slow:.1f} ms (limit <= {limit:g} ms){'' if slow <= limit else '  MISSED'}", flush=True)


if __name__ == "__main__":
    main()
