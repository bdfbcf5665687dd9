"""`mainspring contexts`: the servers that are known by name."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from mainspring_cli.client.contexts import Contexts, address_of, contexts_path, read_contexts, server_of, write_contexts
from mainspring_cli.client.output import Output, with_output
from mainspring_cli.client.secret_input import read_secret

__all__ = ["contexts"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.group()
def contexts() -> None:
    """Servers that are known by name."""


@contexts.command("list")
@with_output
def list_contexts(output: Output) -> None:
    """List the contexts; their tokens are not told."""
    contexts = _read()
    rows = [
        {"name": name, "url": server.url, "is_current": name == contexts.current}
        for name, server in contexts.servers.items()
    ]
    output.rows(rows, ("name", "url", "is_current"))


@contexts.command()
@click.argument("name")
@click.argument("url")
@click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Where the token is.")
def add(name: str, url: str, token_file: Path | None) -> None:
    """Remember a server by a name. Its token is read from --token-file, from standard input, or asked for."""
    parts = urlsplit(address_of(url))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        click.echo(f"warning: {url} is not encrypted; whoever listens gets the token", err=True)
    server = server_of(url, _token(token_file), origin=str(token_file or "standard input"))
    _write(_read().with_server(name, server))


@contexts.command()
@click.argument("name")
def use(name: str) -> None:
    """Make a context the current one."""
    contexts = _read()
    contexts.require(name)
    _write(Contexts(current=name, servers=contexts.servers))


@contexts.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a context and its token."""
    contexts = _read()
    contexts.require(name)
    _write(contexts.without(name))


def _token(file: Path | None) -> str:
    return (read_secret("Token") if file is None else file.read_text(encoding="utf-8")).strip()


def _read() -> Contexts:
    return read_contexts(contexts_path(os.environ))


def _write(changed: Contexts) -> None:
    write_contexts(contexts_path(os.environ), changed)
