"""Task type `file`: looks once for a file, for a `wait` task.

Payload: `path`, `min_bytes`, `stable_for`. Outputs: `path`, `bytes`, `modified_at`. The attempt fails as `not_yet` when
there is no such file, or when the file is too small or too new.
"""

import functools
import os
import stat
import time
from datetime import UTC, datetime

import orjson

from mainspring.attempts import Attempt
from mainspring.durations import parse_duration
from mainspring.instants import format_instant
from mainspring.states import StateReason
from mainspring_executors.protocol.results import Result, failed
from mainspring_executors.tasks.plan import Call, Work, rejected

__all__ = ["plan"]


def plan(work: Work) -> Call:
    path = work.payload["path"]
    if not (isinstance(path, str) and os.path.isabs(path)) or "\0" in path:
        raise rejected(f"path is {path!r}; it must be the absolute path of a file where the queue of the task runs")
    return Call(function=functools.partial(_look, work.attempt))


def _look(attempt: Attempt) -> Result:
    payload = attempt.payload
    path = payload["path"]
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return _not_yet(f"there is no file {path}")
    except OSError as exc:
        return failed(StateReason.EXCEPTION, f"file {path} cannot be looked at: {exc.strerror or exc}")
    if not stat.S_ISREG(found.st_mode):
        return failed(StateReason.REJECTED, f"{path} is no regular file; name the file that the task waits for")
    bytes_min = payload.get("min_bytes", 0)
    if found.st_size < bytes_min:
        return _not_yet(f"file {path} has {found.st_size} of {bytes_min} bytes")
    stable_seconds = parse_duration(payload.get("stable_for", "PT0S")).total_seconds()
    # A clock of a file server that is ahead makes the file a little younger, never older.
    age_seconds = max(time.time() - found.st_mtime, 0.0)
    if age_seconds < stable_seconds:
        return _not_yet(
            f"file {path} was modified {age_seconds:.1f} s ago; it must be unchanged for {stable_seconds:g} s"
        )
    modified_at = format_instant(datetime.fromtimestamp(found.st_mtime, UTC))
    return Result(outputs_json=orjson.dumps({"path": path, "bytes": found.st_size, "modified_at": modified_at}))


def _not_yet(message: str) -> Result:
    return failed(StateReason.NOT_YET, message)
