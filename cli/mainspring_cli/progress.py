"""Shows a run while it goes on: a table that changes in place on a terminal, one line for each change elsewhere."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

__all__ = ["LineProgress", "Progress", "TableProgress", "open_progress"]

_COLOURS = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "running": "cyan",
    "up_for_retry": "yellow",
    "skipped": "magenta",
}


class Progress(Protocol):
    """Told of the task instances again and again; shows what has changed."""

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
    """One line when an instance changes its state."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._states: dict[tuple[str, int], str] = {}

    def show(self, instances: Sequence[Mapping[str, Any]]) -> None:
        for instance in instances:
            key, state = (instance["task_id"], instance["map_index"]), instance["state"]
            if state is not None and self._states.get(key) != state:
                self._states[key] = state
                print(
                    f"  {instance['task_id']:20} {state:16} {_seconds(instance)}".rstrip(), file=self._out, flush=True
                )

    def close(self) -> None:
        pass


class TableProgress:
    """A table that is drawn over itself."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=out), auto_refresh=False)
        self._live.start()

    def show(self, instances: Sequence[Mapping[str, Any]]) -> None:
        from rich.table import Table

        table = Table("task", "state", "time", box=None)
        for instance in instances:
            state = instance["state"] or "-"
            colour = _COLOURS.get(state, "dim")
            table.add_row(instance["task_id"], f"[{colour}]{state}[/]", _seconds(instance))
        self._live.update(table, refresh=True)

    def close(self) -> None:
        self._live.stop()


def _seconds(instance: Mapping[str, Any]) -> str:
    duration = instance.get("duration")
    return "" if duration is None else f"{duration:.2f} s"
