"""`mainspring pools`, `variables`, `secrets`: what tasks share."""

import sys
from typing import Any

import click

from mainspring_cli.client.exits import Rejected
from mainspring_cli.client.secret_input import read_secret
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.config import Resolved
from mainspring_cli.settings_options import SETTINGS_FLAGS, with_settings

__all__ = ["pools", "secrets", "variables"]

_POOL_COLUMNS = ("name", "slots", "occupied_slots", "running_slots", "queued_slots", "open_slots", "description")

_VARIABLE_COLUMNS = ("key", "value", "description")
_SECRET_COLUMNS = ("name", "created_at", "updated_at")


@click.group()
def pools() -> None:
    """Slots that the tasks of all DAGs share."""


@pools.command("list")
@with_session
def list_pools(session: Session) -> None:
    """List pools and how full they are."""
    from mainspring_client.api.pools import get_pools

    session.output.rows(session.rows(get_pools, "pools"), _POOL_COLUMNS)


@pools.command("set", context_settings={"ignore_unknown_options": True})  # -1 is a number
@click.argument("name")
@click.argument("slots", type=click.IntRange(-1))
@click.option("--description", help="What it stands for.")
@with_session
def set_pool(session: Session, name: str, slots: int, description: str | None) -> None:
    """Create a pool, or change its number of slots; -1 = as many as wanted."""
    from mainspring_client.api.pools import patch_pool, post_pool
    from mainspring_client.models import PoolBody, PoolPatchBody

    body = {"slots": slots, **({} if description is None else {"description": description})}
    mask = list(body)
    try:
        answer = session.call(patch_pool, name, body=PoolPatchBody.from_dict(body), update_mask=mask)
    except Rejected as exc:
        if exc.status != 404:
            raise
        answer = session.call(post_pool, body=PoolBody.from_dict({"name": name, **body}))
    session.output.item(answer, _POOL_COLUMNS)


@pools.command("delete")
@click.argument("name")
@with_session
def delete_pool_of(session: Session, name: str) -> None:
    """Delete a pool that nothing uses."""
    from mainspring_client.api.pools import delete_pool

    session.call(delete_pool, name)
    click.echo(f"pool {name} is deleted", err=True)


@click.group()
def variables() -> None:
    """Values that expressions read as `vars.KEY`."""


@variables.command("list")
@with_session
def list_variables(session: Session) -> None:
    """List variables."""
    from mainspring_client.api.variables import get_variables

    session.output.rows(session.rows(get_variables, "variables"), _VARIABLE_COLUMNS)


@variables.command("get")
@click.argument("key")
@with_session
def show_variable(session: Session, key: str) -> None:
    """Print the value of a variable."""
    from mainspring_client.api.variables import get_variable

    answer = session.call(get_variable, key)
    if session.output.is_table:
        session.output.raw(answer["value"])
    else:
        session.output.item(answer)


@variables.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--description", help="What it is for.")
@with_session
def set_variable(session: Session, key: str, value: str, description: str | None) -> None:
    """Create a variable, or change its value. VALUE is text; `-` reads it from standard input."""
    from mainspring_client.api.variables import patch_variable, post_variable
    from mainspring_client.models import VariableBody, VariablePatchBody

    body: dict[str, Any] = {"key": key, "value": sys.stdin.read() if value == "-" else value}
    body |= {} if description is None else {"description": description}
    try:
        mask = [name for name in body if name != "key"]
        answer = session.call(patch_variable, key, body=VariablePatchBody.from_dict(body), update_mask=mask)
    except Rejected as exc:
        if exc.status != 404:
            raise
        answer = session.call(post_variable, body=VariableBody.from_dict(body))
    session.output.item(answer, _VARIABLE_COLUMNS)


@variables.command("delete")
@click.argument("key")
@with_session
def delete_variable_of(session: Session, key: str) -> None:
    """Delete a variable."""
    from mainspring_client.api.variables import delete_variable

    session.call(delete_variable, key)
    click.echo(f"variable {key} is deleted", err=True)


@click.group()
def secrets() -> None:
    """Values for the tasks that name them."""


@secrets.command("list")
@with_session
def list_secrets(session: Session) -> None:
    """List the names of secrets; what they hold is not told."""
    from mainspring_client.api.secrets import get_secrets

    session.output.rows(session.rows(get_secrets, "secrets"), _SECRET_COLUMNS)


@secrets.command("set")
@click.argument("name")
@with_session
def set_secret(session: Session, name: str) -> None:
    """Write a secret, read from standard input, or asked for on a terminal; never from the command line."""
    from mainspring_client.api.secrets import put_secret
    from mainspring_client.models import SecretBody

    body = SecretBody(value=read_secret("Value"))
    session.output.item(session.call(put_secret, name, body=body), _SECRET_COLUMNS)


@secrets.command("delete")
@click.argument("name")
@with_session
def delete_secret_of(session: Session, name: str) -> None:
    """Delete a secret. Tasks with this secret fail from now on."""
    from mainspring_client.api.secrets import delete_secret

    session.call(delete_secret, name)
    click.echo(f"secret {name} is deleted", err=True)


@secrets.command("rotate-keys")
@with_settings(SETTINGS_FLAGS)
def rotate_keys(settings: Resolved) -> None:
    """Encrypt all secrets again: under a new key, or under the first of MAINSPRING_SECRET_KEYS where that is set."""
    from mainspring_cli.services.commands import rotate_secret_keys

    count = rotate_secret_keys(settings.config)
    click.echo(f"{count} secrets are encrypted under the newest key")
