"""YAML 1.2 as another spelling of JSON, and nothing more.

Read event by event from libyaml, so that every bound is kept while reading and not after. The core schema of YAML 1.2
decides what a plain scalar is: `no`, `12:30` and `2026-01-01` are strings, `010` is ten. Refused are keys that repeat
or are no strings, merge keys, tags of other kinds, numbers that JSON lacks, and further documents. Aliases are shared,
not copied, and every use of an alias counts as a written copy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mainspring.definition.json_source import decode, read_float, read_integer
from mainspring.definition.report import PROBLEMS_MAX
from mainspring.definition.tree import DEPTH_MAX, NODES_MAX, Unusable
from mainspring.errors import InvalidInput, Problem
from mainspring.pointers import join_pointer, split_pointer

__all__ = ["Lines", "load_yaml"]

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NO_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Lines:
    """Where each value of a YAML document stands."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[str, int]] = {}
        """Identity of a container -> key or index -> line. The containers live as long as the document."""

    def note(self, container: Any, key: str, line: int) -> None:
        self._lines.setdefault(id(container), {})[key] = line

    def of(self, document: Any, pointer: str) -> int:
        """The line, from 1, of the value at `pointer`, or of the nearest existing ancestor."""
        line = 1
        value = document
        for key in split_pointer(pointer):
            line = self._lines.get(id(value), {}).get(key, 0) or line
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                break
        return line


def load_yaml(
    data: bytes, *, bytes_max: int, depth_max: int = DEPTH_MAX, nodes_max: int = NODES_MAX
) -> tuple[Any, Lines]:
    """The value of the single document in `data`, and the lines of its parts.

    What the value holds is still to be held against `check_tree`.

    Raises:
        InvalidInput: the text is not this YAML; each problem has its line.
    """
    return _Composer(depth_max, nodes_max).compose(decode(data, bytes_max))


class _Stop(Exception):
    """Raised where reading cannot go on."""

    def __init__(self, message: str, code: str, line: int) -> None:
        super().__init__(message)
        self.problem = Problem(pointer="", message=message, line=line, code=code)


@dataclass(slots=True)
class _Anchor:
    """A value that aliases may refer to."""

    value: Any
    nodes: int = 1
    height: int = 0
    """Levels of containers below and including it."""
    is_complete: bool = True


@dataclass(slots=True)
class _Open:
    """A container that is being read."""

    value: Any
    pointer: str
    anchor: _Anchor
    key: str | None = None
    """The key whose value comes next; `None` = a key comes next."""
    skips_value: bool = False
    lines: dict[str, int] = field(default_factory=dict)
    """Key -> line, for the report of duplicate keys."""


