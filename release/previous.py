"""The release before the one that is made: the tests of an upgrade run its code beside this one."""

import re
import subprocess
from pathlib import Path

from release.versions import ReleaseError, order

__all__ = ["check_previous"]

_NAMED = Path("tests", "schemas", "previous.py")
_MIGRATIONS = "store/mainspring_store/schema/migrations/versions/"


def check_previous(root: Path, version: str) -> str:
    """A sentence for whoever makes the release: beside which commit the tests of an upgrade run.

    Raises:
        ReleaseError: `tests/schemas/previous.py` names another commit than the tag of the newest release below
            `version`, or not the tables of its commit. The message has the lines to write.
    """
    text = (root / _NAMED).read_text(encoding="utf-8")
    named = (_value(text, "PREVIOUS_COMMIT"), _value(text, "PREVIOUS_REVISION"))
    tag = _newest_tag(root, version)
    commit = _git(root, "rev-parse", f"{tag}^{{commit}}").strip() if tag else named[0]
    right = (commit, _newest_revision(root, commit))
    if named != right:
        lines = f'    PREVIOUS_COMMIT = "{right[0]}"\n    PREVIOUS_REVISION = "{right[1]}"'
        raise ReleaseError(
            f"{_NAMED} does not name the release before {version}, which is {tag or commit}; write\n{lines}\n"
            "and run ./dev test tests/acceptance/faults/test_rolling_upgrade.py tests/schemas"
        )
    return f"the tests of an upgrade run beside {tag or f'commit {commit}, as no release below {version} has a tag'}"


def _value(text: str, name: str) -> str:
    (value,) = re.findall(rf'^{name} = "(\w+)"$', text, re.MULTILINE)
    return str(value)


def _newest_tag(root: Path, version: str) -> str | None:
    """Of a release below `version`: neither a release candidate nor a later version."""
    tags = [tag for tag in _git(root, "tag", "--list", "v*").split() if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    below = [tag for tag in tags if order(tag[1:]) < order(version)]
    return max(below, key=lambda tag: order(tag[1:]), default=None)


def _newest_revision(root: Path, commit: str) -> str:
    names = _git(root, "ls-tree", "--name-only", commit, _MIGRATIONS).split()
    return max((Path(name).name[:4] for name in names if re.match(r"\d{4}_", Path(name).name)), default="")


def _git(root: Path, *arguments: str) -> str:
    ended = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    if ended.returncode != 0:
        raise ReleaseError(f"git {' '.join(arguments)} failed: {ended.stderr.strip()}")
    return ended.stdout
