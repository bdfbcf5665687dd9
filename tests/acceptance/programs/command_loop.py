"""Runs a console script once for each line of its input, in one process. It has the program's environment, not ours.

The argument is the name of the script. A line is a JSON list of arguments; the answer is one line, an object with
`exit_code`, `output` and `errors`.
"""

import io
import json
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points


def main() -> None:
    name = sys.argv[1]
    [script] = entry_points(group="console_scripts", name=name)
    program = script.load()
    for line in sys.stdin:
        output, errors = io.StringIO(), io.StringIO()
        sys.argv = [name, *json.loads(line)]
        with redirect_stdout(output), redirect_stderr(errors):
            exit_code = run(program)
        answer = {"exit_code": exit_code, "output": output.getvalue(), "errors": errors.getvalue()}
        print(json.dumps(answer), flush=True)


def run(program: Callable[[], object]) -> int:
    """The exit code of a process that runs the program."""
    try:
        program()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
