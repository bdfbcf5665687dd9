"""`mainspring hooks`: addresses where other systems start runs."""

from typing import Any

import click

from mainspring_cli.client.secret_input import read_secret
from mainspring_cli.client.session import Session, with_session

__all__ = ["hooks"]

_COLUMNS = ("id", "name", "dag_id", "kind", "is_enabled", "owner")
_DELIVERY_COLUMNS = ("received_at", "outcome", "status", "dag_run_id", "delivery_id", "message")


@click.group()
def hooks() -> None:
    """Addresses where other systems start runs."""


@hooks.command("list")
@with_session
def list_hooks(session: Session) -> None:
    """List hooks."""
    from mainspring_client.api.hooks import get_hooks

    session.output.rows(session.rows(get_hooks, "hooks"), _COLUMNS)


@hooks.command("create")
@click.argument("name")
@click.argument("dag_id")
@click.argument("kind")
@click.option("--conf", metavar="EXPRESSION", help="Maps a delivery to the conf of the run.")
@click.option("--filter", "filter_", metavar="EXPRESSION", help="Only deliveries for which this is true start a run.")
@click.option("--description")
@click.option("--secret-stdin", is_flag=True, help="Read the secret of the sender from standard input, or ask.")
@with_session
def create_hook(
    session: Session, name: str, dag_id: str, kind: str, filter_: str | None, secret_stdin: bool, **given: Any
) -> None:
    """Create a hook. KIND says how deliveries are signed: github, gitlab, stripe, standard or bearer.

    Its address and its secret are shown once.
    """
    from mainspring_client.api.hooks import post_hook

    body = {"name": name, "dag_id": dag_id, "kind": kind, "filter": filter_, **given}
    body |= {"secret": read_secret("Secret")} if secret_stdin else {}
    session.output.item(session.call(post_hook, body=body), (*_COLUMNS, "path", "secret"))


@hooks.command("show")
@click.argument("hook_id")
@with_session
def show_hook(session: Session, hook_id: str) -> None:
    """Show a hook without its address and secret."""
    from mainspring_client.api.hooks import get_hook

    session.output.item(session.call(get_hook, hook_id))


@hooks.command("delete")
@click.argument("hook_id")
@with_session
def delete_hook_of(session: Session, hook_id: str) -> None:
    """Delete a hook."""
    from mainspring_client.api.hooks import delete_hook

    session.call(delete_hook, hook_id)
    click.echo(f"hook {hook_id} is deleted", err=True)


@hooks.command("deliveries")
@click.argument("hook_id")
@with_session
def list_hook_deliveries(session: Session, hook_id: str) -> None:
    """List the last deliveries, newest first."""
    from mainspring_client.api.hooks import get_hook_deliveries

    session.output.rows(session.call(get_hook_deliveries, hook_id)["deliveries"], _DELIVERY_COLUMNS)


@hooks.command("rotate")
@click.argument("hook_id")
@click.option("--url", is_flag=True, help="Replace the secret part of the address too.")
@click.option("--grace-seconds", type=click.IntRange(0), default=0, help="For how long the old ones stay valid.")
@with_session
def rotate_hook_of(session: Session, hook_id: str, url: bool, grace_seconds: int) -> None:
    """Give a hook a new secret, which is shown once."""
    from mainspring_client.api.hooks import rotate_hook

    answer = session.call(rotate_hook, hook_id, body={"url": url, "grace_seconds": grace_seconds})
    session.output.item(answer, (*_COLUMNS, "path", "secret", "previous_until"))