class _Composer:
    def __init__(self, depth_max: int, nodes_max: int) -> None:
        self.depth_max = depth_max
        self.nodes_max = nodes_max
        self.nodes = 0
        self.problems: list[Problem] = []
        self.lines = Lines()
        self.anchors: dict[str, _Anchor] = {}
        self.open: list[_Open] = []
        self.documents = 0
        self.root: Any = None

    def compose(self, text: str) -> tuple[Any, Lines]:
        import yaml

        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                self._take(event, yaml)
                if len(self.problems) >= PROBLEMS_MAX:
                    break
        except _Stop as stop:
            self.problems.append(stop.problem)
        except yaml.YAMLError as exc:
            self.problems.append(_syntax_problem(exc, text.count("\n") + 1))
        if self.problems:
            raise InvalidInput(self.problems)
        return self.root, self.lines

    def _take(self, event: Any, yaml: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event.anchor, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open_container({}, "map", event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open_container([], "seq", event, line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close_container()
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _Stop("a second document begins here; only one is read", "syntax", line)

    def _take_scalar(self, event: Any, line: int) -> None:
        top = self.open[-1] if self.open else None
        value = self._scalar(event, line)
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._take_key(top, value, event, line)
        else:
            self._add(value, _Anchor(value), event.anchor, line)

    def _take_key(self, top: _Open, value: Any, event: Any, line: int) -> None:
        top.key = event.value
        if event.value == "<<" and event.implicit[0]:
            self._problem(top.pointer, "merge keys (<<) are not read; write the fields out", "merge_key", line)
        elif not isinstance(value, str):
            hint = f'quote it: "{event.value}"'
            self._problem(top.pointer, f"the key {event.value[:60]!r} is not a string", "wrong_type", line, hint)
        elif value in top.lines:
            message = f"the key {value[:60]!r} stands here more than once, first on line {top.lines[value]}"
            self._problem(join_pointer(top.pointer, value), message, "duplicate_key", line)
        else:
            if event.anchor:
                self.anchors[event.anchor] = _Anchor(value)
            top.lines[value] = line
            return
        top.skips_value = True

    def _take_alias(self, name: str, line: int) -> None:
        anchor = self.anchors.get(name)
        if anchor is None or not anchor.is_complete:
            raise _Stop(f"the alias *{name[:60]} stands for nothing that was read before it", "syntax", line)
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._problem(top.pointer, "an alias cannot be a key", "wrong_type", line)
            top.key, top.skips_value = "", True
            return
        if len(self.open) + anchor.height > self.depth_max:
            self._too_deep(line)
        self._add(anchor.value, anchor, None, line)

    def _open_container(self, value: Any, kind: str, event: Any, line: int) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise _Stop("a key must be a string, not a list or an object", "wrong_type", line)
        if event.tag not in (None, "!", _TAG + kind):
            self._problem(self._pointer(), f"the tag {event.tag[:60]} is not allowed", "tag", line)
        if len(self.open) >= self.depth_max:
            self._too_deep(line)
        anchor = _Anchor(value, nodes=0, is_complete=False)
        opened = _Open(value, self._pointer(), anchor)
        self._add(value, anchor, event.anchor, line)
        self.open.append(opened)

    def _close_container(self) -> None:
        closed = self.open.pop()
        closed.anchor.is_complete = True
        closed.anchor.nodes += 1
        closed.anchor.height += 1
        if self.open:
            above = self.open[-1].anchor
            above.nodes += closed.anchor.nodes
            above.height = max(above.height, closed.anchor.height)

    def _add(self, value: Any, anchor: _Anchor, name: str | None, line: int) -> None:
        """Put a value where it belongs. An open collection counts as one node now and with all nodes after its end."""
        self.nodes += anchor.nodes if anchor.is_complete else 1
        if self.nodes > self.nodes_max:
            message = f"the document has more than {self.nodes_max} values, aliases written out"
            raise _Stop(message, "too_many_nodes", line)
        if name:
            self.anchors[name] = anchor
        if not self.open:
            self.root = value
            return
        top = self.open[-1]
        if anchor.is_complete:
            top.anchor.nodes += anchor.nodes
            top.anchor.height = max(top.anchor.height, anchor.height)
        if isinstance(top.value, list):
            self.lines.note(top.value, str(len(top.value)), line)
            top.value.append(value)
        else:
            if not top.skips_value:
                self.lines.note(top.value, str(top.key), top.lines[str(top.key)])
                top.value[top.key] = value
            top.key, top.skips_value = None, False

    def _scalar(self, event: Any, line: int) -> Any:
        text: str = event.value
        if event.tag in ("!", _TAG + "str") or (event.tag is None and not event.implicit[0]):
            return text
        if event.tag is not None and event.tag not in {_TAG + name for name in ("null", "bool", "int", "float")}:
            self._problem(self._pointer(), f"the tag {event.tag[:60]} is not allowed", "tag", line)
            return text
        value = _resolve(text)
        if isinstance(value, str) and event.tag is not None:
            self._problem(self._pointer(), f"{text[:60]!r} does not fit the tag {event.tag}", "tag", line)
        return value

    def _pointer(self) -> str:
        """Of the value that is read next."""
        if not self.open:
            return ""
        top = self.open[-1]
        return join_pointer(top.pointer, len(top.value) if isinstance(top.value, list) else top.key or "")

    def _problem(self, pointer: str, message: str, code: str, line: int, hint: str | None = None) -> None:
        self.problems.append(Problem(pointer=pointer, message=message, line=line, hint=hint, code=code))

    def _too_deep(self, line: int) -> None:
        raise _Stop(f"it is nested deeper than {self.depth_max} levels", "too_deep", line)


def _resolve(text: str) -> Any:
    """What a plain scalar is by the core schema of YAML 1.2. A number that cannot be kept is left to `check_tree`."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _NO_JSON.fullmatch(text):
        return Unusable(f"{text} is no JSON number")
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return read_integer(text, base)
    return read_float(text) if _FLOAT.fullmatch(text) else text


def _syntax_problem(exc: Any, lines: int) -> Problem:
    """What libyaml says, in one line. The parser counts one line too many when the end of the text is incomplete."""
    mark = getattr(exc, "problem_mark", None)
    line = min(mark.line + 1, lines) if mark else None
    parts = (getattr(exc, "context", None), getattr(exc, "problem", None) or getattr(exc, "reason", None))
    message = " ".join(part for part in parts if part) or str(exc).partition("\n")[0]
    return Problem(pointer="", message=f"the body is not YAML: {message}", line=line, code="syntax")
