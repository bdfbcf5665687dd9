"""Definitions in files: found in folders, sent as they are."""

from io import BytesIO
from pathlib import Path
from typing import Any

import click

__all__ = ["dag_id_of", "definition_text", "find_definitions", "read_definition"]

_SUFFIXES = (".yaml", ".yml", ".json")


def find_definitions(sources: tuple[Path, ...]) -> list[Path]:
    """The files of `sources`, and the definition files in the folders of `sources`, in the order of their paths.

    Raises:
        click.UsageError: A folder has none.
    """
    files = []
    for source in sources:
        paths = sorted(path for path in source.rglob("*") if path.suffix in _SUFFIXES) if source.is_dir() else [source]
        if not paths:
            raise click.UsageError(f"{source}: no {', '.join(_SUFFIXES)} there")
        files += paths
    return files


def read_definition(path: Path) -> Any:
    """The file as it is. JSON is sent as YAML, because the server reports lines for YAML; JSON with tabs is sent as
    JSON."""
    from mainspring_client.types import File

    content = path.read_bytes()
    return File(payload=BytesIO(content.replace(b"\t", b" ") if path.suffix == ".json" else content))


def definition_text(path: Path) -> dict[str, Any]:
    """The members `dag_id` and `text` of a JSON body. JSON is sent as YAML, which has lines.

    Raises:
        click.FileError: The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise click.FileError(str(path), exc.strerror) from exc
    return {"dag_id": dag_id_of(path), "text": text.replace("\t", " ") if path.suffix == ".json" else text}


def dag_id_of(path: Path) -> str:
    """The id in the definition, if the id is valid in a path; else the name of the file.

    The server reports further faults of the file with their lines.
    """
    content = path.read_bytes()
    if b"dag_id" not in content:
        return path.stem
    import yaml

    try:
        # The loader in C is ten times as fast, where PyYAML was built with it.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(content, Loader=loader)  # noqa: S506  both loaders are safe
    except (yaml.YAMLError, RecursionError):
        return path.stem
    named = document.get("dag_id") if isinstance(document, dict) else None
    if not isinstance(named, str) or "/" in named or named in ("", ".", ".."):
        return path.stem
    return named
