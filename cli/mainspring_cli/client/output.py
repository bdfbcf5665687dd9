"""Answers on the screen: a table for people, JSON or YAML for programs."""

import functools
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from mainspring_cli.client.colours import STATE_COLOURS
from mainspring_cli.client.terminal_text import coloured_at_most, printable, printable_json

__all__ = ["FORMATS", "Output", "with_output"]

FORMATS = ("table", "json", "yaml")
_WIDTH = 1_000
"""Of a table that goes to a file or a pipe: nothing is folded."""
_NAMES = frozenset(
    {"dag_id", "dag_run_id", "task_id", "id", "name", "key", "username", "connection_id", "file", "check"}
)
"""Columns that are copied from a table into the next command: folded last of all."""
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Output:
    """Prints to standard output in one format."""

    format: str = "table"

    @property
    def is_table(self) -> bool:
        return self.format == "table"

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Print a list. `columns`: the members that the table shows; the other formats show all of them."""
        if not self.is_table:
            self._document(list(rows))
            return
        _print_table(columns, ([row.get(key) for key in columns] for row in rows))

    def item(self, item: Mapping[str, Any], members: Sequence[str] | None = None) -> None:
        """Print one object, a line for each of the `members`, or of all that are simple."""
        if not self.is_table:
            self._document(item)
            return
        columns = members or [key for key, value in item.items() if not isinstance(value, dict | list)]
        _print_members([(key, item.get(key)) for key in columns if item.get(key) is not None])

    def line(self, line: str) -> None:
        """Print one line, without characters that would steer a terminal."""
        _print(f"{printable(line)}\n")

    def raw(self, line: str) -> None:
        """Print one line as it is. A terminal gets at most its colours: the line may be anybody's."""
        _print(f"{coloured_at_most(line) if sys.stdout.isatty() else line}\n")

    def json_line(self, content: Any) -> None:
        """Print a value as JSON in one line."""
        _print(printable_json(json.dumps(content, ensure_ascii=False, separators=(",", ":"))) + "\n")

    def _document(self, content: Any) -> None:
        if self.format == "json":
            _print(printable_json(json.dumps(content, indent=2, ensure_ascii=False)) + "\n")
            return
        import yaml

        _print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option -o; the command gets the `Output` as `output`."""

    @click.option("-o", "--output", type=click.Choice(FORMATS), default="table", help="How to print the answer.")
    @functools.wraps(command)
    def run(*arguments: Any, output: str, **options: Any) -> None:
        command(*arguments, output=Output(output), **options)

    return run


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column in _NAMES)
    for row in rows:
        table.add_row(*(_cell(column, value) for column, value in zip(columns, row, strict=True)))
    _render(table)


def _print_members(members: Iterable[tuple[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in members:
        table.add_row(escape(printable(key.replace("_", " "))), _cell(key, value))
    _render(table)


def _render(table: Any) -> None:
    from rich.console import Console

    if sys.stdout.isatty():
        Console().print(table)
        return
    text = io.StringIO()
    Console(file=text, width=_WIDTH).print(table)
    _print("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


def _print(text: str) -> None:
    """
    Raises:
        OutputFailed: The output cannot be written.
        OutputClosed: No process reads the output any more.
    """
    print(text, end="", flush=True)


def _cell(column: str, value: Any) -> str:
    from rich.markup import escape

    text = escape(printable(_text(value)))
    colour = STATE_COLOURS.get(text) if column == "state" else None
    return f"[{colour}]{text}[/]" if colour else text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.2f}"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case str():
            return _INSTANT.sub(r"\1 \2Z", value) if _INSTANT.fullmatch(value) else value
    return str(value)
