"""Places where a test has a process die, halt or fail."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mainspring.failpoints import VARIABLE
from tests.services.environment import child_environment

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
from mainspring.failpoints import FailpointError, failpoint
failpoint("test.elsewhere")
try:
    failpoint("test.place")
except FailpointError as exc:
    print("raised", exc)
failpoint("test.place")
print("went on")
"""


def passed_by(folder: Path, *, is_armed: bool = True) -> subprocess.Popen[str]:
    environment = child_environment(**{VARIABLE: str(folder)} if is_armed else {})
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("action", "code", "said"),
    [
        pytest.param("kill", -signal.SIGKILL, "", id="kill"),
        pytest.param("raise", 0, "raised failpoint test.place\nwent on\n", id="raise"),
    ],
)
def test_who_comes_by_does_what_the_place_says_once(tmp_path: Path, action: str, code: int, said: str) -> None:
    (tmp_path / "test.place").write_text(action)
    first = passed_by(tmp_path)
    assert (first.communicate()[0], first.returncode) == (said, code)
    assert [path.name for path in tmp_path.iterdir()] == [f"test.place.{first.pid}"]
    second = passed_by(tmp_path)
    assert (second.communicate()[0], second.returncode) == ("went on\n", 0)


def test_who_is_stopped_goes_on_when_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "test.place").write_text("stop")
    process = passed_by(tmp_path)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    assert process.communicate()[0] == "went on\n"


def test_nothing_happens_where_the_environment_does_not_say_so(tmp_path: Path) -> None:
    (tmp_path / "test.place").write_text("kill")
    assert passed_by(tmp_path, is_armed=False).communicate()[0] == "went on\n"


def test_each_place_has_a_name_of_its_own() -> None:
    packages = ("core", "store", "executors", "scheduler", "api", "cli")
    sources = [path.read_text() for package in packages for path in (ROOT / package).rglob("*.py")]
    names = Counter(name for source in sources for name in re.findall(r"\bfailpoint\(\"(.+?)\"\)", source))
    assert len(names) >= 40
    assert [name for name, count in names.items() if count > 1] == []
