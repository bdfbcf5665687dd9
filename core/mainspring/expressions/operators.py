"""Where the operands of `+ - * /` stand, and a text with insertions around spans of it.

CEL knows no operation on an integer and a double. JSON has one kind of number, so an expression that fails for this
reason is evaluated again with each operator as a call (`syntax.Analysis.mixed`); for that the operands must be known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mainspring.expressions.syntax import Token

__all__ = ["CALLS", "Operation", "Wrap", "operations", "rewrite"]

CALLS = {"+": "_add", "-": "_subtract", "*": "_multiply", "/": "_divide"}
"""Operator -> the function that stands for the operator."""
_DEPTH_MAX = 40
_LEVELS = (
    (("|", "|"),),
    (("&", "&"),),
    (("=", "="), ("!", "="), ("<", "="), (">", "="), ("<",), (">",), ("in",)),
    (("+",), ("-",)),
    (("*",), ("/",), ("%",)),
)
"""Operators by how tightly they bind, the loosest first. The tokens of `<=` are two."""
_ADDITION = 3


@dataclass(frozen=True, slots=True)
class Wrap:
    """Text to put before and after a span."""

    start: int
    end: int
    prefix: str
    suffix: str = ""
    is_inner: bool = False
    """Whether this wrap is inside another wrap with the same span."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`left sign right`, from `start` to `end`."""

    start: int
    end: int
    sign: "Token"

    def wrap(self) -> Wrap:
        return Wrap(self.start, self.end, f"{CALLS[self.sign.text]}(", ")", is_inner=True)


def rewrite(text: str, wraps: Iterable[Wrap], commas: Iterable["Token"] = ()) -> str:
    """`text` with the wraps, which nest, and with a comma in place of each token of `commas`."""
    events: list[tuple[int, int, int, int, str, int]] = []  # position, kind, order within it, skipped characters
    for wrap in wraps:
        rank = int(wrap.is_inner)
        if wrap.suffix:
            events.append((wrap.end, 0, -wrap.start, -rank, wrap.suffix, wrap.end))
        events.append((wrap.start, 2, -wrap.end, rank, wrap.prefix, wrap.start))
    events += [(token.start, 1, 0, 0, ",", token.end) for token in commas]
    pieces: list[str] = []
    position = 0
    for at, _, _, _, piece, following in sorted(events):
        pieces += (text[position:at], piece)
        position = following
    return "".join([*pieces, text[position:]])


def operations(tokens: Sequence["Token"]) -> tuple[Operation, ...]:
    """Each arithmetic operation but `%`; none when the tokens are no expression or are nested too deeply."""
    reader = _Reader(tokens)
    try:
        reader.expression()
    except _Unreadable:
        return ()
    return tuple(reader.operations) if reader.at == len(tokens) else ()


class _Unreadable(Exception):
    """The parser of CEL says why."""


class _Reader:
    """Reads by the grammar of CEL, and notes the spans of operations."""

    def __init__(self, tokens: Sequence["Token"]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.operations: list[Operation] = []

    def expression(self) -> None:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise _Unreadable
        self._binary(0)
        if self._takes("?"):
            self.expression()
            self._expect(":")
            self.expression()
        self.depth -= 1

    def _binary(self, level: int) -> None:
        if level == len(_LEVELS):
            self._unary()
            return
        start = self._peek().start
        self._binary(level + 1)
        while (length := self._operator(level)) > 0:
            sign = self._peek()
            self.at += length
            self._binary(level + 1)
            if level >= _ADDITION and sign.text in CALLS:
                self.operations.append(Operation(start, self.tokens[self.at - 1].end, sign))

    def _operator(self, level: int) -> int:
        """How many tokens the operator that stands here has; 0 when none of this level does."""
        for signs in _LEVELS[level]:
            if tuple(token.text for token in self.tokens[self.at : self.at + len(signs)]) == signs:
                return len(signs)
        return 0

    def _unary(self) -> None:
        while self._takes("!") or self._takes("-"):
            pass
        self._primary()
        while True:
            if self._takes("."):
                self._name()
                if self._takes("("):
                    self._items(")")
            elif self._takes("["):
                self.expression()
                self._expect("]")
            else:
                return

    def _primary(self) -> None:
        if self._takes("("):
            self.expression()
            self._expect(")")
        elif self._takes("["):
            self._items("]")
        elif self._takes("{"):
            self._items("}", is_map=True)
        elif self._peek().kind == "name":
            self._name()
            if self._takes("("):
                self._items(")")
        elif self._peek().kind in ("string", "number"):
            self.at += 1
        else:
            raise _Unreadable

    def _items(self, closer: str, *, is_map: bool = False) -> None:
        while not self._takes(closer):
            self.expression()
            if is_map:
                self._expect(":")
                self.expression()
            if not self._takes(","):
                self._expect(closer)
                return

    def _name(self) -> None:
        if self._peek().kind != "name":
            raise _Unreadable
        self.at += 1

    def _peek(self) -> "Token":
        if self.at >= len(self.tokens):
            raise _Unreadable
        return self.tokens[self.at]

    def _takes(self, sign: str) -> bool:
        is_here = self.at < len(self.tokens) and self.tokens[self.at].text == sign
        self.at += is_here
        return is_here

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise _Unreadable
