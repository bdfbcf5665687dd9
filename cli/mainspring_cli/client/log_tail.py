"""The growing logs of a run's tasks, line by line."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mainspring_cli.client.exits import Rejected, Unreachable
from mainspring_cli.client.following import REACH_SECONDS, Patience, ask
from mainspring_cli.client.session import Session

__all__ = ["LogLine", "LogTail"]

POLL_SECONDS = 0.5

_Try = tuple[str, int, int]
"""Task id, map index, number of the try."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """A line that a try wrote."""

    task_id: str
    map_index: int
    try_number: int
    timestamp: str | None
    event: str
    key: str | None = None
    """Of a mapped instance, in lists; None = not mapped."""

    @property
    def name(self) -> str:
        """Of the task instance."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.key or self.map_index}]"


class LogTail:
    """Reads each try's log once, from where it was left."""

    def __init__(
        self, session: Session, dag_id: str, run_id: str, *, task_id: str | None = None, try_number: int | None = None
    ) -> None:
        """task_id: of one task only. try_number: of this try instead of the latest."""
        self._session = session
        self._dag_id, self._run_id = dag_id, run_id
        self._task_id, self._try_number = task_id, try_number
        self._tokens: dict[_Try, str | None] = {}
        self._complete: set[_Try] = set()

    def follow(self) -> Iterator[LogLine]:
        """All lines until the end of the run, including future lines."""
        from mainspring_client.api.dag_runs import get_dag_run

        patience = Patience(reach_seconds=REACH_SECONDS)
        while True:
            # Asked before the lines: after this answer says that the run has ended, all lines are stored.
            state = ask(self._session, patience, get_dag_run, self._dag_id, self._run_id)["state"]
            with suppress(Unreachable):  # read lines are remembered; the request above decides when to stop
                yield from self.read()
                if state in ("success", "failed"):
                    return
            time.sleep(POLL_SECONDS)

    def read(self) -> Iterator[LogLine]:
        """The unread lines, task by task in the order of their start.

        Raises:
            Rejected: The run has no such task.
        """
        instances = list(self._instances())
        if not instances and self._task_id is not None:
            raise Rejected(f"run {self._run_id} of {self._dag_id} has no task {self._task_id!r}", status=404)
        started = [instance for instance in instances if instance["try_number"]]
        started.sort(key=lambda instance: (instance["start_date"] or "~", instance["task_id"], instance["map_index"]))
        for instance in started:
            number = self._try_number or instance["try_number"]
            yield from self._lines((instance["task_id"], instance["map_index"], number), instance["rendered_map_index"])

    def _instances(self) -> Iterator[Mapping[str, Any]]:
        from mainspring_client.api.task_instances import get_task_instances

        for instance in self._session.rows(get_task_instances, "task_instances", self._dag_id, self._run_id):
            if self._task_id in (None, instance["task_id"]):
                yield instance

    def _lines(self, try_key: _Try, key: str | None) -> Iterator[LogLine]:
        from mainspring_client.api.logs import get_log

        task_id, map_index, number = try_key
        while try_key not in self._complete:
            where = (self._dag_id, self._run_id, task_id, number)
            try:
                page = self._session.call(get_log, *where, map_index=map_index, token=self._tokens.get(try_key))
            except Rejected as exc:
                if exc.status != 404:
                    raise
                return  # an instance that ended without running
            for line in page["content"]:
                yield LogLine(
                    task_id=task_id,
                    map_index=map_index,
                    try_number=number,
                    timestamp=line["timestamp"],
                    event=line["event"],
                    key=key,
                )
            self._tokens[try_key] = page["continuation_token"]
            if page["continuation_token"] is None:
                self._complete.add(try_key)
            if not page["content"]:
                return
