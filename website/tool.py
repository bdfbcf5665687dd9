"""Builds the docs site: `./dev docs build [--out DIR]`, DIR by default dist/docs; or `serve` on loopback.

The site of a version goes into DIR/VERSION, and DIR/versions.json lists the versions that are there. A link to a page,
a heading or a file that does not exist is an error, and so is a page that the menu lacks.
"""

import argparse
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from clients import generate  # noqa: E402
from mainspring_api.app import BLUEPRINTS  # noqa: E402
from mainspring_api.document.docs_page import docs_page  # noqa: E402
from release.versions import current_version  # noqa: E402

PAGES: Mapping[str, str] = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "LICENSE": "LICENSE.txt",
    "clients/python/README.md": "clients/python.md",
    "clients/typescript/README.md": "clients/typescript.md",
    "openapi/mainspring.json": "mainspring.json",
    "openapi/execution.json": "execution.json",
}
"""File of the repository outside of docs/ -> its place on the site. A file of docs/ keeps its name."""
REFERENCE = """# API reference

[All operations on one page](reference-page.html), with their parameters, bodies, answers and examples. It is made from
the [OpenAPI document](mainspring.json), which every server gives at `/openapi.json`.
"""
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev docs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["build", "serve"])
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "docs", metavar="DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = prepare(Path(folder), options.out.resolve() / current_version(ROOT))
        mkdocs = generate.tool_environment("website.lock") / "bin" / "mkdocs"
        line = [mkdocs, options.action, "--strict", "--config-file", config]
        # The makers of the theme announce their next program at each build.
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        status = subprocess.call([*line, "--clean"] if options.action == "build" else line, env=environment)
    if status == 0 and options.action == "build":
        list_versions(options.out)
        print(f"{options.out / current_version(ROOT)} has the site")
    return status


def prepare(folder: Path, site: Path) -> Path:
    """Write the sources of the site into a folder; returns the configuration.

    site: folder that the site is built into.
    """
    sources = folder / "docs"
    places = {**PAGES, **{f"docs/{name}": name for name in _names(ROOT / "docs")}}
    for name, place in places.items():
        target = sources / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            text = moved_links((ROOT / name).read_text(encoding="utf-8"), name, places)
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(ROOT / name, target)
    (sources / "reference.md").write_text(REFERENCE, encoding="utf-8")
    page = docs_page(BLUEPRINTS).replace('href="/openapi.json"', 'href="mainspring.json"')
    (sources / "reference-page.html").write_text(page, encoding="utf-8")
    config = yaml.safe_load((ROOT / "website" / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= {"docs_dir": str(sources), "site_dir": str(site)}
    file = folder / "mkdocs.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file


def moved_links(text: str, name: str, places: Mapping[str, str]) -> str:
    """A page with the links to files as they are on the site.

    name: of the page in the repository. A link to a file that is not on the site stays, and the build refuses it.
    """

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link[1]))
        for there in (target, f"{target}/README.md"):
            if there in places:
                return posixpath.relpath(places[there], posixpath.dirname(places[name]) or ".")
        return link[1]

    return _LINK.sub(moved, text)


def list_versions(folder: Path) -> None:
    """Write the list of the versions that are there, newest first, and a page that leads to the newest."""

    def order(version: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", version)]

    versions = sorted((path.name for path in folder.iterdir() if path.is_dir()), key=order, reverse=True)
    listed = [{"version": version, "title": version, "aliases": []} for version in versions]
    (folder / "versions.json").write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={versions[0]}/">\n'
    (folder / "index.html").write_text(page, encoding="utf-8")


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
