"""Guesses at what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]

KNOWN_MAX = 500
"""Comparing costs about 10 µs per known name; with more names, only names of similar length are tried."""


def did_you_mean(name: str, names: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """`did you mean 'extract'?`, or `None` when nothing known is close to `name`.

    likeness: of the closest name at least, from 0 to 1 = equal.
    """
    if len(name) > 250:
        return None
    candidates = list(names)
    if len(candidates) > KNOWN_MAX:
        candidates = [candidate for candidate in candidates if abs(len(candidate) - len(name)) <= 1][:KNOWN_MAX]
    close = get_close_matches(name, candidates, n=1, cutoff=likeness)
    return f"did you mean {close[0]!r}?" if close else None
