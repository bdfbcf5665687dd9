"""`mainspring users`: users with a password, and their rights."""

from typing import Any

import click

from mainspring_cli.client.grants import GRANT, with_told_grants
from mainspring_cli.client.secret_input import read_secret
from mainspring_cli.client.session import Session, with_session

__all__ = ["users"]

_COLUMNS = ("username", "role", "grants", "is_active", "created_at", "last_login_at")
_ROLE = click.option(
    "--role",
    type=click.Choice(("viewer", "operator", "author", "admin", "none")),
    help="On every DAG and everything else; none = only what is granted.",
)
_GRANTS = click.option(
    "--grant", "grants", type=GRANT, multiple=True, help="On some DAGs, `etl*=operator`; repeatable."
)


@click.group()
def users() -> None:
    """Users with a password, and their rights."""


@users.command("list")
@with_session
def list_users(session: Session) -> None:
    """List users."""
    from mainspring_client.api.users import get_users

    rows = session.rows(get_users, "users")
    session.output.rows(map(with_told_grants, rows) if session.output.is_table else rows, _COLUMNS)


@users.command()
@with_session
def whoami(session: Session) -> None:
    """Show who the server takes us for."""
    from mainspring_client.api.users import get_me

    me = session.call(get_me)
    if not session.output.is_table:
        session.output.item(me)
        return
    session.output.rows(
        [with_told_grants({"name": me["name"], **rights}) for rights in me["rights"]], ("name", "role", "grants")
    )


@users.command()
@click.argument("username")
@_ROLE
@_GRANTS
@with_session
def create(session: Session, username: str, role: str | None, grants: tuple[dict[str, str], ...]) -> None:
    """Create a user, whose password is read from standard input, or asked for on a terminal."""
    from mainspring_client.api.users import post_user
    from mainspring_client.models import UserBody

    body = {"username": username, "password": read_secret("Password"), **_rights(role, grants)}
    _print(session, session.call(post_user, body=UserBody.from_dict(body)))


@users.command("set")
@click.argument("username")
@_ROLE
@_GRANTS
@click.option("--active/--inactive", "is_active", default=None, help="Whether they may log in.")
@click.option("--password", "has_password", is_flag=True, help="Read a new password from standard input, or ask.")
@with_session
def set_user(
    session: Session,
    username: str,
    role: str | None,
    grants: tuple[dict[str, str], ...],
    is_active: bool | None,
    has_password: bool,
) -> None:
    """Change what is given of a user; --grant takes the place of all grants."""
    from mainspring_client.api.users import patch_user
    from mainspring_client.models import UserPatch

    body = _rights(role, grants)
    body |= {} if is_active is None else {"is_active": is_active}
    body |= {"password": read_secret("Password")} if has_password else {}
    _print(session, session.call(patch_user, username, body=UserPatch.from_dict(body)))


@users.command()
@click.argument("username")
@with_session
def delete(session: Session, username: str) -> None:
    """Delete a user, and revoke the user's logins."""
    from mainspring_client.api.users import delete_user

    session.call(delete_user, username)
    click.echo(f"user {username} is deleted", err=True)


def _rights(role: str | None, grants: tuple[dict[str, str], ...]) -> dict[str, Any]:
    """The rights as a body of the API."""
    rights: dict[str, Any] = {} if role is None else {"role": None if role == "none" else role}
    return rights | ({"grants": list(grants)} if grants else {})


def _print(session: Session, user: dict[str, Any]) -> None:
    session.output.item(with_told_grants(user) if session.output.is_table else user, _COLUMNS)
