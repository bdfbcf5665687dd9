"""Definitions in files: found in folders, sent as they are."""

from io import BytesIO
from pathlib import Path
from typing import Any

import click

__all__ = ["dag_id_of", "find_definitions", "read_definition"]

_SUFFIXES = (".yaml", ".yml", ".json")


def find_definitions(sources: tuple[Path, ...]) -> list[Path]:
    """The files that `sources` name, and those in the folders that they name, in the order of their paths.

    Raises:
        click.UsageError: A folder has none.
    """
    files = []
    for source in sources:
        within = sorted(each for each in source.rglob("*") if each.suffix in _SUFFIXES) if source.is_dir() else [source]
        if not within:
            raise click.UsageError(f"{source}: no {', '.join(_SUFFIXES)} there")
        files += within
    return files


def read_definition(path: Path) -> Any:
    """The file as it is. JSON is sent as YAML, which it is but for tabs, because the server tells lines for YAML."""
    from mainspring_client.types import File

    content = path.read_bytes()
    return File(payload=BytesIO(content.replace(b"\t", b" ") if path.suffix == ".json" else content))


def dag_id_of(path: Path) -> str:
    """The id that the definition names, if it can stand in an address; else the name of the file.

    What else is wrong with the file is for the server to say, which knows its lines.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, RecursionError):
        return path.stem
    named = document.get("dag_id") if isinstance(document, dict) else None
    if not isinstance(named, str) or "/" in named or named in ("", ".", ".."):
        return path.stem
    return named
