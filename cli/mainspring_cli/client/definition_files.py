"""Definitions in files: found in folders, sent as YAML."""

from io import BytesIO
from pathlib import Path
from typing import Any

import click

__all__ = ["dag_id_of", "definition_text", "find_definitions", "read_definition", "yaml_of"]

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
    """The body of a request with the definition, as YAML.

    Raises:
        OSError: The file cannot be read.
    """
    from mainspring_client.types import File

    return File(payload=BytesIO(yaml_of(path)))


def definition_text(path: Path) -> dict[str, Any]:
    """The members `dag_id` and `text` of a JSON body; the text is YAML.

    Raises:
        click.FileError: The file cannot be read.
    """
    try:
        text = yaml_of(path).decode(errors="replace")
    except OSError as exc:
        raise click.FileError(str(path), exc.strerror) from exc
    return {"dag_id": dag_id_of(path), "text": text}


def yaml_of(path: Path) -> bytes:
    """The content of a file as YAML. JSON is YAML but for tabs between values, and the faults of YAML have lines.

    Raises:
        OSError: The file cannot be read.
    """
    content = path.read_bytes()
    return content.replace(b"\t", b" ") if path.suffix == ".json" else content


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
