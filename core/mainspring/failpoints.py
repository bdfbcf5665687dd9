"""Named places at which a test makes a process die, halt or fail, to prove the promises of the surrounding code.

Armed by the environment of a process when it starts: `MAINSPRING_FAILPOINTS` names a folder. A file with the name of a
place gives the first process at this place its action: `kill`, `stop` or `raise`. The process first renames the file to
`<name>.<process id>`, so that only one process acts.

Without the variable, which only `./dev chaos` sets, a place is a call of an empty function.
"""

import os
import signal
from collections.abc import Callable

__all__ = ["VARIABLE", "FailpointError", "failpoint"]

VARIABLE = "MAINSPRING_FAILPOINTS"


class FailpointError(RuntimeError):
    """Error that a place raises for the action `raise`: an error that nobody expects there."""


def _pass_by(name: str) -> None:
    """Not armed."""


def _failpoint_in(folder: str) -> Callable[[str], None]:
    signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

    def failpoint(name: str) -> None:
        taken = os.path.join(folder, f"{name}.{os.getpid()}")
        try:
            os.rename(os.path.join(folder, name), taken)
        except FileNotFoundError:
            return
        with open(taken) as order:
            action = order.read()
        if action not in signals:
            raise FailpointError(f"failpoint {name}")
        os.kill(os.getpid(), signals[action])

    return failpoint


failpoint = _failpoint_in(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _pass_by
"""Say that this place is reached; The name is `<process>.<step>`; `remote` is the scheduler's side of workers."""
