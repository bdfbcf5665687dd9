"""Send generated requests to every operation of a running server and hold every answer to the document.

    ./dev fuzz [--seconds N] [--seed N]

Two rounds: one asks about things that exist, the other about anything. Wrong are an answer of 5xx, one whose status,
media type or body the document does not tell of, and no answer at all.
"""

import argparse
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.server import Server, started
from tests.services.environment import child_environment

DOCUMENT = Path(__file__).parents[2] / "openapi" / "mainspring.json"
EXAMPLES = 10
"""Of each operation at a time; they are drawn again until the time is over."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
DEFINITION = """
dag_id: fuzzed
schedule: "@daily"
start_date: 2026-01-01
params: {type: object, properties: {rows: {type: integer}}}
tasks:
  a: {type: shell, script: 'echo "rows=3" >> "$MAINSPRING_OUTPUT"; echo read'}
  b: {type: noop, depends_on: [a]}
"""
KNOWN: Mapping[str, str] = {
    "dag_id": "fuzzed",
    "dag_run_id": "known",
    "task_id": "a",
    "try_number": "1",
    "task_try_number": "1",
    "map_index": "-1",
    "xcom_key": "rows",
    "version_number": "1",
    "backfill_id": "1",
    "pool_name": "known",
    "variable_key": "known",
    "secret_name": "known",
    "connection_id": "known",
}
"""A thing that exists, for each part of a path that names one."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=600, help="of both rounds together (default: 600)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder, "home")) as server:
        _make_known_things(server)
        rounds = [_known_things(Path(folder, "known.toml")), []]
        failed = [_round(server, each, options.seconds // 2, options.seed) for each in rounds]
    return 1 if any(failed) else 0


def _make_known_things(server: Server) -> None:
    client = server.client
    server.put_dag(DEFINITION)
    client.post("/dags/fuzzed/dagRuns", {"dag_run_id": "known"})
    server.wait("/dags/fuzzed/dagRuns/known")
    client.post("/pools", {"name": "known", "slots": 1})
    client.post("/variables", {"key": "known", "value": "1"})
    client.put_json("/secrets/known", {"value": "hidden"})


def _known_things(config: Path) -> list[str]:
    """Options of the round that asks about what exists, and does not delete it."""
    parameters = "\n".join(f'"path.{name}" = "{value}"' for name, value in KNOWN.items())
    config.write_text(f"[parameters]\n{parameters}\n")
    return ["--config-file", str(config), "run", "--exclude-method", "DELETE"]


def _round(server: Server, options: list[str], seconds: int, seed: int) -> int:
    url = server.client.url.removesuffix("/api/v2")
    line = [
        *(str(Path(sys.executable).with_name("schemathesis")), *(options or ["run"]), str(DOCUMENT), "--url", url),
        *("--header", f"Authorization: Bearer {server.client.token}", "--checks", ",".join(CHECKS)),
        *("--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--max-time", str(seconds), "--seed", str(seed)),
        *("--workers", "2", "--request-timeout", "20", "--suppress-health-check", "all", "--continue-on-failure"),
        *("--generation-database", "none", "--warnings", "off"),
    ]
    return subprocess.call(line, env=child_environment(SCHEMATHESIS_HOOKS="tests.fuzz.hooks"))


if __name__ == "__main__":
    sys.exit(main())
