"""`mainspring login`: a way into the page of the server."""

import sys
from urllib.parse import urlsplit

import click

from mainspring_cli.client.page_links import page_link
from mainspring_cli.client.session import Session, with_session
from mainspring_cli.config import is_loopback

__all__ = ["login"]


@click.command()
@click.option("--page", is_flag=True, required=True, help="Make a link that logs a browser of this machine in.")
@with_session
def login(session: Session, page: bool) -> None:
    """Print a link to the server's page, valid once and for 10 minutes, for a browser of this machine."""
    from mainspring_client.api.sessions import create_session_code

    made = session.call(create_session_code)
    link = page_link(session.server.url, made["code"])
    if not is_loopback(urlsplit(link).hostname or ""):
        click.echo("warning: the link works in a browser of the server's machine alone", err=True)
    if not sys.stdout.isatty():
        click.echo("warning: whoever reads this output can log in with it for 10 minutes", err=True)
    session.output.item({"link": link, "expires_at": made["expires_at"]})
