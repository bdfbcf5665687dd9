"""How much one user, or one token that belongs to nobody, may have."""

from dataclasses import dataclass

__all__ = ["Quotas"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotas:
    """The most of each that counts for one principal; 0 = any number. Generous, so that only an accident or an abuse
    meets them."""

    dags: int = 10_000
    """DAGs that the principal created."""
    active_runs: int = 100_000
    """Runs, queued or running, that the principal triggered, or that its backfills or runs made."""
    active_tasks: int = 1_000_000
    """Task instances of those runs that have not ended."""
    log_bytes: int = 100 * 2**30
    """What is kept of the logs of all its runs."""
    secrets: int = 10_000
    connections: int = 10_000
    variables: int = 10_000
    """As for DAGs: what the principal created."""
