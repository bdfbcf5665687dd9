"""A chain of 20 steps that do nothing: Mainspring beside DBOS 3.4, in turns on one PostgreSQL with fsync.

./dev bench peers

DBOS is a library: its steps run in the process that answers the request (`dbos_server.py`). A client starts both over
HTTP. For DBOS the client's clock ends at the answer; for Mainspring at the end that the run records.
"""

import json
import os
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.engine import chain, database_url, gaps_milliseconds, guarded_update_milliseconds, put, timed
from clients.generate import tool_environment
from tests.acceptance.server import Server, started
from tests.services.environment import child_environment

LENGTH = 20
ROUNDS = 9
RATIO_MAX = 1.0

Figures = tuple[float, float]
"""Milliseconds: the median gap between two steps, and from the POST to the end."""


def main() -> None:
    """Print gap and chain of both, and their ratios."""
    with database_url("postgresql") as url, tempfile.TemporaryDirectory() as folder:
        assert url is not None
        with (
            started(Path(folder) / "home", executor="thread", database_url=url) as server,
            _dbos(url) as dbos,
        ):
            put(server, "chain", chain(LENGTH))
            for _ in range(2):  # warm: imports, statement caches, plans
                _mainspring_chain(server), dbos()
            rounds = [(_mainspring_chain(server), dbos()) for _ in range(ROUNDS)]
            floor = guarded_update_milliseconds(url)
    print(f"one guarded update {floor:.2f} ms")
    for column, name in enumerate(("gap, median", f"POST to end of chain {LENGTH}")):
        own, peer = (median(figures[column] for figures in side) for side in zip(*rounds, strict=True))
        ratio = median(ours[column] / theirs[column] for ours, theirs in rounds)
        missed = "" if ratio <= RATIO_MAX else "  MISSED"
        print(f"{name}: {own:.2f} ms; DBOS {peer:.2f} ms; ratio {ratio:.2f} (limit <= {RATIO_MAX}){missed}", flush=True)


def _mainspring_chain(server: Server) -> Figures:
    path, seconds = timed(server, "chain")
    return median(gaps_milliseconds(server, path)), seconds * 1000


@contextmanager
def _dbos(url: str) -> Iterator[Callable[[], Figures]]:
    """A server with the chain of DBOS, whose tables have a schema of their own in the same database."""
    python = tool_environment("dbos.lock") / "bin" / "python"
    line = [str(python), "-P", str(Path(__file__).with_name("dbos_server.py")), url]
    process = subprocess.Popen(line, env=child_environment(HOME=os.environ["HOME"]), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        yield lambda: _dbos_chain(port)
    finally:
        process.terminate()
        process.communicate()


def _dbos_chain(port: int) -> Figures:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/chain?steps={LENGTH}", data=b"", method="POST")
    began = perf_counter()
    with urllib.request.urlopen(request, timeout=60) as response:
        instants = json.load(response)
    seconds = perf_counter() - began
    gaps = [(start - end) * 1000 for (_, end), (start, _) in pairwise(instants)]
    return median(gaps), seconds * 1000
