"""`mainspring prune`: one sweep over the history of the database of the settings."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mainspring.retention import policy_of
from mainspring_cli.config import Config
from mainspring_cli.services.database import opened_database
from mainspring_cli.services.home import prepare_home

if TYPE_CHECKING:
    from mainspring_store.state.run_removal import Removed

__all__ = ["PRUNE_COLUMNS", "prune_history"]

PRUNE_COLUMNS = ("kind", "dag_id", "runs", "rows", "bytes")


def prune_history(config: Config, *, is_dry_run: bool, trusts_clock: bool) -> Iterator[dict[str, Any]]:
    """Prune, or only count; yields a row for each DAG and kind of history. Prints the policy on the error stream.

    Raises:
        StoreUnavailable: The database is unreachable, or not of this version.
        ClockLeap: The clock may be wrong, and `trusts_clock` is not set.
        ArchiveUnavailable: The archive cannot be written.
    """
    from mainspring_store.access.installation import has_retention_defaults
    from mainspring_store.retention import Archive, check_clock, preview, sweep
    from mainspring_store.schema.migrate import migrate

    prepare_home(config.home)
    now = datetime.now(UTC)
    with opened_database(config.store_url) as database:
        migrate(database)
        policy = policy_of(config.retention_settings, has_defaults=has_retention_defaults(database))
        print(f"retention: {policy}", file=sys.stderr, flush=True)
        if is_dry_run:
            for kind, dag_id, removed in preview(database, policy, now=now):
                yield _row(kind, dag_id, removed)
            return
        if not trusts_clock:
            check_clock(database, now)
        archive = None if config.retention_archive is None else Archive(config.retention_archive)
        totals: dict[tuple[str, str | None], Removed] = {}
        for step in sweep(database, policy, now=now, by="mainspring prune", archive=archive):
            place = step.kind, step.dag_id
            totals[place] = totals[place] + step.removed if place in totals else step.removed
            # Other writers get at least half of the time.
            time.sleep(step.seconds)
        for (kind, dag_id), removed in totals.items():
            if removed.rows:
                yield _row(kind, dag_id, removed)


def _row(kind: str, dag_id: str | None, removed: "Removed") -> dict[str, Any]:
    return {"kind": kind, "dag_id": dag_id, "runs": removed.runs, "rows": removed.rows, "bytes": removed.bytes}
