"""`mainspring contexts`: the servers that are known by name."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from mainspring_cli.contexts import Contexts, Server, contexts_path, read_contexts, write_contexts

__all__ = ["contexts"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.group()
def contexts() -> None:
    """Servers that are known by name."""


@contexts.command("list")
def list_contexts() -> None:
    """List the contexts; `*` marks the current one."""
    found = _read()
    for name, server in found.servers.items():
        click.echo(f"{'*' if name == found.current else ' '} {name:20} {server.url}")


@contexts.command()
@click.argument("name")
@click.argument("url")
@click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Where the token is.")
def add(name: str, url: str, token_file: Path | None) -> None:
    """Remember a server by a name. Its token is read from --token-file, from standard input, or asked for."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(f"{url!r}: write http://HOST:PORT or https://HOST")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        click.echo(f"warning: {url} is not encrypted; whoever listens gets the token", err=True)
    token = _token(token_file)
    if not token or not token.isascii() or any(char.isspace() for char in token):
        raise click.UsageError("that is no token")
    _write(_read().with_server(name, Server(url=url.rstrip("/").removesuffix("/api/v2"), token=token)))


@contexts.command()
@click.argument("name")
def use(name: str) -> None:
    """Make a context the current one."""
    found = _read()
    found.require(name)
    _write(Contexts(current=name, servers=found.servers))


@contexts.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget a context and its token."""
    found = _read()
    found.require(name)
    _write(found.without(name))


def _token(file: Path | None) -> str:
    """Never an argument: those stand in the list of processes and in the shell's history."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    entered: str = click.prompt("Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    return entered.strip()


def _read() -> Contexts:
    return read_contexts(contexts_path(os.environ))


def _write(changed: Contexts) -> None:
    write_contexts(contexts_path(os.environ), changed)
