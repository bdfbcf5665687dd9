"""What attempts print."""

import base64
import contextlib
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from mainspring.attempts import Finished, LogChunk, Outcome
from mainspring_executors.attempt_log import TAIL_BYTES_MAX

from .harness import Harness, attempt, call, children_of, limits, sh

SECRET = 'p@ss"w/ord+1'
ALL_BYTES = bytes(range(256)) + b"\x1b[31mred\x1b[0m\r\n\0end"


def test_standard_output_and_error_are_merged_in_order(harness: Harness) -> None:
    task = sh("echo one; echo two >&2; echo three")
    harness.run(task)
    assert harness.log(task) == b"one\ntwo\nthree\n"


def test_a_callables_prints_and_log_records_are_its_log(harness: Harness) -> None:
    task = call("talk", "h\u00e9llo")
    harness.run(task)
    first, second, third = harness.log(task).decode().splitlines()
    assert (first, second) == ("h\u00e9llo", "to stderr")
    assert third.endswith("INFO jobs: through logging")


def test_attempts_that_run_side_by_side_have_logs_of_their_own(harness: Harness) -> None:
    tasks = [call("talk", f"task {number}") for number in range(20)]
    harness.submit(*tasks)
    for number, task in enumerate(tasks):
        harness.finish(task)
        assert harness.log(task).decode().splitlines()[0] == f"task {number}"


@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_bytes_arrive_as_they_were_written(harness: Harness, kind: str, tmp_path: Path) -> None:
    if kind == "shell":
        (tmp_path / "bytes").write_bytes(ALL_BYTES)
        task = sh(f"cat {tmp_path}/bytes")
    else:
        task = call("write_bytes", ALL_BYTES.hex())
    harness.run(task)
    assert harness.log(task) == ALL_BYTES


def test_a_silent_task_has_no_log(harness: Harness) -> None:
    task = call("one")
    assert harness.run(task).log_bytes == 0
    assert not harness.of(task, LogChunk)


@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_ten_megabytes_of_log_arrive_whole(harness: Harness, kind: str) -> None:
    line = "x" * 99
    task = sh(f"yes {line} | head -n 100000") if kind == "shell" else call("print_many", 100_000, 100)
    end = harness.run(task)
    assert end.outcome is Outcome.SUCCESS
    assert end.log_bytes == 10_000_000
    assert harness.log(task) == f"{line}\n".encode() * 100_000


@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_one_line_of_a_hundred_megabytes_is_cut_and_says_so(harness: Harness, kind: str) -> None:
    written = 100_000_000
    bounds = limits(log_bytes_max=1_000_000)
    task = (
        sh(f"head -c {written} /dev/zero | tr '\\0' y", limits=bounds)
        if kind == "shell"
        else call("print_one_line", 100, limits=bounds)
    )
    end = harness.run(task, seconds=60)
    log = harness.log(task)
    assert end.outcome is Outcome.SUCCESS
    dropped = written - 1_000_000
    text = f"\n[mainspring: the log is over its limit of 1000000 bytes; {dropped} bytes are left out here]\n"
    head, note, tail = log.partition(text.encode())
    assert note
    assert head + tail == b"y" * 1_000_000
    assert len(tail) == TAIL_BYTES_MAX
    assert end.log_bytes == len(log)


def test_a_hundred_megabytes_cost_the_hosts_no_memory(harness: Harness) -> None:
    harness.run(call("one"))
    before = _memory_of_hosts()
    harness.run(sh("head -c 100000000 /dev/zero"), seconds=60)
    # Per process: a host for the next task may start at any time, and three processes of it take 45 MB.
    grown = {pid: peak - before.get(pid, 0) for pid, peak in _memory_of_hosts().items()}
    assert grown
    assert max(grown.values()) < 40_000_000, grown


