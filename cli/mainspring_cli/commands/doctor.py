"""`mainspring doctor`: is the server well, and may we do what we want to?"""

from collections.abc import Iterator
from importlib.metadata import version as version_of
from typing import Any

import click

from mainspring_cli.client.exits import Exit, Rejected, Unreachable
from mainspring_cli.client.session import Session, with_session

__all__ = ["doctor"]

_Finding = tuple[str, bool, str]
"""Rows of checks: subject, whether the check passed, observation."""


@click.command()
@with_session
def doctor(session: Session) -> None:
    """Check the server: reachable, of our version, healthy, and open to our token."""
    try:
        findings = list(_findings(session))
    except Unreachable as exc:
        findings = [("server", False, str(exc))]
    rows = [{"check": check, "is_well": is_well, "seen": seen} for check, is_well, seen in findings]
    session.output.rows(rows, ("check", "is_well", "seen"))
    if not all(is_well for _, is_well, _ in findings):
        raise SystemExit(Exit.UNREACHABLE if findings[0][0] == "server" and not findings[0][1] else Exit.FAILED)


def _findings(session: Session) -> Iterator[_Finding]:
    from mainspring_client.api.dags import get_dags
    from mainspring_client.api.monitor import get_health
    from mainspring_client.api.ready import get_ready
    from mainspring_client.api.version import get_version

    answered = session.call(get_version)
    # An older server answers its version as `version`.
    own_version, server_version = version_of("mainspring"), answered.get("mainspring_version", answered["version"])
    yield "server", True, session.server.url
    yield (
        "version",
        own_version == server_version,
        server_version if own_version == server_version else f"{server_version}; this command is {own_version}",
    )
    health: dict[str, Any] = session.call(get_health)
    for part, state in health.items():
        if isinstance(state, dict) and state.get("status") is not None:
            yield part, state["status"] == "healthy", _told(state)
    try:
        yield "token", True, f"{session.call(get_dags, limit=1)['total_entries']} DAGs to be seen"
    except Rejected as exc:
        yield "token", False, str(exc)
    yield from _webhooks(session)
    try:
        facts: dict[str, str | None] = session.call(get_ready)["security"] or {}
    except Unreachable as exc:
        facts = {}
        yield "ready", False, str(exc)
    # Told to administrators alone: whether that is well is theirs to judge.
    yield from ((fact, True, text) for fact, text in facts.items() if text is not None)


def _webhooks(session: Session) -> Iterator[_Finding]:
    """The webhooks that the server ended; nothing for a server without webhooks."""
    from mainspring_client.api.webhooks import get_webhooks
    from mainspring_client.models.get_webhooks_state_item import GetWebhooksStateItem

    try:
        listed = session.call(get_webhooks, state=[GetWebhooksStateItem.ENDED])
    except Rejected:
        return
    ended = ", ".join(f"{webhook['name']}: {webhook['ended_reason']}" for webhook in listed["webhooks"])
    yield "webhooks", not ended, f"ended by the server: {ended}" if ended else "none was ended by the server"


def _told(state: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in state.items() if value is not None)
