"""Texts of tasks, definitions and servers without the characters that would steer a terminal."""

import re

__all__ = ["coloured_at_most", "printable", "printable_json"]

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All control characters but tab and line feed."""
_COLOUR = r"\x1b\[[0-9;:]*m"
_COLOURS_AND_CONTROLS = re.compile(f"({_COLOUR})|{_CONTROLS.pattern}")
_RESET = "\x1b[0m"


def printable(text: str) -> str:
    """The text without control characters; tabs and line feeds stay."""
    return _CONTROLS.sub("", text)


def coloured_at_most(line: str) -> str:
    """A line of a log for a terminal: the colours stay, and end with the line."""
    kept = _COLOURS_AND_CONTROLS.sub(lambda match: match[1] or "", line)
    return kept + _RESET if "\x1b" in kept else kept


def printable_json(text: str) -> str:
    """The same JSON; control characters in its strings are escaped."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
