"""`mainspring webhooks`, `notifiers`: who is told what happens."""

import sys
from typing import Any

import click

from mainspring_cli.client.secret_input import read_secret
from mainspring_cli.client.session import Session, with_session

__all__ = ["notifiers", "webhooks"]

_WEBHOOK_COLUMNS = ("name", "state", "dag_id_pattern", "types", "url", "owner", "ended_reason")
_NOTIFIER_COLUMNS = ("name", "state", "dag_id_pattern", "url", "description")
_DELIVERY_COLUMNS = ("id", "type", "dag_id", "state", "attempts", "attempted_at", "status", "error")


@click.group()
def webhooks() -> None:
    """Addresses that get events, signed."""


@webhooks.command("list")
@with_session
def list_webhooks(session: Session) -> None:
    """List your webhooks; an administrator sees all."""
    from mainspring_client.api.webhooks import get_webhooks

    session.output.rows(session.rows(get_webhooks, "webhooks"), _WEBHOOK_COLUMNS)


@webhooks.command("create")
@click.argument("name")
@click.argument("url")
@click.option("-t", "--type", "types", metavar="TYPE", multiple=True, help="Event to send, as run.failed; repeatable.")
@click.option("--dags", "dag_id_pattern", metavar="PATTERN", default="*", help="A DAG, or the beginning of ids and *.")
@click.option("--outputs", is_flag=True, help="Send the outputs of a run with its end.")
@click.option("--description")
@with_session
def create_webhook(
    session: Session,
    name: str,
    url: str,
    types: tuple[str, ...],
    dag_id_pattern: str,
    outputs: bool,
    description: str | None,
) -> None:
    """Create a webhook. The secret that signs is shown once.

    URL `-` reads the address from standard input: an address with a token does not belong on a command line.
    """
    from mainspring_client.api.webhooks import post_webhook

    body: dict[str, Any] = {
        "name": name,
        "url": sys.stdin.read().strip() if url == "-" else url,
        "types": list(types),
        "dag_id_pattern": dag_id_pattern,
        "includes_outputs": outputs,
        "description": description,
    }
    session.output.item(session.call(post_webhook, body=body), (*_WEBHOOK_COLUMNS, "secret"))


@webhooks.command("show")
@click.argument("name")
@with_session
def show_webhook(session: Session, name: str) -> None:
    """Show a webhook."""
    from mainspring_client.api.webhooks import get_webhook

    session.output.item(session.call(get_webhook, name))


@webhooks.command("delete")
@click.argument("name")
@with_session
def delete_webhook_of(session: Session, name: str) -> None:
    """Delete a webhook with its deliveries."""
    from mainspring_client.api.webhooks import delete_webhook

    session.call(delete_webhook, name)
    click.echo(f"webhook {name} is deleted", err=True)


@webhooks.command("test")
@click.argument("name")
@with_session
def test_webhook_of(session: Session, name: str) -> None:
    """Send a test; `deliveries` shows what became of it."""
    from mainspring_client.api.webhooks import test_webhook

    session.output.item(session.call(test_webhook, name))


@webhooks.command("deliveries")
@click.argument("name")
@with_session
def list_webhook_deliveries(session: Session, name: str) -> None:
    """List what was sent in the last 7 days and what waits, newest first."""
    from mainspring_client.api.webhooks import get_webhook_deliveries

    session.output.rows(session.rows(get_webhook_deliveries, "deliveries", name), _DELIVERY_COLUMNS)


@webhooks.command("redeliver")
@click.argument("name")
@click.argument("delivery_id")
@with_session
def redeliver_webhook_of(session: Session, name: str, delivery_id: str) -> None:
    """Send a delivery that ended again, with its id and body."""
    from mainspring_client.api.webhooks import redeliver_webhook

    session.output.item(session.call(redeliver_webhook, name, delivery_id))


@webhooks.command("rotate")
@click.argument("name")
@click.option("--old-seconds", type=click.IntRange(0), help="For how long the old secret signs too (default: a day).")
@with_session
def rotate_webhook(session: Session, name: str, old_seconds: int | None) -> None:
    """Give a webhook a new secret, which is shown once."""
    from mainspring_client.api.webhooks import rotate_webhook_secret

    body = {} if old_seconds is None else {"old_seconds": old_seconds}
    session.output.item(session.call(rotate_webhook_secret, name, body=body))


@click.group()
def notifiers() -> None:
    """Chats and mailboxes that definitions notify."""


@notifiers.command("list")
@with_session
def list_notifiers(session: Session) -> None:
    """List notifiers; their addresses are not shown."""
    from mainspring_client.api.notifiers import get_notifiers

    session.output.rows(session.rows(get_notifiers, "notifiers"), _NOTIFIER_COLUMNS)


@notifiers.command("create")
@click.argument("name")
@click.option("--dags", "dag_id_pattern", metavar="PATTERN", default="*", help="DAGs that may name the notifier.")
@click.option("--description")
@with_session
def create_notifier(session: Session, name: str, dag_id_pattern: str, description: str | None) -> None:
    """Create a notifier. Its address is a credential: it is read from standard input, or asked for on a terminal."""
    from mainspring_client.api.notifiers import post_notifier

    body: dict[str, Any] = {"name": name, "url": read_secret("URL"), "dag_id_pattern": dag_id_pattern}
    answer = session.call(post_notifier, body={**body, "description": description})
    session.output.item(answer, _NOTIFIER_COLUMNS)


@notifiers.command("show")
@click.argument("name")
@with_session
def show_notifier(session: Session, name: str) -> None:
    """Show a notifier without its address."""
    from mainspring_client.api.notifiers import get_notifier

    session.output.item(session.call(get_notifier, name))


@notifiers.command("delete")
@click.argument("name")
@with_session
def delete_notifier_of(session: Session, name: str) -> None:
    """Delete a notifier with its deliveries."""
    from mainspring_client.api.notifiers import delete_notifier

    session.call(delete_notifier, name)
    click.echo(f"notifier {name} is deleted", err=True)


@notifiers.command("test")
@click.argument("name")
@with_session
def test_notifier_of(session: Session, name: str) -> None:
    """Send a test; `deliveries` shows what became of it."""
    from mainspring_client.api.notifiers import test_notifier

    session.output.item(session.call(test_notifier, name))


@notifiers.command("deliveries")
@click.argument("name")
@with_session
def list_notifier_deliveries(session: Session, name: str) -> None:
    """List what was sent in the last 7 days and what waits, newest first."""
    from mainspring_client.api.notifiers import get_notifier_deliveries

    session.output.rows(session.rows(get_notifier_deliveries, "deliveries", name), _DELIVERY_COLUMNS)


@notifiers.command("redeliver")
@click.argument("name")
@click.argument("delivery_id")
@with_session
def redeliver_notifier_of(session: Session, name: str, delivery_id: str) -> None:
    """Send a message that ended again."""
    from mainspring_client.api.notifiers import redeliver_notifier

    session.output.item(session.call(redeliver_notifier, name, delivery_id))
