"""A call, in the process forked for it alone: ahead of its order, as what comes with a fork takes as long as a short
task itself."""

import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from mainspring.attempts import Attempt, Outcome
from mainspring.inspection import allow_inspection
from mainspring.states import StateReason
from mainspring_executors import tasks
from mainspring_executors.environment import facts
from mainspring_executors.host import process_tree as family
from mainspring_executors.protocol.results import Result
from mainspring_executors.protocol.wire import clean, decode_attempt, encode_attempt
from mainspring_executors.tasks.plan import Call, Work

__all__ = ["DESCRIPTORS", "carry_out", "decode_result", "encode_order", "no_op_order", "warm_up"]

DESCRIPTORS = 3
"""How many descriptors a process gets: where to answer, where its order comes from, where it prints."""
_STATUS_FD, _ORDER_FD, _OUTPUT_FD = 3, 4, 5


def encode_order(work: Work, *, env: Mapping[str, str], cwd: str, code_path: tuple[str, ...]) -> bytes:
    """What a prepared process needs to know. Of a work whose plan is a call.

    env: what its environment has besides what it was forked with. All of it would be as much work as a short call.
    """
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


def carry_out(parent_pid: int, warm_up: bytes) -> NoReturn:
    """Be the process of a call, forked by the single-threaded `parent_pid` with no more than its descriptors open.

    rehearsal: an order that is carried out ahead of the true one.
    """
    try:
        os.setsid()
        family.die_with_parent(parent_pid)
        # The host's protection is for what the host knows. A task can be debugged as any program of its user.
        allow_inspection()
        for stream in (1, 2):
            os.dup2(_OUTPUT_FD, stream)
        os.close(_OUTPUT_FD)
        _answer_to(warm_up)
        order = _read_order(_ORDER_FD)
        if order:
            _tell(_STATUS_FD, _answer_to(order))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def no_op_order() -> bytes:
    """An order for a call of nothing for nobody, as a rehearsal. A fork copies each page of memory when it is touched,
    and all that a short call touches takes longer than the call."""
    attempt = Attempt(
        attempt_id="0" * 32,
        dag_id="",
        run_id="",
        task_id="",
        task_type="python",
        payload={"callable": "operator:index", "args": [0]},
    )
    env = {"TMPDIR": "", **facts(attempt), "MAINSPRING_OUTPUT": ""}  # each true order sets all of these
    return encode_order(Work(attempt=attempt), env=env, cwd="/", code_path=())


def warm_up(order: bytes) -> None:
    """All that `carry_out` does with a short order but for its process, and nobody is told. After some times, the
    interpreter has rewritten the code for what it meets, and found what it looks up."""
    reader, writer = os.pipe()
    _tell(writer, order)
    _tell(os.open(os.devnull, os.O_WRONLY), _answer_to(_read_order(reader)))


def _read_order(descriptor: int) -> bytes:
    """Empty when none comes any more."""
    with open(descriptor, "rb") as file:
        return file.read()


def _answer_to(order_json: bytes) -> bytes:
    """Carry out an order; what it ended with, for `decode_result`."""
    order: Mapping[str, Any] = orjson.loads(order_json)
    for name, value in order["env"].items():
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


def _tell(descriptor: int, text: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(text)
