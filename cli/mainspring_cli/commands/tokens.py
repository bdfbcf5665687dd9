"""`mainspring tokens`: credentials for programs."""

from datetime import UTC, datetime, timedelta

import click

from mainspring_cli.client.grants import GRANT, with_told_grants
from mainspring_cli.client.parameters import DURATION
from mainspring_cli.client.session import Session, with_session

__all__ = ["tokens"]

_COLUMNS = (
    "id",
    "name",
    "username",
    "role",
    "grants",
    "queue",
    "created_at",
    "expires_at",
    "revoked_at",
    "last_used_at",
)
_ROLES = ("viewer", "operator", "author", "admin")


@click.group()
def tokens() -> None:
    """Credentials for programs."""


@tokens.command("list")
@with_session
def list_tokens(session: Session) -> None:
    """List one's own tokens; an administrator's list has all."""
    from mainspring_client.api.tokens import get_tokens

    rows = session.rows(get_tokens, "tokens")
    session.output.rows(map(with_told_grants, rows) if session.output.is_table else rows, _COLUMNS)


@tokens.command()
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), help="What it may do everywhere; never more than you.")
@click.option("--grant", "grants", type=GRANT, multiple=True, help="On some DAGs, `etl*=operator`; repeatable.")
@click.option("--queue", help="For workers of this queue, instead of a role: opens its attempts and nothing else.")
@click.option("--expires-in", type=DURATION, default="90d", show_default=True, help="How long it is good for.")
@with_session
def create(
    session: Session,
    name: str,
    role: str | None,
    grants: tuple[dict[str, str], ...],
    queue: str | None,
    expires_in: float,
) -> None:
    """Make a token and print the token once. --role, --grant or both set the rights, or --queue makes a worker
    token."""
    from mainspring_client.api.tokens import post_token
    from mainspring_client.models import ApiTokenBody

    if queue and (role or grants):
        raise click.UsageError("a token for workers has no --role and no --grant")
    if not (role or grants or queue):
        raise click.UsageError("a token without --role, --grant and --queue may do nothing")
    expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    body: dict[str, object] = {"name": name, "expires_at": expires_at.isoformat()}
    body |= {"queue": queue} if queue else {"role": role, "grants": list(grants)}
    made = session.call(post_token, body=ApiTokenBody.from_dict(body))
    if session.output.is_table:
        session.output.line(made["token"])
        click.echo(f"token {made['id']}, good until {made['expires_at']}; it is not shown again", err=True)
    else:
        session.output.item(made)


@tokens.command()
@click.argument("token_id")
@with_session
def revoke(session: Session, token_id: str) -> None:
    """Revoke a token."""
    from mainspring_client.api.tokens import delete_token

    session.call(delete_token, token_id)
    click.echo(f"token {token_id} is revoked", err=True)
