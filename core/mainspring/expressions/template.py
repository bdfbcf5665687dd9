"""`Template`: JSON whose strings may hold `${{ ... }}`. `Expression`: one condition or value, as in `when`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mainspring.errors import ExpressionError, InvalidInput, Problem
from mainspring.expressions.evaluation import compile_error, evaluate
from mainspring.expressions.syntax import ROOTS, Analysis, Refused, analyse, closing, shorten
from mainspring.large_values import LargeValue
from mainspring.pointers import join_pointer

__all__ = ["RESULT_BYTES_MAX", "Expression", "Template"]

RESULT_BYTES_MAX = 256 * 1024
"""Size of the JSON of a rendered expression or template."""

_OPEN = "${{"


@dataclass(frozen=True, init=False)
class Expression:
    """One CEL expression, written bare or as `${{ ... }}`. Expressions with equal text are equal."""

    source: str
    text: str = field(compare=False)
    """The CEL text."""
    _analysis: Analysis = field(compare=False, repr=False)

    def __init__(self, source: str, *, roots: frozenset[str] = ROOTS) -> None:
        """Read it; the CEL library is not needed for that. roots: the names that the expression may begin with.

        Raises:
            InvalidInput: it uses unknown names or functions, refers to tasks in a way that cannot be checked, or is
                too long or too complex.
        """
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "text", _unwrap(source))
        try:
            object.__setattr__(self, "_analysis", analyse(self.text, roots))
        except Refused as refused:
            raise refused.invalid(self.text) from None

    @property
    def names(self) -> frozenset[str]:
        """The root names it uses."""
        return self._analysis.names

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The places it reads, up to the last literal name: `("params", "rows")`."""
        return self._analysis.paths

    @property
    def task_references(self) -> frozenset[str]:
        """Ids of the tasks it names."""
        return self._analysis.task_references

    @property
    def variable_references(self) -> frozenset[str]:
        """Keys of the variables it names."""
        return self._analysis.variable_references

    def check(self) -> Problem | None:
        """What the CEL parser says against it. Plain paths need no parser and are always well-formed."""
        if self._analysis.plain is None and (message := compile_error(self.text)) is not None:
            return Problem(
                pointer="", message=f"expression {shorten(self.text)!r}: {message}", code="expression_syntax"
            )
        return None

    def evaluate(self, context: Mapping[str, Any], *, keeps_large: bool = False) -> Any:
        """Its JSON value. `context`: root name -> JSON value; `tasks`: task id -> {"outputs": ..., "state": ..., and
        `exit_code`, `reason` and `message` of its end}.

        keeps_large: whether the value may hold references (`LargeValue`).

        Raises:
            ExpressionError: the message names the expression, the cause and the cure.
        """
        value = evaluate(self.text, self._analysis, context)
        _check_size(self.text, value, keeps_large=keeps_large)
        return value


