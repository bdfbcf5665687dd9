"""The forked process that runs one call.

The fork server forks the process before its order arrives: the fork and the first writes to shared pages take as long
as a short task. While one call runs, the process of the next call thus gets ready.
"""

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from mainspring.attempts import Attempt, Outcome
from mainspring.inspection import allow_inspection
from mainspring.large_values import LargeValue
from mainspring.states import StateReason
from mainspring_executors import tasks
from mainspring_executors.environment import facts
from mainspring_executors.host import process_tree
from mainspring_executors.protocol.results import Result
from mainspring_executors.protocol.wire import clean, decode_attempt, encode_attempt
from mainspring_executors.tasks.plan import Call, Work

__all__ = ["DESCRIPTORS", "carry_out", "decode_result", "encode_order", "no_op_order", "warm_up"]

DESCRIPTORS = 3
"""Number of descriptors that a process gets: for its answer, its order and its output."""
_STATUS_FD, _ORDER_FD, _OUTPUT_FD = 3, 4, 5


def encode_order(work: Work, *, env: Mapping[str, str], cwd: str, code_path: tuple[str, ...]) -> bytes:
    """The order for a prepared process. Only for work whose plan is a call.

    env: additions to the environment that the process has from its fork. Encoding the whole environment would take as
    long as a short call.
    """
    return orjson.dumps(
        {
            "attempt": orjson.Fragment(encode_attempt(work.attempt)),
            "folder": work.folder,
            "http_allow": work.http_allow,
            "values_folder": work.values_folder,
            "env": env,
            "cwd": cwd,
            "code_path": code_path,
        }
    )


def decode_result(answer: bytes) -> Result:
    """The result in the answer of a process. Raises `ValueError` when the answer is incomplete or malformed."""
    head, _, outputs_json = answer.partition(b"\n")
    try:
        outcome, reason, message, exit_code, large = orjson.loads(head)
        is_whole = isinstance(orjson.loads(outputs_json), dict)
        values = tuple(map(LargeValue.from_json, large))
    except (TypeError, KeyError) as exc:
        raise ValueError("the answer has another shape") from exc
    if not is_whole:
        raise ValueError("the outputs are no JSON object")
    return Result(
        outcome=Outcome(outcome),
        reason=None if reason is None else StateReason(reason),
        message=message,
        exit_code=exit_code,
        outputs_json=outputs_json,
        large=values,
    )


def carry_out(parent_pid: int, warm_up: bytes) -> NoReturn:
    """Run one call in this process, which `parent_pid` has just forked, and exit.

    parent_pid: the single-threaded parent.
    warm_up: an order to carry out before the real order arrives.
    """
    try:
        os.setsid()
        process_tree.die_with_parent(parent_pid)
        # The protection against inspection guards the secrets of the host. A task may be debugged like any program.
        allow_inspection()
        for stream in (1, 2):
            os.dup2(_OUTPUT_FD, stream)
        os.close(_OUTPUT_FD)
        _answer_to(warm_up)
        order = _read_order(_ORDER_FD)
        if order:
            _write(_STATUS_FD, _answer_to(order))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def no_op_order() -> bytes:
    """An order without effect, for warming up.

    The kernel copies a shared page at the first write to it. Copying all pages that a short call writes to takes longer
    than the call itself. The no-op order causes these copies before the real order arrives.
    """
    attempt = Attempt(
        attempt_id="0" * 32,
        dag_id="",
        run_id="",
        task_id="",
        task_type="python",
        payload={"callable": "operator:index", "args": [0]},
    )
    env = {"TMPDIR": "", **facts(attempt), "MAINSPRING_OUTPUT": ""}  # each real order sets all of these
    return encode_order(Work(attempt=attempt), env=env, cwd="/", code_path=())


def warm_up(order: bytes) -> None:
    """Carry out an order in this process and drop the answer.

    After some repetitions the interpreter has specialised the bytecode and filled its caches, so the children inherit
    warm code.
    """
    reader, writer = os.pipe()
    _write(writer, order)
    _write(os.open(os.devnull, os.O_WRONLY), _answer_to(_read_order(reader)))


def _read_order(descriptor: int) -> bytes:
    """The whole order; empty when the host closed the pipe without an order."""
    with open(descriptor, "rb") as file:
        return file.read()


def _answer_to(order_json: bytes) -> bytes:
    """Carry out an order. Returns the answer for `decode_result`."""
    order: Mapping[str, Any] = orjson.loads(order_json)
    for name, value in order["env"].items():
        os.environ[name] = value
    os.chdir(order["cwd"])
    sys.path[:0] = order["code_path"]
    attempt = decode_attempt(order["attempt"])
    call = tasks.plan(
        Work(
            attempt=attempt,
            folder=order["folder"],
            http_allow=tuple(order["http_allow"]),
            values_folder=order["values_folder"],
        )
    )
    assert isinstance(call, Call)
    result = call.function()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # the task closed it
            continue
    large = [value.to_json() for value in result.large]
    head = orjson.dumps([result.outcome, result.reason, clean(result.message), result.exit_code, large])
    return head + b"\n" + result.outputs_json


def _write(descriptor: int, text: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(text)
