"""Callables that the conformance suite runs."""

import hashlib
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from mainspring_executors import Fail, Skip, current_attempt

LIMIT_SECONDS = 60.0


def one():
    return 1


def add(left, right):
    return left + right


def echo(value=None, **values):
    return values or value


def talk(text):
    print(text)
    print("to stderr", file=sys.stderr)
    logging.getLogger("jobs").info("through logging")


def write_bytes(hexadecimal):
    sys.stdout.buffer.write(bytes.fromhex(hexadecimal))


def print_many(count, size):
    line = "x" * (size - 1)
    for _ in range(count):
        print(line)


def print_one_line(megabytes):
    sys.stdout.write("y" * megabytes * 1_000_000)


def boom(text):
    raise ValueError(text)


def boom_strangely():
    raise ValueError("a lone surrogate \udc80 and a NUL \0")


def boom_in_base_exception():
    raise GeneratorExit


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def boom_mutely():
    raise Mute


def import_missing():
    import a_module_that_is_not_installed  # noqa: F401


def skip(text):
    raise Skip(text)


def fail(text):
    raise Fail(text)


def leave(code):
    sys.exit(code)


def die(code):
    os._exit(code)


def die_by(number):
    os.kill(os.getpid(), number)
    time.sleep(LIMIT_SECONDS)


def unspeakable():
    return {"rows": [{"when": object()}]}


def not_a_number():
    return {"rate": float("nan")}


def huge_integer():
    return 10**30


def long_text(size):
    return "z" * size


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def my_span():
    return current_attempt().traceparent


def about_me():
    me = current_attempt()
    return {
        "dag_id": me.dag_id,
        "run_id": me.run_id,
        "task_id": me.task_id,
        "try_number": me.try_number,
        "map_index": me.map_index,
        "attempt_id": me.attempt_id,
        "logical_date": me.logical_date.isoformat(),
        "ds": me.ds,
        "params": me.params,
    }


def environment():
    return dict(os.environ)


def whereabouts():
    return {"cwd": os.getcwd(), "pid": os.getpid(), "ppid": os.getppid()}


def wait_for(path, witness):
    """Says that it runs, then waits for a file."""
    Path(witness).write_text(str(os.getpid()))
    deadline = time.monotonic() + LIMIT_SECONDS
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return "released"


def talk_around(path, witness):
    print("early")
    wait_for(path, witness)
    print("late")


def ignore_term(witness):
    """Cannot be persuaded to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for("/nonexistent", witness)


def start_daemon(witness):
    """Leaves a process behind that has a session of its own and ignores TERM."""
    script = f'trap "" TERM HUP; echo $$ > {witness}.new; mv {witness}.new {witness}; while :; do sleep 0.1; done'
    subprocess.Popen(["setsid", "sh", "-c", script], stdin=subprocess.DEVNULL)
    while not Path(witness).exists():
        time.sleep(0.01)


def descriptors():
    """What this process holds open."""
    paths = (f"/proc/self/fd/{descriptor}" for descriptor in os.listdir("/proc/self/fd"))
    return "\n".join(os.readlink(path) for path in paths if os.path.lexists(path))


def descriptors_of_a_child():
    """What a program that this process starts holds open."""
    listing = """
import os
for descriptor in os.listdir("/proc/self/fd"):
    if os.path.lexists(f"/proc/self/fd/{descriptor}"):
        print(descriptor, os.readlink(f"/proc/self/fd/{descriptor}"))
"""
    return subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout


def scribble_on_sockets(hexadecimal):
    """Writes to everything that looks like a socket of the host, and ends the process."""
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, bytes.fromhex(hexadecimal))
        except OSError:
            continue
    os._exit(1)


def kill_parent(witness):
    with open(witness, "a") as file:
        file.write("start\n")
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(LIMIT_SECONDS)


def die_with_a_witness(witness):
    with open(witness, "a") as file:
        file.write("start\n")
    os._exit(7)


def numbers(count):
    return list(range(count))


def two_texts(letter, size):
    return {"first": letter * size, "second": letter * size}


def digests(*args, **kwargs):
    """SHA-256 of the JSON of each argument, by its position or name."""
    values = {**{str(index): value for index, value in enumerate(args)}, **kwargs}
    return {name: hashlib.sha256(json.dumps(value).encode()).hexdigest() for name, value in values.items()}
