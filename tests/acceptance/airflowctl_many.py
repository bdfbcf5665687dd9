"""Runs `airflowctl` once for each line of its input, in one process. It has the command's environment, not ours.

A line is a JSON list of arguments; the answer is one line, an object with `exit_code`, `output` and `errors`.
"""

import io
import json
import runpy
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout


def main() -> None:
    for line in sys.stdin:
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            exit_code = run(json.loads(line))
        answer = {"exit_code": exit_code, "output": output.getvalue(), "errors": errors.getvalue()}
        print(json.dumps(answer), flush=True)


def run(arguments: list[str]) -> int:
    """What the process would have ended with."""
    sys.argv = ["airflowctl", *arguments]
    try:
        runpy.run_module("airflowctl", run_name="__main__")
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
