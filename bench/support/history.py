"""A long history, written straight into PostgreSQL: 200,000 runs that have ended, with 1,000,000 task instances."""

import time

from sqlalchemy import text

from bench.engine import put
from mainspring_store import open_database
from tests.acceptance.server import Server

__all__ = ["DAGS", "stored_history"]

RUNS = 200_000
TASKS = 5
DAGS = tuple(f"history-{number}" for number in range(100))


def stored_history(server: Server, url: str) -> None:
    """Make the DAGs over HTTP, then their runs by statements; ends when the database knows its new sizes."""
    begun = time.perf_counter()
    for dag_id in DAGS:
        put(server, dag_id, {f"t{number}": {"type": "noop"} for number in range(TASKS)})
    database = open_database(url)
    with database.write() as connection:
        connection.execute(text(_RUNS), {"runs": RUNS, "dags": len(DAGS)})
        connection.execute(text(_INSTANCES), {"tasks": TASKS})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()
    print(f"{RUNS} runs with {RUNS * TASKS} task instances stored in {time.perf_counter() - begun:.0f} s", flush=True)


_RUNS = """
INSERT INTO dag_run (dag_id, run_id, dag_version_id, run_type, state, conf, params, logical_date, run_after, queued_at,
                     start_date, end_date, updated_at, triggered_by, tasks_total, tasks_unfinished, max_active_tasks)
SELECT dag.dag_id, 'r' || n, dag.version_id, 'manual', CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'success' END, '{}',
       '{}', moment, moment, moment, moment, moment + interval '3 seconds', moment, 'rest_api', 5, 0, 16
FROM generate_series(0, :runs - 1) AS n
JOIN dag ON dag.dag_id = 'history-' || (n / 100) % :dags
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute' AS moment) AS at
"""
_INSTANCES = """
INSERT INTO task_instance (dag_run_id, task_id, task_index, state, max_tries, up_total, wake_on, operator, rank, pool,
                           pool_slots, queue, start_date, end_date, updated_at)
SELECT run.id, 't' || n, n, run.state, 0, 0, 0, 'noop', -1, 'default_pool', 1, 'default', run.start_date, run.end_date,
       run.updated_at
FROM dag_run AS run CROSS JOIN generate_series(0, :tasks - 1) AS n
WHERE run.dag_id LIKE 'history-%'
"""
