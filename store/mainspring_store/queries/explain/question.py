"""The question of one caller at one instant, and the holders of a limit as this caller may see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import Connection, Select, func, select

from mainspring.blockers import Holder
from mainspring_store.queries.explain.service_facts import Services
from mainspring_store.queries.listing import Seen, is_seen
from mainspring_store.tables import dag_run

__all__ = ["HOLDERS_MAX", "Holders", "Question"]

HOLDERS_MAX = 20
"""Holders that a blocker names."""


class Holders(TypedDict):
    """The members of a `Blocker` about the holders of its limit."""

    holders: tuple[Holder, ...]
    holders_total: int
    holders_hidden: int


@dataclass(frozen=True, slots=True)
class Question:
    """What all parts of one explanation share."""

    connection: Connection
    services: Services
    seen: Seen | None
    """The DAGs that the caller sees, as in `ListQuery`."""
    now: datetime

    def holders(self, rows: Select[Any]) -> Holders:
        """Count the rows of a limit, and name the first visible rows.

        rows: selects dag_id, run_id, task_id and map_index; joins `dag_run`. Runs have NULL as task_id.
        """
        visible = rows if self.seen is None else rows.where(is_seen(dag_run.c.dag_id, self.seen))
        total = self._count(rows)
        named = self.connection.execute(visible.limit(HOLDERS_MAX)).all()
        hidden = 0 if self.seen is None else total - self._count(visible)
        holders = tuple(
            Holder(dag_id=row.dag_id, dag_run_id=row.run_id, task_id=row.task_id, map_index=row.map_index)
            for row in named
        )
        return {"holders": holders, "holders_total": total, "holders_hidden": hidden}

    def _count(self, rows: Select[Any]) -> int:
        return self.connection.scalar(select(func.count()).select_from(rows.order_by(None).subquery())) or 0
