"""The environment of every process that a test starts."""

import os

__all__ = ["child_environment"]

_CARRIED = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "MAINSPRING_FAILPOINTS", "DATA_DIR")
"""tests/mutants sets the first two, so that children too run the copy with the known bug. A test arms failpoints of its
children by the third one, and hands DATA_DIR to workers."""


def child_environment(**variables: str) -> dict[str, str]:
    """PATH, HOME, LANG and `variables`.

    A variable of the developer's shell decides nothing: PYTHONUNBUFFERED, for example, hides output that is lost.
    """
    carried = {name: os.environ[name] for name in ("PATH", "HOME", *_CARRIED) if name in os.environ}
    return {**carried, "LANG": "C.UTF-8", **variables}
