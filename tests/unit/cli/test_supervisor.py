"""The supervisor with real child processes; each test runs it in a process of its own, as it takes over the signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.environment import child_environment

_SUPERVISE = """
import os, sys
from mainspring_cli.services.supervisor import Service, supervise
scripts = sys.argv[1:]
services = [
    Service(name=f"child{i}", command=[sys.executable, "-c", script], environment=os.environ)
    for i, script in enumerate(scripts)
]
sys.exit(supervise(services, stop_seconds=30))
"""
_SERVE = """
import os, signal, sys
from pathlib import Path
name = sys.argv[0]
Path({mark!r}).open("a").write(f"{{os.getpid()}}\\n")
signal.pause()
"""


def _supervise(*scripts: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _SUPERVISE, *scripts],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)


def _pids(mark: Path) -> list[int]:
    return [int(line) for line in mark.read_text().splitlines()] if mark.exists() else []


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_stop_signal_ends_every_child_and_the_exit_code_is_zero(tmp_path: Path, stop: signal.Signals) -> None:
    marks = [tmp_path / "one", tmp_path / "two"]
    supervisor = _supervise(*(_SERVE.format(mark=str(mark)) for mark in marks))
    _until(lambda: all(_pids(mark) for mark in marks), "both children started")

    supervisor.send_signal(stop)

    supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert not any(_is_running(pid) for mark in marks for pid in _pids(mark))


def test_a_child_that_was_killed_is_started_again_and_the_other_is_left_alone(tmp_path: Path) -> None:
    marks = [tmp_path / "one", tmp_path / "two"]
    supervisor = _supervise(*(_SERVE.format(mark=str(mark)) for mark in marks))
    _until(lambda: all(_pids(mark) for mark in marks), "both children started")

    os.kill(_pids(marks[0])[0], signal.SIGKILL)

    _until(lambda: len(_pids(marks[0])) == 2, "the first child started again")
    assert len(_pids(marks[1])) == 1
    supervisor.terminate()
    _, errors = supervisor.communicate(timeout=20)
    assert "child0 ended (exit code -9); starting it again" in errors


def test_a_child_that_keeps_ending_brings_the_whole_down(tmp_path: Path) -> None:
    mark = tmp_path / "steady"
    supervisor = _supervise(_SERVE.format(mark=str(mark)), "raise SystemExit(3)")
    _, errors = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 3
    assert "child1 cannot run (exit code 3); stopping" in errors
    assert not any(_is_running(pid) for pid in _pids(mark))


def test_wrong_settings_of_a_child_are_not_tried_again() -> None:
    supervisor = _supervise("raise SystemExit(78)")
    _, errors = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 78
    assert "starting it again" not in errors


def test_a_ctrl_c_while_it_stops_kills_a_child_that_will_not_stop(tmp_path: Path) -> None:
    mark = tmp_path / "stubborn"
    told = tmp_path / "told"
    script = (
        "import os, signal, time\nfrom pathlib import Path\n"
        f"signal.signal(signal.SIGTERM, lambda *_: Path({str(told)!r}).touch())\n"
        f"Path({str(mark)!r}).write_text(str(os.getpid()))\n"
        "while True: signal.pause()"
    )
    supervisor = _supervise(script)
    _until(lambda: bool(_pids(mark)), "the child started")
    supervisor.terminate()
    _until(told.exists, "the child was asked to stop")
    supervisor.terminate()  # asks for what is under way already
    assert supervisor.poll() is None

    supervisor.send_signal(signal.SIGINT)

    supervisor.communicate(timeout=20)
    assert not _is_running(_pids(mark)[0])


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "orphan"
    supervisor = _supervise(_SERVE.format(mark=str(mark)))
    _until(lambda: bool(_pids(mark)), "the child started")

    supervisor.kill()

    supervisor.communicate(timeout=20)
    _until(lambda: not _is_running(_pids(mark)[0]), "the child ended")
