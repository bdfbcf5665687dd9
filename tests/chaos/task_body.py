"""What some tasks of the diamond do, as a callable: a worker imports this file and nothing else of the tests."""

import fcntl
import os
import time

__all__ = ["carry_out"]


def carry_out() -> dict[str, int]:
    """The same as the script of the other tasks; see `execution_log`."""
    env = os.environ
    run_id, task_id, attempt_id = (env[f"MAINSPRING_{name}_ID"] for name in ("RUN", "TASK", "ATTEMPT"))

    def tell(word: str) -> None:
        with open(env["WITNESS"], "a") as file:
            file.write(f"{word} {run_id} {task_id} {attempt_id} {os.getpid()}\n")

    with open(f"{env['WITNESS']}.{run_id}.{task_id}", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("overlap")
        tell("start")
        print(f"begun {attempt_id}")
        time.sleep(float(env["PAUSE"]))
        print(f"ended {attempt_id}")
        tell("end")
    return {"n": int(env["SUM"]) + 1}
