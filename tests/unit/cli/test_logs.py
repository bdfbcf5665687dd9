"""The log of services, also of gunicorn and of the supervisor: as JSON, each line is one object."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from tests.services.environment import child_environment

PROGRAM = """
import logging
from gunicorn.config import Config
from mainspring_cli.services import supervisor
from mainspring_cli.services.gunicorn_server import GunicornLogger
from mainspring_cli.services.logs import log_to_stderr

log_to_stderr(level="info", log_format=FORMAT, service="api")
logging.getLogger("mainspring").info("run started: run=%s", 'a "quoted"\\nid')
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("mainspring").exception("pass failed")
logging.getLogger("mainspring").debug("not shown")
GunicornLogger(Config()).error_log.warning("worker gone")
supervisor._say("api ended")
"""


def lines(log_format: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"FORMAT = {log_format!r}\n{PROGRAM}"],
        env=child_environment(TZ="Asia/Seoul"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ended.stderr.splitlines()


def test_every_line_is_a_json_object() -> None:
    entries = [json.loads(line) for line in lines("json")]
    assert [(entry["level"], entry["message"]) for entry in entries] == [
        ("info", 'run started: run=a "quoted"\nid'),
        ("error", "pass failed"),
        ("warning", "worker gone"),
        ("warning", "api ended"),
    ]
    assert {entry["service"] for entry in entries} == {"api"}
    assert "ZeroDivisionError" in entries[1]["traceback"]
    assert all(entry["time"].endswith("+00:00") for entry in entries)


def test_text_stays_the_default() -> None:
    shown = "\n".join(lines("text"))
    assert "INFO    api mainspring: run started" in shown
    assert "mainspring: api ended" in shown


def test_lines_of_text_begin_with_an_instant_in_utc_whatever_the_zone_of_the_process() -> None:
    begun = datetime.now(UTC) - timedelta(seconds=1)
    stamped = [line for line in lines("text") if "run started" in line or "worker gone" in line]
    assert len(stamped) == 2
    for line in stamped:
        assert begun <= datetime.fromisoformat(line.split()[0]) <= datetime.now(UTC)
