"""`mainspring login`: a way into the page of the server, or a token for a pipeline."""

import os
import sys
from urllib.parse import urlsplit

import click

from mainspring_cli.client.ci_tokens import ci_token
from mainspring_cli.client.contexts import address_of
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.page_links import page_link
from mainspring_cli.client.session import choose_server, open_public_session, open_session
from mainspring_cli.config import is_loopback

__all__ = ["login"]

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"


@click.command()
@click.option("--page", is_flag=True, help="Make a link that logs a browser of this machine in.")
@click.option("--exchange", is_flag=True, help="Exchange the OIDC token of this CI job for a token, and print it.")
@click.option(
    "--audience", metavar="TEXT", help="With --exchange on GitHub: as the rule has it (default: MAINSPRING_URL)."
)
@click.option("--context", metavar="NAME", help="Which server (default: the current context).")
@with_output
def login(context: str | None, output: Output, page: bool, exchange: bool, audience: str | None) -> None:
    """Print a link to the server's page, valid once and for 10 minutes, or a short-lived token for a pipeline.

    --exchange takes the token of GitHub Actions or, from MAINSPRING_OIDC_TOKEN, of GitLab, and needs no
    MAINSPRING_TOKEN.
    """
    if page == exchange:
        raise click.UsageError("give --page or --exchange")
    if exchange:
        _print_token(context, output, audience)
    else:
        _print_link(context, output)


def _print_link(context: str | None, output: Output) -> None:
    from mainspring_client.api.sessions import create_session_code

    session = open_session(context, output)
    made = session.call(create_session_code)
    link = page_link(session.server.url, made["code"])
    if not is_loopback(urlsplit(link).hostname or ""):
        click.echo("warning: the link works in a browser of the server's machine alone", err=True)
    if not sys.stdout.isatty():
        click.echo("warning: whoever reads this output can log in with it for 10 minutes", err=True)
    output.item({"link": link, "expires_at": made["expires_at"]})


def _print_token(context: str | None, output: Output, audience: str | None) -> None:
    from mainspring_client.api.login import exchange_token

    address = os.environ.get("MAINSPRING_URL")
    url = address_of(address) if address and not context else choose_server(context, os.environ).url
    body = {
        "grant_type": _GRANT_TYPE,
        "subject_token": ci_token(os.environ, audience=audience or url),
        "subject_token_type": _JWT,
    }
    made = open_public_session(url, output).call(exchange_token, body=body)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # The runner hides the token in all later output, and does not show this line.
        click.echo(f"::add-mask::{made['access_token']}", err=True)
    if output.is_table:
        output.line(made["access_token"])
    else:
        output.item(made)
