"""Named places at which a test makes a process die, halt or fail, to prove what the code around them promises.

Armed by the environment of a process when it starts: `MAINSPRING_FAILPOINTS` names a folder. A file in it that has the
name of a place says what the first process that comes by shall do there: `kill`, `stop` or `raise`. That process takes
the file first, by renaming it to `<name>.<its process id>`, so that nobody does it twice.

Without the variable, as everywhere but in `./dev chaos`, a place is a call of a function that does nothing.
"""

import os
import signal
from collections.abc import Callable

__all__ = ["VARIABLE", "FailpointError", "failpoint"]

VARIABLE = "MAINSPRING_FAILPOINTS"


class FailpointError(RuntimeError):
    """What a place raises when it is told to `raise`: an error that nobody expects there."""


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
"""Say that this place is reached; its name is `<process>.<step>`, `remote` being a scheduler towards its workers."""
