"""Secrets from a terminal or a pipe; never from an argument, which stands in the list of processes."""

import sys

import click

__all__ = ["read_secret"]


def read_secret(name: str) -> str:
    """The text of standard input without the final line end; on a terminal it is asked for and not shown."""
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n")
    entered: str = click.prompt(name, hide_input=True)
    return entered
