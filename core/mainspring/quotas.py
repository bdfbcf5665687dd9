"""How much a user, or a token without a user, may have."""

from dataclasses import dataclass

__all__ = ["Quotas"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotas:
    """Upper bounds for a principal; 0 = any number. The defaults are generous, so that only an accident or abuse
    reaches them."""

    dags: int = 10_000
    """DAGs that the principal created."""
    active_runs: int = 100_000
    """Queued and running runs that the principal, its backfills or its runs made."""
    active_tasks: int = 1_000_000
    """Unfinished task instances of these runs."""
    log_bytes: int = 100 * 2**30
    """Stored log bytes of all runs of the principal."""
    run_bytes: int = 50 * 2**30
    """Stored bytes of all runs of the principal without their log: rows, `conf`, inputs, outputs and notes."""
    definition_bytes: int = 10 * 2**30
    """Stored bytes of the versions that the principal saved: the text as sent and the normalised document."""
    secrets: int = 10_000
    connections: int = 10_000
    variables: int = 10_000
    """As for DAGs: what the principal created."""
