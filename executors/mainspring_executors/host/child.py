"""A call in a process forked for it alone."""

import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn, TextIO

import orjson

from mainspring.attempts import Outcome
from mainspring.states import StateReason
from mainspring_executors.host import family
from mainspring_executors.host.capture import install_logging
from mainspring_executors.results import Result
from mainspring_executors.tasks.plan import Call
from mainspring_executors.wire import clean

__all__ = ["decode_result", "fork_call"]

_STATUS_FD = 3


def fork_call(
    call: Call, *, env: Mapping[str, str], cwd: str, output: int, code_path: tuple[str, ...]
) -> tuple[int, int]:
    """Fork a child that calls `call.function`. Returns its pid and a non-blocking pipe that will hold its result.

    Only for single-threaded processes.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    parent_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become_task(parent_pid, env=env, cwd=cwd, output=output, status=writer, code_path=code_path)
            _answer(call)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writer)
    return pid, reader


def decode_result(answer: bytes) -> Result:
    """Raises `ValueError` for anything but one whole answer."""
    head, _, outputs_json = answer.partition(b"\n")
    try:
        outcome, reason, message, exit_code = orjson.loads(head)
        is_whole = isinstance(orjson.loads(outputs_json), dict)
    except TypeError as exc:
        raise ValueError("the answer has another shape") from exc
    if not is_whole:
        raise ValueError("the outputs are no JSON object")
    return Result(
        outcome=Outcome(outcome),
        reason=None if reason is None else StateReason(reason),
        message=message,
        exit_code=exit_code,
        outputs_json=outputs_json,
    )


def _become_task(
    parent_pid: int, *, env: Mapping[str, str], cwd: str, output: int, status: int, code_path: tuple[str, ...]
) -> None:
    """Shed everything of the host: its session, its signals, its descriptors, its environment."""
    os.setsid()
    family.die_with_parent(parent_pid)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.dup2(status, _STATUS_FD, inheritable=False)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > _STATUS_FD:
            try:
                os.close(descriptor)
            except OSError:  # the one that listed them
                continue
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:0] = code_path
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)
    install_logging()


def _text_stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _answer(call: Call) -> NoReturn:
    result = call.function()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # the task closed it
            continue
    head = orjson.dumps([result.outcome, result.reason, clean(result.message), result.exit_code])
    with open(_STATUS_FD, "wb") as file:
        file.write(head + b"\n" + result.outputs_json)
    os._exit(0)
