"""Runs a command so that other users of this machine reach the interpreter and the code, wherever these are."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

__all__ = ["AS_ROOT_ONLY", "command_as", "command_in_reach"]

AS_ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start tasks as another user")


def command_in_reach() -> list[str]:
    """The beginning of a command for root; empty when nothing is out of reach.

    The rest of the command runs in a mount namespace of its own. There a closed folder above the interpreter or the
    code is replaced by an open folder with nothing else in it.
    """
    needed = {Path(sys.base_prefix), Path(sys.prefix), Path(__file__).parents[2]}
    closed = {above: path for path in needed if (above := _closed_above(path))}
    if not closed:
        return []
    steps = ["set -e", "stash=$(mktemp -d)"]
    hidden = [path for path in needed if _closed_above(path)]
    for number, path in enumerate(hidden):
        steps += [f"mkdir $stash/{number}", f"mount --bind '{path}' $stash/{number}"]
    steps += [f"mount -t tmpfs -o mode=755 none '{above}'" for above in _topmost(closed)]
    for number, path in enumerate(hidden):
        steps += [f"mkdir -p '{path}'", f"mount --move $stash/{number} '{path}'", f"rmdir $stash/{number}"]
    steps += ["rmdir $stash", "umask 022", 'exec "$@"']
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(steps), "sh"]


def command_as(uid: int) -> list[str]:
    """The same, for a command that runs as this user."""
    return [*command_in_reach(), "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"]


def _closed_above(path: Path) -> Path | None:
    """The uppermost folder above `path` that others cannot pass through."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)


def _topmost(folders: Iterable[Path]) -> list[Path]:
    return sorted(set(folders))
