"""Answers on the screen: a table for people, JSON or YAML for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FORMATS", "Output"]

FORMATS = ("table", "json", "yaml")
_WIDTH = 1_000
"""Of a table that goes to a file or a pipe: nothing is cut off."""


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
        headers = [column.replace("_", " ") for column in columns]
        self._table(headers, ([row.get(key) for key in columns] for row in rows))

    def item(self, item: Mapping[str, Any], members: Sequence[str] | None = None) -> None:
        """Print one object, a line for each of the `members`, or of all that are simple."""
        if not self.is_table:
            self._document(item)
            return
        shown = members or [key for key, value in item.items() if not isinstance(value, dict | list)]
        self._table(None, [[key.replace("_", " "), item.get(key)] for key in shown if item.get(key) is not None])

    def _document(self, content: Any) -> None:
        if self.format == "json":
            print(json.dumps(content, indent=2, ensure_ascii=False))
            return
        import yaml

        print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), end="")

    def _table(self, headers: Sequence[str] | None, lines: Iterable[Sequence[Any]]) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
        table = Table(*(headers or ["", ""]), box=None, pad_edge=False, show_header=headers is not None)
        for line in lines:
            table.add_row(*(escape(_text(value)) for value in line))
        console.print(table)


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
    return str(value)
