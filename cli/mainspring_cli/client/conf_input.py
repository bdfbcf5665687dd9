"""The conf of a run, from the arguments of the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mainspring.text_values import read_value

__all__ = ["read_conf", "with_conf"]


def with_conf(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options -p and --conf."""
    param = click.option(
        *("-p", "--param", "params"), multiple=True, metavar="NAME=VALUE", help="JSON, or else text; repeatable."
    )
    return param(click.option("--conf", metavar="JSON|@FILE", help="All of them as one JSON object.")(command))


def read_conf(params: tuple[str, ...], conf: str | None) -> dict[str, Any]:
    """The merged conf; `params` take precedence over `conf`.

    Raises:
        click.UsageError: It is no JSON object, or a param has no value.
    """
    whole = _json_object(conf) if conf else {}
    for param in params:
        name, equals, value = param.partition("=")
        if not (name and equals):
            raise click.UsageError(f"-p {param!r}: write NAME=VALUE")
        whole[name] = read_value(value)
    return whole


def _json_object(conf: str) -> dict[str, Any]:
    try:
        document = json.loads(Path(conf[1:]).read_bytes() if conf.startswith("@") else conf)
    except (OSError, ValueError) as exc:
        raise click.UsageError(f"--conf: {exc}") from exc
    if not isinstance(document, dict):
        raise click.UsageError("--conf: must be a JSON object")
    return document
