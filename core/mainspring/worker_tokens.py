"""The form in which settings name the tokens of workers."""

__all__ = ["split_token"]


def split_token(entry: str) -> tuple[str | None, str]:
    """The queue, or `None` for all queues, and the token of an entry `TOKEN` or `QUEUE:TOKEN` of the settings."""
    queue, _, token = entry.rpartition(":")
    return queue or None, token
