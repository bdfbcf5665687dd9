"""The clients that are checked in are those that the document makes."""

import filecmp
from pathlib import Path

from clients import generate


def test_the_python_client_is_the_generated_one(tmp_path: Path) -> None:
    generate.generate_python(tmp_path / "mainspring_client")
    assert _differences(generate.PYTHON, tmp_path / "mainspring_client") == [], "run ./dev sdk"


def test_the_typescript_types_are_the_generated_ones(tmp_path: Path) -> None:
    generate.generate_typescript(tmp_path / "schema.ts")
    assert (tmp_path / "schema.ts").read_bytes() == (generate.TYPESCRIPT / generate.SCHEMA).read_bytes(), (
        "run ./dev sdk"
    )


def test_no_lock_file_names_a_registry() -> None:
    folder = generate.ROOT / "clients"
    assert '"resolved"' not in (folder / "typescript" / "package-lock.json").read_text()
    for lock in folder.glob("*.lock"):
        assert "://" not in lock.read_text()


def _differences(here: Path, there: Path) -> list[str]:
    compared = filecmp.dircmp(here, there, ignore=["__pycache__"])
    _, changed, unreadable = filecmp.cmpfiles(here, there, compared.common_files, shallow=False)
    found = [*compared.left_only, *compared.right_only, *changed, *unreadable]
    return [str(here / name) for name in found] + [
        each for name in compared.common_dirs for each in _differences(here / name, there / name)
    ]
