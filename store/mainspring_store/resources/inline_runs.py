"""Runs of definitions that are sent with the run and not saved."""

from dataclasses import replace
from datetime import datetime

from mainspring_store.access.quotas import Owner
from mainspring_store.database.shared_transaction import SharedTransaction
from mainspring_store.database.transactions import Database
from mainspring_store.resources.dags import Source, insert_inline_version
from mainspring_store.state.runs import NewRun, VersionRef, create_run

__all__ = ["create_inline_run"]


def create_inline_run(
    database: Database, run: NewRun, source: Source, *, by: str, owner: Owner | None, now: datetime
) -> VersionRef:
    """Store a queued run with a version of its own, in one transaction; returns the version.

    run: its version has the checked definition, and an id without meaning.

    Raises:
        InvalidDag, Conflict, QuotaExceeded: See `insert_inline_version` and `create_run`.
    """
    with SharedTransaction(database, at_begin=lambda connection: None) as shared:
        with shared.write() as connection:
            definition = run.version.definition
            version = insert_inline_version(connection, definition, by=by, owner=owner, source=source, now=now)
        create_run(shared, replace(run, version=version), owner=owner, now=now)
    return version
