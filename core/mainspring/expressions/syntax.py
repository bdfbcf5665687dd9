"""Reads names, referenced tasks and loops from the tokens of an expression.

The CEL library compiles and evaluates; the library reports root names only, and has no bounds. So this module reads the
tokens exactly (strings, comments, numbers, names) and needs no grammar: a text that CEL would not parse may pass here
and is refused by `Expression.check`. The reader must never miss a name that CEL sees.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mainspring.errors import InvalidInput, Problem
from mainspring.expressions.operators import CALLS, Wrap, operations, rewrite
from mainspring.hints import did_you_mean

__all__ = [
    "ANSWER_ROOTS",
    "HANDLER_ROOTS",
    "MACROS_MAX",
    "MACRO_DEPTH_MAX",
    "REPEAT_ROOTS",
    "ROOTS",
    "RUN_END_NAMES",
    "SOURCE_CHARS_MAX",
    "TURN_NAMES",
    "Analysis",
    "Token",
    "analyse",
    "closing",
]

SOURCE_CHARS_MAX = 2_000
MACRO_DEPTH_MAX = 2
"""Loops within loops."""
MACROS_MAX = 8

ROOTS = frozenset(
    {
        "conf",
        "dag_id",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "logical_date",
        "map",
        "params",
        "run_id",
        "task_id",
        "tasks",
        "try_number",
        "ts",
        "vars",
    }
)
"""The names an expression of a definition may begin with."""
HANDLER_ROOTS = ROOTS | {"run"}
"""Those of the handlers of a run. Elsewhere `run` is free, as a name of a loop variable for instance."""
REPEAT_ROOTS = ROOTS | {"turn"}
"""Those of the tasks with `repeat`."""

ANSWER_ROOTS = frozenset({"answer"})
"""Those of `until` of an HTTP wait, which judges an answer alone."""

RUN_END_NAMES = frozenset({"failures", "message", "reason", "state"})
"""What a handler may read of the end of its run."""
TURN_NAMES = frozenset({"index", "outputs"})
"""What a task with `repeat` may read of a turn."""
_OF_TASK = frozenset({"exit_code", "message", "outputs", "reason", "state"})
"""What an expression may read of a task."""
_CONSTANTS = frozenset({"true", "false", "null", "in"})
_FUNCTIONS = frozenset({"double", "duration", "has", "int", "size", "string", "timestamp"})
_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_METHODS = _MACROS | {
    *("contains", "endsWith", "matches", "size", "startsWith"),
    *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
    *("getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
}

_TOKEN = re.compile(
    r"""
      (?P<space>  [ \t\n\f\r]+ | //[^\n]* )
    | (?P<string> [bB]?[rR] (?: '''(?s:.)*?''' | \"\"\"(?s:.)*?\"\"\" | '[^'\n\r]*' | "[^"\n\r]*" )
                | [bB]? (?: '''(?s:\\.|[^\\])*?''' | \"\"\"(?s:\\.|[^\\])*?\"\"\"
                          | '(?:\\.|[^\\'\n\r])*' | "(?:\\.|[^\\"\n\r])*" ) )
    | (?P<number> 0x[0-9a-fA-F]+[uU]? | (?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]? )
    | (?P<name>   [_a-zA-Z][_a-zA-Z0-9]* )
    | (?P<sign>   [-.,:?!+*/%<>=&|()\[\]{}] )
    """,
    re.VERBOSE | re.ASCII,
)
_MAY_HIDE_BRACES = re.compile(r"""['\"{]|//""")
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_STEP = ("_step() ? (", ") : null")
_KEEP = ("_step() ? _keep(", ") : null")
_PATTERN = ("_pattern(", ")")


@dataclass(frozen=True, slots=True)
class Token:
    """One token that means something; spaces and comments are dropped."""

    kind: str
    """`string`, `number`, `name` or `sign`."""
    text: str
    start: int
    end: int

    @property
    def literal(self) -> str | None:
        """The text of a string literal without escapes; `None` for every other token."""
        match = re.fullmatch(r"""(?s)([rR]?)('''|\"\"\"|'|")(.*)\2""", self.text) if self.kind == "string" else None
        return None if match is None or (not match[1] and "\\" in match[3]) else match[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What the tokens of one expression tell."""

    paths: tuple[tuple[str, ...], ...]
    """Every place that the expression reads, up to the last literal name: `("tasks", "load", "outputs", "rows")`. None
    is the beginning of another."""
    task_references: frozenset[str]
    variable_references: frozenset[str]
    plain: tuple[str | int, ...] | None
    """The whole expression, if the expression is only a path."""
    mentions: int
    """How often it names a value; no intermediate value holds more copies of the input."""
    additions: int
    metered: str
    """The CEL text with a call of `_step`, `_keep` or `_pattern` at each point where work is repeated, and with
    `_size` where the size of a text may be asked for: CEL counts characters, the library counts bytes."""
    mixed: str | None
    """`metered` with each operator as a call, in which an integer and a double may meet; `None` = no operator in it."""

    @property
    def names(self) -> frozenset[str]:
        """The root names."""
        return frozenset(path[0] for path in self.paths)


class Refused(Exception):
    """Why an expression cannot be used; becomes a `Problem` where its place is known."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    def invalid(self, text: str, pointer: str = "") -> InvalidInput:
        """An error of the caller's input with the text of the expression."""
        message = f"expression {shorten(text)!r}: {self.message}"
        return InvalidInput([Problem(pointer=pointer, message=message, hint=self.hint, code=self.code)])


def analyse(text: str, roots: frozenset[str] = ROOTS) -> Analysis:
    """Read one CEL expression. roots: the names that the expression may begin with.

    Raises:
        Refused: an unknown name or function, a reference to `tasks` or `vars` that is not literal, too long, too many
            loops.
    """
    if len(text) > SOURCE_CHARS_MAX:
        raise Refused("expression_too_long", f"it has {len(text)} characters; at most {SOURCE_CHARS_MAX} are allowed")
    return _Reader(text, list(tokens(text)), roots).read()


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens from `start` on, lazily: a caller that stops early ignores the remaining tokens."""
    position = start
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            excerpt = text[position : position + 10]
            raise Refused("expression_syntax", f"cannot be read at {excerpt!r}", "strings must be closed on their line")
        position = match.end()
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match[0], match.start(), position)


def closing(text: str, start: int) -> int:
    """Where the `}}` stands that closes the `${{` whose inside begins at `start`; -1 when there is none.

    Braces of CEL maps, and braces inside strings and comments, do not close the expression.
    """
    first = text.find("}}", start)
    if first < 0 or not _MAY_HIDE_BRACES.search(text, start, first + 2):
        return first
    depth = 0
    for token in tokens(text, start):
        if token.text == "{":
            depth += 1
        elif token.text == "}" and depth:
            depth -= 1
        elif token.text == "}":
            return token.start if text.startswith("}}", token.start) else -1
    return -1


def shorten(text: str, chars_max: int = 120) -> str:
    """`text` on one line, cut for a message."""
    line = " ".join(text.split())
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"


@dataclass(slots=True)
class _Bracket:
    """An open bracket and the tokens seen inside."""

    token: Token
    at: int
    """Position of the token."""
    call: str | None
    """The function or method whose arguments it holds."""
    is_macro: bool
    commas: list[Token] = field(default_factory=list)
    variable: str | None = None


class _Reader:
    """One pass over the tokens, keeping the open brackets."""

    def __init__(self, text: str, tokens: list[Token], roots: frozenset[str]) -> None:
        self.text = text
        self.tokens = tokens
        self.roots = roots
        self.brackets: list[_Bracket] = []
        self.paths: set[tuple[str, ...]] = set()
        self.mentions = 0
        self.macros = 0
        self.wraps: list[Wrap] = []
        self.list_ends: set[int] = set()
        """Positions of the tokens that close a loop with a list as result."""

    def read(self) -> Analysis:
        for at, token in enumerate(self.tokens):
            if token.kind == "name":
                self._read_name(at, token)
            elif token.kind == "number" and token.text[-1] in "uU":
                raise Refused(
                    "expression_syntax", f"unsigned number {token.text} is not supported", "leave out the 'u'"
                )
            elif token.kind == "string" and token.text[0] in "bB":
                raise Refused("expression_syntax", f"bytes {token.text[:20]} are not supported", "leave out the 'b'")
            elif token.kind == "sign":
                self._read_sign(at, token)
        return Analysis(
            paths=_shortest(self.paths),
            task_references=frozenset(path[1] for path in self.paths if path[0] == "tasks"),
            variable_references=frozenset(path[1] for path in self.paths if path[0] == "vars"),
            plain=self._plain(),
            mentions=self.mentions,
            additions=sum(token.text == "+" for token in self.tokens),
            metered=rewrite(self.text, self.wraps),
            mixed=self._mixed(),
        )

    def _mixed(self) -> str | None:
        if not any(token.text in CALLS for token in self.tokens):
            return None
        operators = operations(self.tokens)
        wraps = [*self.wraps, *(operation.wrap() for operation in operators)]
        return rewrite(self.text, wraps, (operation.sign for operation in operators)) if operators else None

    def _text(self, at: int) -> str:
        """The text of a token by position; empty outside."""
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def _read_name(self, at: int, token: Token) -> None:
        name, is_call = token.text, self._text(at + 1) == "("
        if self._text(at - 1) == ".":
            if is_call and name not in _METHODS:
                raise Refused("unknown_function", f"unknown method {name!r}", did_you_mean(name, _METHODS))
            if is_call and name == "size":
                self._size_of_receiver(at)
            return
        if name in _CONSTANTS:
            return
        if is_call:
            if name not in _FUNCTIONS:
                raise Refused("unknown_function", f"unknown function {name!r}", did_you_mean(name, _FUNCTIONS))
            return
        if self.brackets and self.brackets[-1].is_macro and self.brackets[-1].token is self.tokens[at - 1]:
            self.brackets[-1].variable = self._loop_variable(name)
            return
        self.mentions += 1
        if any(bracket.variable == name for bracket in self.brackets):
            return
        if name not in self.roots:
            hint = did_you_mean(name, self.roots) or f"known names: {', '.join(sorted(self.roots))}"
            raise Refused("unknown_name", f"unknown name {name!r}", hint)
        path = self._path(at)
        if name == "tasks":
            _check_task_reference(path)
        elif name == "vars" and len(path) < 2:
            raise Refused(
                "variable_reference",
                "'vars' must be followed by a literal key",
                'write vars.region or vars["some key"]',
            )
        self.paths.add(path)

    def _loop_variable(self, name: str) -> str:
        if name in self.roots or name.startswith("_"):
            raise Refused(
                "expression_syntax", f"a loop variable cannot be named {name!r}", "use another name, e.g. 'x'"
            )
        return name

    def _path(self, at: int) -> tuple[str, ...]:
        """The names that literally follow the root at `at`: `.name` or `["name"]`, up to the first different token."""
        path = [self._text(at)]
        at += 1
        while True:
            if self._text(at) == "." and self._text(at + 2) != "(" and self.tokens[at + 1 : at + 2]:
                path.append(self._text(at + 1))
                at += 2
            elif self._text(at) == "[" and self._text(at + 2) == "]" and self.tokens[at + 1].literal is not None:
                path.append(str(self.tokens[at + 1].literal))
                at += 3
            else:
                return tuple(path)

    def _read_sign(self, at: int, token: Token) -> None:
        if token.text in _CLOSERS:
            previous = self.tokens[at - 1] if at and token.text == "(" else None
            call = previous.text if previous and previous.kind == "name" and previous.text not in _CONSTANTS else None
            is_macro = call in _MACROS and self._text(at - 2) == "."
            self.brackets.append(_Bracket(token, at, call, is_macro))
            if is_macro:
                self._count_macro()
        elif token.text == "," and self.brackets:
            self.brackets[-1].commas.append(token)
        elif token.text in _CLOSERS.values():
            if not self.brackets or _CLOSERS[self.brackets[-1].token.text] != token.text:
                raise Refused("expression_syntax", f"{token.text!r} closes nothing that is open")
            self._close(self.brackets.pop(), at)
        elif token.text == "." and not self._ends_operand(at - 1):
            raise Refused("expression_syntax", "a name cannot begin with '.'")

    def _ends_operand(self, at: int) -> bool:
        if at < 0:
            return False
        token = self.tokens[at]
        return token.kind in ("name", "string", "number") or token.text in _CLOSERS.values()

    def _count_macro(self) -> None:
        self.macros += 1
        if sum(bracket.is_macro for bracket in self.brackets) > MACRO_DEPTH_MAX:
            raise Refused("expression_too_complex", f"loops are nested deeper than {MACRO_DEPTH_MAX}")
        if self.macros > MACROS_MAX:
            raise Refused("expression_too_complex", f"it holds more than {MACROS_MAX} loops")

    def _close(self, bracket: _Bracket, at: int) -> None:
        """Wrap the arguments that are evaluated once per element, and patterns, whose size is work too."""
        closer = self.tokens[at]
        if bracket.call == "matches":
            self._wrap(bracket.token.end, closer.start, _PATTERN)
        elif bracket.call == "size" and self._text(bracket.at - 2) != ".":
            self._size_of_argument(bracket.at, at)
        if not bracket.is_macro:
            return
        if bracket.call in ("map", "filter"):
            self.list_ends.add(at)
        starts = [comma.end for comma in bracket.commas]
        ends = [*(comma.start for comma in bracket.commas[1:]), closer.start]
        if bracket.variable is None or not 1 <= len(starts) <= (2 if bracket.call == "map" else 1):
            raise Refused("expression_syntax", f"{bracket.call}() takes a variable and an expression: x, x > 1")
        for start, end in zip(starts, ends, strict=True):
            keeps = bracket.call == "map" and end == closer.start
            self._wrap(start, end, _KEEP if keeps else _STEP)

    def _wrap(self, start: int, end: int, around: tuple[str, str]) -> None:
        self.wraps.append(Wrap(start, end, *around))

    def _size_of_argument(self, opener: int, closer: int) -> None:
        """Have a text counted by us and everything else by the library, which need not copy it."""
        name, inside = self.tokens[opener - 1], self.tokens[opener + 1 : closer]
        if closer - 1 in self.list_ends and not any(token.text == "?" for token in inside):
            return
        if not self._is_path(opener + 1, closer):
            self.wraps.append(Wrap(name.start, name.start, "_"))
            return
        path = self.text[inside[0].start : inside[-1].end]
        self._wrap(name.start, self.tokens[closer].end, (f"(type({path}) == string ? _", f" : size({path}))"))

    def _size_of_receiver(self, at: int) -> None:
        """The same for `path.size()`."""
        if at - 2 in self.list_ends:
            return
        self.wraps.append(Wrap(self.tokens[at].start, self.tokens[at].start, "_"))
        first = at - 2
        while self._text(first - 1) == ".":
            first -= 2
        if self._is_path(first, at - 1) and self._text(at + 2) == ")":
            path = self.text[self.tokens[first].start : self.tokens[at - 2].end]
            around = (f"(type({path}) == string ? ", f" : {path}.size())")
            self._wrap(self.tokens[first].start, self.tokens[at + 2].end, around)

    def _is_path(self, first: int, end: int) -> bool:
        """Whether the tokens from `first` to before `end` are names with dots between them."""
        part = self.tokens[first:end] if first >= 0 else []
        names, dots = part[::2], part[1::2]
        return len(part) % 2 == 1 and all(_is_member(name) for name in names) and all(dot.text == "." for dot in dots)

    def _plain(self) -> tuple[str | int, ...] | None:
        if not self.tokens or self.tokens[0].kind != "name" or self.tokens[0].text in _CONSTANTS:
            return None
        path: list[str | int] = [self.tokens[0].text]
        at = 1
        while at < len(self.tokens):
            following = self.tokens[at : at + 3]
            if len(following) >= 2 and following[0].text == "." and _is_member(following[1]):
                path.append(following[1].text)
                at += 2
            elif len(following) == 3 and following[0].text == "[" and following[2].text == "]":
                key = following[1]
                if key.literal is None and not (key.kind == "number" and key.text.isdecimal()):
                    return None
                path.append(int(key.text) if key.literal is None else key.literal)
                at += 3
            else:
                return None
        return tuple(path)


def _is_member(token: Token) -> bool:
    return token.kind == "name" and token.text not in _CONSTANTS


def _check_task_reference(path: tuple[str, ...]) -> None:
    if len(path) < 2:
        raise Refused(
            "task_reference",
            "'tasks' must be followed by a literal task id",
            'write tasks.load.outputs.rows or tasks["load-1"].outputs.rows',
        )
    if len(path) < 3 or path[2] not in _OF_TASK:
        raise Refused(
            "task_reference",
            f"after task {path[1]!r} must come .outputs, .state, .exit_code, .reason or .message",
            f'an id with "-" or "." is written tasks["{path[1]}-…"]',
        )


def _shortest(paths: set[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The sorted paths, without paths that begin with a shorter path of the set."""
    return tuple(sorted(path for path in paths if not any(path[:cut] in paths for cut in range(1, len(path)))))
