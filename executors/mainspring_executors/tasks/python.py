"""Task type `python`: a callable (`package.module:function`), or inline source in an interpreter of its own.

Payload: `callable` with `args` and `kwargs`, or `source` with `inputs`; `env`, `working_dir`. Only the thread or
process that runs a callable imports it. A callable with `env` or `working_dir` runs in a process of its own, because
both belong to a whole process. The return value of a callable gives its outputs. Inline source writes its outputs like
a shell task and reads its inputs as JSON from the file in MAINSPRING_INPUT.
"""

import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from mainspring.attempts import Attempt
from mainspring.states import StateReason
from mainspring_executors import outputs
from mainspring_executors.large_inputs import with_values
from mainspring_executors.protocol.results import Result, TaskEnded, failed, skipped
from mainspring_executors.task import Fail, Skip, current
from mainspring_executors.tasks.plan import Call, Plan, Program, Work, environment_of, rejected, working_dir_of

__all__ = ["ARGUMENTS", "needs_process", "plan"]

ARGUMENTS = ("/args", "/kwargs")
"""Beginnings of the places (JSON pointers) of a callable's arguments."""


def needs_process(payload: Mapping[str, Any]) -> bool:
    return "source" in payload or bool(payload.get("env")) or payload.get("working_dir") is not None


def plan(work: Work) -> Plan:
    payload = work.payload
    if isinstance(payload.get("source"), str) and "callable" not in payload:
        return Program(
            # -I: only installed packages can be imported; -u: each line appears in the log at once.
            argv=(sys.executable, "-I", "-u", work.script_path),
            files={
                work.script_path: payload["source"].encode("utf-8", "surrogatepass"),
                work.input_path: orjson.dumps(payload.get("inputs") or {}),
            },
            env=environment_of(work.attempt),
            working_dir=working_dir_of(work.attempt),
            skip_exit_code=payload.get("skip_exit_code"),
        )
    if not isinstance(payload.get("callable"), str) or "source" in payload:
        raise rejected('a python task needs either `callable` ("package.module:function") or `source`, a text')
    return Call(
        function=functools.partial(_run, work),
        env=environment_of(work.attempt) if "env" in payload else {},
        working_dir=working_dir_of(work.attempt),
    )


def _run(work: Work) -> Result:
    token = current.set(work.attempt)
    try:
        function = _load(work.payload["callable"])
        args, kwargs = _arguments(work.attempt)
        value = function(*args, **kwargs)
        encoded = outputs.from_returned(value, work.room)
        return Result(outputs_json=encoded.json, large=encoded.large)
    except TaskEnded as exc:
        return exc.result
    except Skip as exc:
        return skipped(str(exc) or "the task asked to be skipped")
    except Fail as exc:
        return failed(StateReason.FAIL_REQUESTED, str(exc) or "the task asked to fail without another try")
    except SystemExit as exc:
        return _exit_result(exc)
    except BaseException as exc:
        # Any exception of a task costs only its own attempt. Skip the first frame, which is this function.
        traceback.print_exception(type(exc), exc, exc.__traceback__ and exc.__traceback__.tb_next, file=sys.stderr)
        return failed(StateReason.EXCEPTION, _sentence(exc))
    finally:
        current.reset(token)


def _arguments(attempt: Attempt) -> tuple[Sequence[Any], Mapping[str, Any]]:
    payload = with_values(attempt, is_wanted=lambda place: True, is_text=lambda place: False).payload
    return payload.get("args") or (), payload.get("kwargs") or {}


def _load(name: str) -> Callable[..., object]:
    """The callable `package.module:function` or `package.module:Class.method`, imported now or before."""
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise _not_found(name, 'write "package.module:function"')
    try:
        # Cheap for an imported module. Waits while another thread imports the module.
        target: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (module_name == exc.name or module_name.startswith(exc.name + ".")):
            raise _not_found(
                name, f"there is no module '{exc.name}'; put it in a folder of MAINSPRING_CODE_PATH or install it"
            ) from exc
        raise
    for attribute in path.split("."):
        try:
            target = getattr(target, attribute)
        except AttributeError as exc:
            raise _not_found(name, f"module '{module_name}' has no '{attribute}'") from exc
    if not callable(target):
        raise _not_found(name, f"it is a {type(target).__name__}, which cannot be called")
    return target  # type: ignore[no-any-return]


def _not_found(name: str, cure: str) -> TaskEnded:
    return TaskEnded(failed(StateReason.CALLABLE_NOT_FOUND, f"callable '{name}' was not found: {cure}"))


def _exit_result(exc: SystemExit) -> Result:
    """`sys.exit()` in a callable means what it means in a program."""
    if exc.code is None or exc.code == 0:
        return Result()
    code = exc.code if isinstance(exc.code, int) else 1
    if not isinstance(exc.code, int):
        print(exc.code, file=sys.stderr)  # noqa: T201
    return failed(StateReason.EXIT_CODE, f"the callable ended by sys.exit({exc.code!r})", exit_code=code)


def _sentence(exc: BaseException) -> str:
    try:
        text = str(exc)
    except Exception:  # a broken __str__ must not hide the exception
        text = "(its text cannot be read)"
    name = type(exc).__name__
    return f"{name}: {text}" if text else name