@dataclass(frozen=True, init=False)
class Template:
    """A JSON tree whose strings may hold `${{ ... }}`; `$${{` stands for a literal `${{`. Keys are never templated.

    A string with exactly one expression and no text becomes the value of the expression, with its JSON type. In mixed
    text a string value is inserted unchanged and any different value in JSON spelling (`true`, `null`, `1.5`, `["a"]`).
    """

    source: Any
    _pieces: Mapping[str, tuple[str | Expression, ...]] = field(compare=False, repr=False)
    """Each string of the tree with an expression -> parts of the string."""

    def __init__(self, source: Any, *, roots: frozenset[str] = ROOTS) -> None:
        """Read it; the CEL library is not needed for that. roots: as those of an `Expression`.

        Raises:
            InvalidInput: each refused expression, with a pointer within `source`.
        """
        object.__setattr__(self, "source", source)
        pieces: dict[str, tuple[str | Expression, ...]] = {}
        problems: list[Problem] = []
        for pointer, string in _templated_strings(source, ""):
            try:
                pieces[string] = tuple(_split(string, roots))
            except InvalidInput as exc:
                problems += (
                    Problem(pointer=pointer, message=p.message, hint=p.hint, code=p.code) for p in exc.problems
                )
        if problems:
            raise InvalidInput(problems)
        object.__setattr__(self, "_pieces", pieces)

    @property
    def is_constant(self) -> bool:
        """Whether it renders to its source: no expression and no escape in it."""
        return not self._pieces

    @property
    def names(self) -> frozenset[str]:
        """The root names that its expressions use."""
        return frozenset().union(*(expression.names for expression in self._expressions()))

    @property
    def task_references(self) -> frozenset[str]:
        """Ids of the tasks in the expressions."""
        return frozenset().union(*(expression.task_references for expression in self._expressions()))

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """The places that the expressions read, as those of an `Expression`."""
        return frozenset(path for expression in self._expressions() for path in expression.paths)

    @property
    def variable_references(self) -> frozenset[str]:
        """Keys of the variables in the expressions."""
        return frozenset().union(*(expression.variable_references for expression in self._expressions()))

    def check(self) -> list[Problem]:
        """Errors of the CEL parser for the expressions, with pointers within `source`."""
        problems: list[Problem] = []
        for pointer, string in _templated_strings(self.source, ""):
            checks = (piece.check() for piece in self._pieces[string] if isinstance(piece, Expression))
            problems += (Problem(pointer=pointer, message=p.message, hint=p.hint, code=p.code) for p in checks if p)
        return problems

    def render(self, context: Mapping[str, Any], *, keeps_large: bool = False) -> Any:
        """The tree with every expression evaluated. A constant template is returned without a copy.

        `context` and `keeps_large` are as for `Expression.evaluate`.

        Raises:
            ExpressionError: an expression failed, or the result is larger than `RESULT_BYTES_MAX`.
        """
        if not self._pieces:
            return self.source
        rendered = self._render(self.source, context, keeps_large)
        _check_size("the whole template", rendered, "value", keeps_large=keeps_large)
        return rendered

    def _render(self, value: Any, context: Mapping[str, Any], keeps_large: bool) -> Any:
        if isinstance(value, str):
            pieces = self._pieces.get(value)
            return value if pieces is None else _join(pieces, context, keeps_large)
        if isinstance(value, Mapping):
            return {key: self._render(item, context, keeps_large) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._render(item, context, keeps_large) for item in value]
        return value

    def expressions(self) -> Iterator[Expression]:
        """Every expression of the text or JSON value."""
        return self._expressions()

    def _expressions(self) -> Iterator[Expression]:
        return (piece for pieces in self._pieces.values() for piece in pieces if isinstance(piece, Expression))


def _templated_strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """(pointer, string) of every string with `${{`."""
    if isinstance(value, str):
        if _OPEN in value:
            yield pointer, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _templated_strings(item, join_pointer(pointer, key))
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            yield from _templated_strings(item, join_pointer(pointer, position))


def _split(string: str, roots: frozenset[str]) -> Iterator[str | Expression]:
    """The parts of a string: literal text and expressions, in order; no empty text."""
    at = 0
    while (opening := string.find(_OPEN, at)) >= 0:
        if opening > at and string[opening - 1] == "$":
            yield string[at : opening - 1] + _OPEN
            at = opening + len(_OPEN)
            continue
        if opening > at:
            yield string[at:opening]
        start = opening + len(_OPEN)
        end = _closing(string, start)
        yield Expression(string[start:end].strip(), roots=roots)
        at = end + 2
    if at < len(string):
        yield string[at:]


def _closing(string: str, start: int) -> int:
    try:
        end = closing(string, start)
    except Refused as refused:
        raise refused.invalid(string[start:]) from None
    if end < 0:
        message = f"expression {shorten(string[start:])!r}: '${{{{' is not closed by '}}}}'"
        hint = "write $${{ for the characters themselves"
        raise InvalidInput([Problem(pointer="", message=message, hint=hint, code="expression_syntax")])
    return end


def _unwrap(source: str) -> str:
    text = source.strip()
    if not text.startswith(_OPEN):
        return text
    end = _closing(text, len(_OPEN))
    if text[end + 2 :]:
        message = f"expression {shorten(text)!r}: text follows the closing '}}}}'"
        raise InvalidInput([Problem(pointer="", message=message, code="expression_syntax")])
    return text[len(_OPEN) : end].strip()


def _join(pieces: tuple[str | Expression, ...], context: Mapping[str, Any], keeps_large: bool) -> Any:
    if len(pieces) == 1 and isinstance(pieces[0], Expression):
        return pieces[0].evaluate(context, keeps_large=keeps_large)
    return "".join(piece if isinstance(piece, str) else _spell(piece.evaluate(context)) for piece in pieces)


def _spell(value: Any) -> str:
    return value if isinstance(value, str) else _dump(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_size(what: str, value: Any, kind: str = "expression", *, keeps_large: bool = False) -> None:
    if value is None or isinstance(value, (bool, int, float)):
        return

    def of_reference(reference: LargeValue) -> Any:
        if not keeps_large:
            raise reference.refusal(f"{kind} {shorten(what)!r}")
        return reference.to_json()

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=of_reference)
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > RESULT_BYTES_MAX:
        raise ExpressionError(
            f"{kind} {shorten(what)!r}: the result has {size} bytes as JSON; at most {RESULT_BYTES_MAX} are allowed; "
            "hand large data over as a file or a reference"
        )
