"""`mainspring connections`: where other systems are, and how to get in."""

from typing import Any

import click

from mainspring_cli.client.exits import Rejected
from mainspring_cli.client.secret_input import read_secret
from mainspring_cli.client.session import Session, with_session

__all__ = ["connections"]

_COLUMNS = ("connection_id", "conn_type", "host", "port", "login", "schema", "description")


@click.group()
def connections() -> None:
    """Where other systems are, and how to get in."""


@connections.command("list")
@with_session
def list_connections(session: Session) -> None:
    """List connections; their passwords are not told."""
    from mainspring_client.api.connections import get_connections

    session.output.rows(session.rows(get_connections, "connections"), _COLUMNS)


@connections.command("set")
@click.argument("connection_id")
@click.argument("conn_type")
@click.option("--host")
@click.option("--port", type=click.IntRange(0, 65535))
@click.option("--login")
@click.option("--schema", help="Or the database.")
@click.option("--description")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, or ask.")
@with_session
def set_connection(session: Session, connection_id: str, conn_type: str, password_stdin: bool, **given: Any) -> None:
    """Create a connection, or change the given fields."""
    from mainspring_client.api.connections import patch_connection, post_connection
    from mainspring_client.models import ConnectionBody, ConnectionPatchBody

    changed = {name: value for name, value in given.items() if value is not None} | {"conn_type": conn_type}
    changed |= {"password": read_secret("Password")} if password_stdin else {}
    whole = {"connection_id": connection_id, **changed}
    try:
        body = ConnectionPatchBody.from_dict(whole)
        answer = session.call(patch_connection, connection_id, body=body, update_mask=list(changed))
    except Rejected as exc:
        if exc.status != 404:
            raise
        answer = session.call(post_connection, body=ConnectionBody.from_dict(whole))
    session.output.item(answer, _COLUMNS)


@connections.command("delete")
@click.argument("connection_id")
@with_session
def delete_connection_of(session: Session, connection_id: str) -> None:
    """Delete a connection."""
    from mainspring_client.api.connections import delete_connection

    session.call(delete_connection, connection_id)
    click.echo(f"connection {connection_id} is deleted", err=True)
