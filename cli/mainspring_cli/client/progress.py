"""Shows a run while it goes on: a table that changes in place on a terminal, one line for each change elsewhere."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from mainspring.instants import parse_instant
from mainspring_cli.client.colours import STATE_COLOURS

__all__ = ["LineProgress", "Progress", "TableProgress", "open_progress"]


class Progress(Protocol):
    """Receives the task instances repeatedly; shows what has changed."""

    def show(self, instances: Sequence[Mapping[str, Any]]) -> None:
        """`instances` as the API lists them."""
        ...

    def close(self) -> None:
        """Leave the last state on the screen."""
        ...


def open_progress(out: TextIO = sys.stdout) -> Progress:
    """What suits `out`."""
    return TableProgress(out) if out.isatty() else LineProgress(out)


class LineProgress:
    """Prints a line when an instance changes its state."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._states: dict[tuple[str, int], str] = {}

    def show(self, instances: Sequence[Mapping[str, Any]]) -> None:
        for instance in instances:
            key, state = (instance["task_id"], instance["map_index"]), instance["state"]
            if state is not None and self._states.get(key) != state:
                self._states[key] = state
                line = f"  {_name(instance):20} {state:16} {_seconds(instance)}"
                print(line.rstrip(), file=self._out, flush=True)

    def close(self) -> None:
        pass


class TableProgress:
    """A table that is drawn over itself, no longer than the terminal: running instances stay, ended instances give
    way."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=out)
        self._live = Live(console=self._console, auto_refresh=False)
        self._live.start()

    def show(self, instances: Sequence[Mapping[str, Any]]) -> None:
        from rich.table import Table

        visible, rest = _fitted(instances, rows_max=max(1, self._console.height - _OTHER_LINES))
        table = Table("task", "state", "time", box=None)
        for instance in visible:
            state = instance["state"] or "-"
            table.add_row(_name(instance), f"[{STATE_COLOURS.get(state, 'dim')}]{state}[/]", _seconds_so_far(instance))
        if rest:
            counts = Counter(instance["state"] or "-" for instance in rest)
            table.add_row("...", f"[dim]{', '.join(f'{count} {state}' for state, count in counts.items())}[/]", "")
        self._live.update(table, refresh=True)

    def close(self) -> None:
        self._live.stop()


_OTHER_LINES = 4
"""Of the terminal: the line before the table, its header, the line about the rest, and the cursor's."""
_FIRST = ("running", "failed", "upstream_failed", "up_for_retry", "deferred", "queued", "scheduled")
"""States with precedence when not all instances fit."""


def _fitted(
    instances: Sequence[Mapping[str, Any]], *, rows_max: int
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """The visible instances in their order, and the rest."""
    ranks = {state: rank for rank, state in enumerate(_FIRST)}
    by_interest = sorted(
        range(len(instances)), key=lambda position: ranks.get(instances[position]["state"], len(ranks))
    )
    chosen = set(by_interest[:rows_max])
    return [instance for position, instance in enumerate(instances) if position in chosen], [
        instance for position, instance in enumerate(instances) if position not in chosen
    ]


def _name(instance: Mapping[str, Any]) -> str:
    index = instance["map_index"]
    if index < 0:
        return str(instance["task_id"])
    return f"{instance['task_id']}[{instance.get('rendered_map_index') or index}]"


def _seconds(instance: Mapping[str, Any]) -> str:
    duration = instance.get("duration")
    return "" if duration is None else f"{duration:.2f} s"


def _seconds_so_far(instance: Mapping[str, Any]) -> str:
    if instance["state"] != "running" or instance["start_date"] is None:
        return _seconds(instance)
    return f"{max(0.0, (datetime.now(UTC) - parse_instant(instance['start_date'])).total_seconds()):.0f} s"
