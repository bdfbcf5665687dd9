"""A call in a process forked for it alone, ahead of its order: a fork and what comes with it take as long as a short
task itself."""

import os
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TextIO

import orjson

from mainspring.attempts import Attempt, Outcome
from mainspring.states import StateReason
from mainspring_executors import tasks
from mainspring_executors.host import family
from mainspring_executors.host.capture import install_logging
from mainspring_executors.results import Result
from mainspring_executors.tasks.plan import Call, Work
from mainspring_executors.wire import clean, decode_attempt, encode_attempt

__all__ = ["Prepared", "decode_result", "encode_order", "prepare"]

_STATUS_FD, _ORDER_FD = 3, 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """A process that waits for the order of the one attempt that it will carry out."""

    pid: int
    """Also of its session and its process group."""
    order: int
    output: int
    """A non-blocking pipe: what it prints."""
    status: int
    """The same: what the call answers."""

    def begin(self, order: bytes) -> None:
        """Give it its order. Raises `OSError` when it is gone; it has begun nothing then."""
        with open(self.order, "wb", buffering=0) as file:
            view = memoryview(order)
            while view:
                view = view[file.write(view) :]

    def close(self) -> None:
        """Let it end without one."""
        for descriptor in (self.order, self.output, self.status):
            os.close(descriptor)


def prepare() -> Prepared:
    """Fork a process for the next call. Only for single-threaded processes."""
    pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
    (order, order_writer), (output_reader, output), (status_reader, status) = pipes
    parent_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become_task(parent_pid, order=order, output=output, status=status)
            _rehearse()
            _tell(_answer_to(_read_order()))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    for descriptor in (order, output, status):
        os.close(descriptor)
    for descriptor in (output_reader, status_reader):
        os.set_blocking(descriptor, False)
    return Prepared(pid, order_writer, output_reader, status_reader)


def encode_order(work: Work, *, env: Mapping[str, str], cwd: str, code_path: tuple[str, ...]) -> bytes:
    """What a prepared process needs to know. Of a work whose plan is a call."""
    return orjson.dumps(
        {
            "attempt": orjson.Fragment(encode_attempt(work.attempt)),
            "folder": work.folder,
            "http_allow": work.http_allow,
            "env": env,
            "cwd": cwd,
            "code_path": code_path,
        }
    )


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


def _become_task(parent_pid: int, *, order: int, output: int, status: int) -> None:
    """Shed everything of the host: its session, its signals, its descriptors."""
    os.setsid()
    family.die_with_parent(parent_pid)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_only(os.open(os.devnull, os.O_RDONLY), output, output, status, order)
    for descriptor in (_STATUS_FD, _ORDER_FD):
        os.set_inheritable(descriptor, False)
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)
    install_logging()


def _keep_only(*wanted: int) -> None:
    """Make these the descriptors from 0 on, and close all others."""
    # First out of the way of each other.
    for number, descriptor in enumerate([os.dup(descriptor) for descriptor in wanted]):
        os.dup2(descriptor, number)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor >= len(wanted):
            try:
                os.close(descriptor)
            except OSError:  # the one that listed them
                continue


def _rehearse() -> None:
    """Carry out a call of nothing for nobody, ahead of the order. A fork copies each page of memory when it is touched,
    and all that a short call touches takes longer than the call."""
    attempt = Attempt(
        attempt_id="0" * 32,
        dag_id="",
        run_id="",
        task_id="",
        task_type="python",
        payload={"callable": "operator:index", "args": [0]},
    )
    _answer_to(encode_order(Work(attempt=attempt), env=dict(os.environ), cwd="/", code_path=()))


def _read_order() -> bytes:
    with open(_ORDER_FD, "rb") as file:
        order = file.read()
    if not order:
        os._exit(0)
    return order


def _answer_to(order_json: bytes) -> bytes:
    """Carry out an order; what it ended with, for `decode_result`."""
    order: Mapping[str, Any] = orjson.loads(order_json)
    env = order["env"]
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    for name, value in env.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    os.chdir(order["cwd"])
    sys.path[:0] = order["code_path"]
    attempt = decode_attempt(order["attempt"])
    call = tasks.plan(Work(attempt=attempt, folder=order["folder"], http_allow=tuple(order["http_allow"])))
    assert isinstance(call, Call)
    result = call.function()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # the task closed it
            continue
    head = orjson.dumps([result.outcome, result.reason, clean(result.message), result.exit_code])
    return head + b"\n" + result.outputs_json


def _tell(answer: bytes) -> NoReturn:
    with open(_STATUS_FD, "wb") as file:
        file.write(answer)
    os._exit(0)


def _text_stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