@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_the_log_arrives_while_the_task_runs(harness: Harness, tmp_path: Path, kind: str) -> None:
    release = tmp_path / "release"
    if kind == "shell":
        task = sh(f"echo early; until [ -e {release} ]; do sleep 0.02; done")
    else:
        task = call("talk_around", str(release), str(tmp_path / "pid"))
    harness.submit(task)
    harness.until(lambda: harness.log(task) == b"early\n", "the first line")
    assert not harness.of(task, Finished)
    release.touch()
    harness.finish(task)


def test_a_background_process_that_keeps_the_pipe_open_does_not_delay_the_end(harness: Harness) -> None:
    task = sh("sleep 60 & echo started")
    end = harness.run(task, seconds=10)
    assert end.outcome is Outcome.SUCCESS
    assert harness.log(task) == b"started\n"


FORMS = {
    "as it is": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 within other text": base64.b64encode(b"user:" + SECRET.encode() + b"!").decode(),
    "url-safe base64": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "URL-encoded": quote(SECRET, safe=""),
    "JSON": json.dumps(SECRET)[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("kind", ["shell", "callable"])
def test_a_secret_is_masked_in_every_spelling(harness: Harness, kind: str, form: str) -> None:
    text = f"before {form} after"
    secrets = {"token": SECRET}
    task = (
        attempt("shell", {"command": ["echo", text]}, secrets=secrets)
        if kind == "shell"
        else call("talk", text, secrets=secrets)
    )
    harness.run(task)
    log = harness.log(task).decode()
    assert "before " in log
    assert "***" in log
    assert form not in log


def test_a_secret_is_masked_across_the_border_of_two_chunks(harness: Harness) -> None:
    size = 64 * 1024
    for shift in (1, len(SECRET) // 2, len(SECRET) - 1):
        script = 'head -c "$SIZE" /dev/zero | tr "\\0" x; printf %s "$TOKEN"; echo; echo end'
        task = sh(
            script,
            env={"TOKEN": {"secret": "token"}, "SIZE": str(size - shift)},
            secrets={"token": SECRET},
        )
        harness.run(task)
        assert harness.log(task) == b"x" * (size - shift) + b"***\nend\n"


def test_a_secret_is_masked_when_it_is_written_piece_by_piece(harness: Harness, tmp_path: Path) -> None:
    half = len(SECRET) // 2
    script = f'printf %s "$A"; touch {tmp_path}/half; until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo "$B"'
    task = sh(script, env={"A": "first " + SECRET[:half], "B": SECRET[half:]}, secrets={"token": SECRET})
    harness.submit(task)
    harness.until(lambda: harness.log(task) == b"first ", "what cannot be part of the secret")
    (tmp_path / "go").touch()
    harness.finish(task)
    assert harness.log(task) == b"first ***\n"


def test_a_secret_is_masked_in_the_message_of_a_failure(harness: Harness) -> None:
    end = harness.run(call("boom", f"cannot log in with {SECRET}", secrets={"token": SECRET}))
    assert end.message == "ValueError: cannot log in with ***"


def test_a_log_that_nobody_reads_holds_up_only_who_writes_it(harness: Harness) -> None:
    """The reports of another attempt come through although far more log waits than any buffer holds."""
    writer = sh("head -c 9000000 /dev/zero; sleep 30")
    harness.start(writer)
    assert harness.run(sh("exit 3")).exit_code == 3
    harness.executor.cancel([writer.attempt_id])
    assert harness.finish(writer).outcome is Outcome.CANCELLED


def _memory_of_hosts() -> dict[int, int]:
    """Process id -> the most bytes that were resident, of all processes below this process."""
    peaks: dict[int, int] = {}
    pids = children_of(os.getpid())
    while pids:
        pid = pids.pop()
        pids += children_of(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the process has ended since
            status = Path(f"/proc/{pid}/status").read_text()
            # A process that is ending has no memory any more, and its status no such line.
            peaks[pid] = sum(int(kib) * 1024 for kib in re.findall(r"^VmHWM:\s+(\d+) kB", status, flags=re.MULTILINE))
    return peaks
