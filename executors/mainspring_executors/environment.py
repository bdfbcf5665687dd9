"""The environment of every process of a task: built from empty, never inherited whole."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from mainspring.attempts import Attempt

__all__ = ["ATTEMPT_VARIABLE", "HOST_VARIABLE", "INHERITED", "code_variables", "facts", "inherited"]

INHERITED = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ", "USER",
)  # fmt: skip
"""Variables that tasks get from the scheduler's environment. None of them holds a credential."""

HOST_VARIABLE = "MAINSPRING_TASK_HOST"
"""Holds the mark of the host of a process. The search for orphans reads it."""
ATTEMPT_VARIABLE = "MAINSPRING_ATTEMPT_ID"
"""Holds the attempt of a process. The search for descendants that left their process group reads it."""

_CONTEXT_FACTS = ("logical_date", "data_interval_start", "data_interval_end", "ds")


def inherited(extra: Iterable[str] = ()) -> dict[str, str]:
    """The variables of this process that every task inherits: `INHERITED` and `extra`.

    The folder of this interpreter comes first in PATH, so that `python` runs the interpreter of Mainspring.
    """
    env = {name: os.environ[name] for name in (*INHERITED, *extra) if name in os.environ}
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    interpreter_folder = os.path.dirname(sys.executable)
    env["PATH"] = os.pathsep.join([interpreter_folder, *(folder for folder in folders if folder != interpreter_folder)])
    return env


def code_variables(code_path: Sequence[str]) -> dict[str, str]:
    """Variables that let programs import the code of the callables."""
    if not code_path:
        return {}
    shared = os.pathsep.join(code_path)
    return {"MAINSPRING_CODE_PATH": shared, "PYTHONPATH": shared}


def facts(attempt: Attempt) -> Mapping[str, str]:
    """Variables that describe the attempt to its task. These names win over the task's own `env`."""
    env = {
        ATTEMPT_VARIABLE: attempt.attempt_id,
        "MAINSPRING_DAG_ID": attempt.dag_id,
        "MAINSPRING_RUN_ID": attempt.run_id,
        "MAINSPRING_TASK_ID": attempt.task_id,
        "MAINSPRING_MAP_INDEX": str(attempt.map_index),
        "MAINSPRING_TRY_NUMBER": str(attempt.try_number),
    }
    for name in _CONTEXT_FACTS:
        value = attempt.context.get(name)
        if value is not None:
            env[f"MAINSPRING_{name.upper()}"] = str(value)
    traceparent = attempt.context.get("traceparent")
    if traceparent is not None:
        env["TRACEPARENT"] = str(traceparent)  # the name that the libraries of OpenTelemetry read
    return env
