"""What a task costs from end to end, through HTTP, scheduler, task host and database, all durable.

python -m bench engine

A no-op is a `python` task whose callable returns 1, on `thread`. On PostgreSQL, each figure of latency is held against
what one transaction of SQLAlchemy Core with one guarded update costs on the same server in the same run: a step can
hardly cost less. PostgreSQL runs with fsync and synchronous_commit on, SQLite with synchronous FULL.
"""

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert, update

from mainspring_cli.client.plain_client import Client
from mainspring_store import open_database
from tests.acceptance.server import Server, started
from tests.services.postgres import PostgresServer

ROUNDS = 5
NOOP = {"type": "python", "callable": "operator:index", "args": [1]}
LIMITS: Mapping[str, Mapping[str, float]] = {
    "sqlite": {"gap": 3.0, "gap_p95": 10.0, "fan": 1000, "burst": 400, "chain": 120},
    "postgresql": {"fan": 1000, "burst": 400},
}
"""In milliseconds and tasks a second."""
UPDATES_MAX: Mapping[str, float] = {"gap": 3, "gap_p95": 6, "chain": 130}
"""Limits of PostgreSQL, in guarded updates."""


def main() -> None:
    """Print every figure with its limit, for both databases."""
    for database in ("sqlite", "postgresql"):
        with database_url(database) as url, tempfile.TemporaryDirectory() as folder:
            settings = {"executor": "thread", **({"database_url": url} if url else {})}
            with started(Path(folder) / "home", **settings) as server:
                floor = guarded_update_milliseconds(url or f"sqlite:///{folder}/floor.db")
                _report(server, database, floor)


@contextmanager
def database_url(kind: str) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-", dir="/tmp"))
    server = PostgresServer.start(folder, fsync=True)
    try:
        yield server.create_database()
    finally:
        server.close()


def _report(server: Server, database: str, floor: float) -> None:
    limits = LIMITS[database]
    if database == "postgresql":
        limits = {**limits, **{what: floor * factor for what, factor in UPDATES_MAX.items()}}
    put(server, "chain", chain(20))
    put(server, "fan", fan(1000), max_active_tasks=2000)
    put(server, "burst", chain(5), max_active_runs=100)
    _run(server, "chain")  # warm: imports, statement caches, plans
    chains = [timed(server, "chain") for _ in range(ROUNDS)]
    gaps = [gap for path, _ in chains for gap in gaps_milliseconds(server, path)]
    p95 = quantiles(gaps, n=20)[18]
    print(f"{database}: one guarded update {floor:.2f} ms")
    took = median(seconds * 1000 for _, seconds in chains)
    _line(database, "gap, median", median(gaps), "ms", limits["gap"], f"{median(gaps) / floor:.1f} updates")
    _line(database, "gap, p95", p95, "ms", limits["gap_p95"], f"{p95 / floor:.1f} updates")
    _line(database, "POST to end of chain 20", took, "ms", limits["chain"], f"{took / floor:.0f} updates")
    fans = [1002 / timed(server, "fan")[1] for _ in range(3)]
    _line(database, "1 -> 1,000 -> 1", median(fans), "tasks/s", limits["fan"])
    bursts = [_burst(server) for _ in range(3)]
    _line(database, "50 runs x chain 5, 8 clients", median(bursts), "tasks/s", limits["burst"])


def _line(database: str, what: str, value: float, unit: str, limit: float, note: str = "") -> None:
    sense = ">=" if unit == "tasks/s" else "<="
    met = value >= limit if sense == ">=" else value <= limit
    extra = f", {note}" if note else ""
    print(
        f"{database}: {what}: {value:,.1f} {unit} (limit {sense} {limit:,.4g} {unit}{extra})"
        f"{'' if met else '  MISSED'}",
        flush=True,
    )


def put(server: Server, dag_id: str, tasks: Mapping[str, Any], **fields: Any) -> None:
    # JSON is YAML too.
    server.client.put_yaml(f"/dags/{dag_id}", json.dumps({"dag_id": dag_id, "tasks": tasks, **fields}).encode())


def chain(length: int) -> dict[str, Any]:
    return {f"t{n}": {**NOOP, "depends_on": [f"t{n - 1}"] if n else []} for n in range(length)}


def fan(width: int) -> dict[str, Any]:
    middle = {f"m{n}": {**NOOP, "depends_on": ["first"]} for n in range(width)}
    return {"first": NOOP, **middle, "last": {**NOOP, "depends_on": list(middle)}}


def _run(server: Server, dag_id: str) -> str:
    path = server.trigger(dag_id)
    _finish(server.client, path)
    return path


def timed(server: Server, dag_id: str) -> tuple[str, float]:
    """The run, and seconds from the POST to its recorded end."""
    began = time.time()
    path = _run(server, dag_id)
    return path, _instant(server.client.get(path)["end_date"]).timestamp() - began


def _finish(client: Client, path: str) -> None:
    run = client.get(f"{path}/wait?interval=1&timeout=60")
    assert run["state"] == "success", run


def _burst(server: Server, runs: int = 50, clients: int = 8) -> float:
    """Tasks a second from the first POST to the last end."""
    began = time.time()

    def trigger(_: int) -> str:
        return server.trigger("burst")

    with ThreadPoolExecutor(clients) as pool:
        paths = list(pool.map(trigger, range(runs)))
        for path in paths:
            _finish(server.client, path)
    ended = max(_instant(server.client.get(path)["end_date"]).timestamp() for path in paths)
    return runs * 5 / (ended - began)


def gaps_milliseconds(server: Server, path: str) -> list[float]:
    rows = server.client.get(f"{path}/taskInstances?limit=100")["task_instances"]
    rows.sort(key=lambda row: int(row["task_id"][1:]))
    spans = [(_instant(row["start_date"]), _instant(row["end_date"])) for row in rows]
    return [(after[0] - before[1]).total_seconds() * 1000 for before, after in itertools.pairwise(spans)]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def guarded_update_milliseconds(url: str) -> float:
    """One transaction of SQLAlchemy Core with one guarded update of one row, committed durably."""
    database = open_database(url)
    table = Table("floor", MetaData(), Column("id", Integer, primary_key=True), Column("changes", Integer))
    table.metadata.create_all(database.engine)
    with database.write() as connection:
        connection.execute(insert(table), {"id": 1, "changes": 0})
    statement = (
        update(table)
        .where(table.c.id == bindparam("row"), table.c.changes >= 0)
        .values(changes=table.c.changes + 1)
        .returning(table.c.changes)
    )

    def once() -> None:
        with database.write() as connection:
            connection.execute(statement, {"row": 1}).one()

    cost = _median_milliseconds(once, 200)
    table.metadata.drop_all(database.engine)
    database.close()
    return cost


def _median_milliseconds(action: Callable[[], None], times: int) -> float:
    costs = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        costs.append((time.perf_counter() - began) * 1000)
    return median(costs)


if __name__ == "__main__":
    main()
