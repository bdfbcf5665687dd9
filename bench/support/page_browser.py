"""What a reader of the page waits for, in a real Chromium; a part of `bench page`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.api import server_of
from bench.engine import put
from tests.acceptance.server import Server
from tests.services.environment import child_environment
from ui import tool

_LONG = r"""
awk 'BEGIN { for (n = 1; n <= 100000; n++) print (n == 97800 ? "ValueError: no x" : "row " n " ok") }'
exit 1
"""
_WIDE_RUNS = 24


def measure() -> None:
    """Print each figure beside its limit."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("bench page needs Chromium: apt-get install chromium")
    tool.install()
    with server_of("sqlite") as (server, _):
        _store(server)
        task = {
            "url": server.client.url.removesuffix("/api/v2"),
            "token": server.client.token,
            "bundle": str(tool.BUNDLE),
        }
        command = [tool.locked_node(), "--no-warnings", Path(__file__).with_name("page_browser.mjs"), json.dumps(task)]
        environment = child_environment(UI=str(tool.UI), CHROMIUM=chromium)
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as browser:
            assert browser.stdout is not None
            for line in browser.stdout:
                _tell(**json.loads(line))
        if browser.returncode != 0:
            sys.exit("the browser failed; see its error above")


def _store(server: Server) -> None:
    """DAGs with the sizes of the figures, and their runs."""
    before = {n: [f"t{n - 37}", f"t{n - 41}"] if n > 41 else [] for n in range(1000)}
    put(server, "bench_big", {f"t{n}": {"type": "noop", "depends_on": names} for n, names in before.items()})
    put(server, "bench_one", {"only": {"type": "noop"}})
    put(server, "bench_wide", {f"task_{n:03}": {"type": "noop"} for n in range(200)})
    put(server, "bench_long", {"talk": {"type": "shell", "script": _LONG}})
    runs = [server.trigger(dag_id) for dag_id in ("bench_big", "bench_long", *["bench_wide"] * _WIDE_RUNS)]
    for run in runs:
        server.wait(run)


def _tell(what: str, value: float, limit: float, unit: str) -> None:
    measured, bound = (f"{number:.0f} {unit}".rstrip() for number in (value, limit))
    print(f"{what}: {measured} (limit <= {bound}){'' if value <= limit else '  MISSED'}", flush=True)


if __name__ == "__main__":
    measure()
